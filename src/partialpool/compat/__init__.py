"""Drop-in classes for other packages: change the import, keep the code."""
