"""Drop-in classes for other packages, each in the module of the package's name."""
