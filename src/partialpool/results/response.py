"""Another response for rows that were fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.core import all_finite
from partialpool.errors import DataError

__all__ = ["new_responses", "new_values"]


def new_values(y: ArrayLike, n: int) -> NDArray[np.float64]:
    """Read a new response.

    Parameters
    ----------
    y : (n,) or (n, 1) array_like
        One finite number for each row fitted, as ``fit.simulate()`` draws them.
    n
        Their number.

    Raises
    ------
    DataError
        If the length differs or a value isn't finite.
    """
    # A copy: designs make their arrays read-only, and this one is the user's.
    try:
        values = np.array(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"refit needs an array of numbers: {error}.") from error
    if values.shape == (n, 1):
        values = values[:, 0].copy()
    if values.shape != (n,):
        several = (
            " Fit the columns one by one: [fit.refit(y) for y in draws.T]."
            if values.ndim == 2 and values.shape[0] == n
            else ""
        )
        raise DataError(
            f"refit needs one number for each of the {n} rows fitted, found an array of shape "
            f"{values.shape}.{several}"
        )
    if not all_finite(values):
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"refit needs finite numbers, found {values[row]} in row {row}. Leave such rows out "
            "of the data and fit again."
        )
    return values


def new_responses(responses: ArrayLike, n: int) -> NDArray[np.float64]:
    """Read several new responses.

    Parameters
    ----------
    responses : (n, r) array_like
        One response in each column.
    n
        Number of rows fitted.

    Raises
    ------
    DataError
        If the number of rows differs or a value isn't finite.
    """
    try:
        values = np.array(responses, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"refit needs an array of numbers: {error}.") from error
    if values.ndim != 2 or values.shape[0] != n or not values.shape[1]:
        turned = " Transpose it." if values.ndim == 2 and values.shape[1] == n else ""
        raise DataError(
            f"refit needs one response in each column of an array with {n} rows, found an array "
            f"of shape {values.shape}.{turned}"
        )
    if not np.isfinite(values).all():
        row, column = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise DataError(
            f"refit needs finite numbers, found {values[row, column]} in row {row} of response "
            f"{column} (counted from 0)."
        )
    return values
