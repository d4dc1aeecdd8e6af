"""The same rows with another response."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from partialpool.core import all_finite
from partialpool.design import Design
from partialpool.errors import DataError

__all__ = ["with_response"]


def with_response(design: Design, y: ArrayLike) -> Design:
    """Return a design with another response.

    Parameters
    ----------
    design
        Rows and columns of a model.
    y : (n,) array_like
        One finite number for each of its rows.

    Raises
    ------
    DataError
        If the length differs or a value isn't finite.
    """
    # A copy: the design makes its arrays read-only, and this one is the user's.
    try:
        values = np.array(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"refit needs an array of numbers: {error}.") from error
    if values.shape != design.y.shape:
        raise DataError(
            f"refit needs one number for each of the {len(design.y)} rows fitted, found an array "
            f"of shape {values.shape}."
        )
    if not all_finite(values):
        row = int(np.flatnonzero(~np.isfinite(values))[0])
        raise DataError(
            f"refit needs finite numbers, found {values[row]} in row {row}. Leave such rows out "
            "of the data and fit again."
        )
    return design.with_response(values)
