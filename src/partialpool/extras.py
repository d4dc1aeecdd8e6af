"""Optional parts: what to say when one isn't installed."""

from __future__ import annotations

from importlib.util import find_spec

from partialpool.errors import NotAvailableError

__all__ = ["require"]


def require(module: str, *, extra: str) -> None:
    """Stop with the command that installs an extra, unless it is there.

    Parameters
    ----------
    module
        Name of the module that the extra brings.
    extra
        Name of the extra in partialpool's own metadata.

    Raises
    ------
    NotAvailableError
        If the module can't be found.

    Examples
    --------
    >>> require("json", extra="plots")
    >>> require("no_such_module", extra="plots")
    Traceback (most recent call last):
    partialpool.errors.NotAvailableError: this needs no_such_module, which is not installed. \
Install it with: pip install "partialpool[plots]"
    """
    if find_spec(module) is None:
        raise NotAvailableError(
            f"this needs {module}, which is not installed. "
            f'Install it with: pip install "partialpool[{extra}]"'
        )
