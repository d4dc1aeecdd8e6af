"""Numbers of draws, refits and rows that a caller asks for."""

from __future__ import annotations

import numpy as np

from partialpool.errors import DataError

__all__ = ["check_count"]


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return a count that is one.

    Parameters
    ----------
    name
        Of the argument.
    value
        What was given.
    least
        The smallest that will do.

    Raises
    ------
    DataError
        If it is no whole number, or too small.

    Examples
    --------
    >>> check_count("n", 1000)
    1000
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least:
        return int(value)
    raise DataError(f"{name} must be a whole number of at least {least}, found {value!r}.")
