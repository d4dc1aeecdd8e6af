"""Generators of random numbers from what a caller gave as a seed."""

from __future__ import annotations

import numpy as np

from partialpool.errors import DataError

__all__ = ["generator"]


def generator(seed: int | None) -> np.random.Generator:
    """Return NumPy's default generator with a seed.

    Raises
    ------
    DataError
        If NumPy can't take the seed.

    Examples
    --------
    >>> generator(1).integers(10), generator(1).integers(10)
    (np.int64(4), np.int64(4))
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise DataError(
            f"seed must be a whole number of at least 0, or None for a new one, found {seed!r}."
        ) from None
