"""``as.integer`` and ``as.numeric`` of labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import Column
from partialpool.frames.column import labels_of

__all__ = ["level_numbers", "level_order", "parsed_text"]


def level_order(column: Column) -> list[str] | None:
    """Return the levels that are numbered as R numbers a factor's, unused ones included."""
    if column.kind != "categorical" or column.levels is None:
        return None
    return labels_of(column.levels)


def level_numbers(column: Column, order: list[str]) -> NDArray[np.float64]:
    """Return the number of each row's level, counted from 1.

    Raises
    ------
    DataError
        If a level isn't among those of the rows fitted.
    """
    coding = column.coded()
    labels = labels_of(coding.levels)
    unseen = [text for text in labels if text not in order]
    if unseen:
        raise DataError(
            f"column {column.name!r} has level(s) {', '.join(map(repr, unseen))} that were not in "
            f"the data fitted, which had {', '.join(map(repr, order))}."
        )
    return np.array([order.index(text) + 1.0 for text in labels])[coding.codes]


def parsed_text(column: Column) -> NDArray[np.float64]:
    """Read text as numbers.

    Raises
    ------
    DataError
        If a label isn't one.
    """
    assert column.levels is not None
    assert column.codes is not None
    try:
        return np.array([float(level) for level in column.levels])[column.codes]
    except ValueError as error:
        raise DataError(
            f"column {column.name!r} holds text that is no number: {error}. To number its levels, "
            "make it categorical first."
        ) from None
