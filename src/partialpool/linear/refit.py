"""The same rows with another response."""

from __future__ import annotations

import dataclasses

from numpy.typing import ArrayLike

from partialpool.design import Design
from partialpool.results.response import new_values

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
    return dataclasses.replace(design, y=new_values(y, len(design.y)))
