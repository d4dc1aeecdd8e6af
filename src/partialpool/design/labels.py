"""What an expression can be besides an array of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design.contrasts import Contrast
from partialpool.errors import DataError
from partialpool.frames import Column, label
from partialpool.frames.column import labels_of

__all__ = ["Basis", "Labels", "compare_labels"]


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """Several columns made by one function.

    Attributes
    ----------
    values : (n, k) array
        The columns, named by their number from 1 on.
    """

    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """A column used for its labels: text, categorical, or made a factor of.

    Attributes
    ----------
    column
        The column.
    contrast
        Contrasts asked for, or None for the default.
    levels
        Levels asked for, in order, or None for those of the column.
    """

    column: Column
    contrast: Contrast | None = None
    levels: tuple[str, ...] | None = None


def compare_labels(
    operator: str, left: object, right: object, compare: Callable[[object, object], object]
) -> NDArray[np.bool_]:
    """Compare labels with one another or with a constant.

    Raises
    ------
    DataError
        If they are compared by size but have no order, or with something that is no label.
    """
    if isinstance(left, Labels) and isinstance(right, Labels):
        texts = [_texts(side) for side in (left, right)]
        if operator in ("==", "!="):
            return np.asarray(compare(*texts), dtype=bool)
        raise _no_order(left)
    labels, constant = (left, right) if isinstance(left, Labels) else (right, left)
    assert isinstance(labels, Labels)
    if not isinstance(constant, (str, int, float)):
        raise DataError(
            f"column {labels.column.name!r} holds labels, which can be compared with one label "
            "or with another column of labels."
        )
    if operator in ("==", "!="):
        return _equal(labels.column, label(constant)) ^ (operator == "!=")
    return _by_order(labels, label(constant), compare, constant_first=labels is right)


def _equal(column: Column, text: str) -> NDArray[np.bool_]:
    coding = column.coded()
    hit = np.array([label(level) == text for level in coding.levels], dtype=bool)
    return hit[coding.codes]


def _by_order(
    labels: Labels,
    text: str,
    compare: Callable[[object, object], object],
    *,
    constant_first: bool,
) -> NDArray[np.bool_]:
    column = labels.column
    if not column.ordered or column.levels is None:
        raise _no_order(labels)
    texts = labels_of(column.levels)
    if text not in texts:
        raise DataError(
            f"{text!r} is not a level of {column.name!r}, which has {', '.join(map(repr, texts))}."
        )
    position = texts.index(text)
    pair = (position, column.codes) if constant_first else (column.codes, position)
    return np.asarray(compare(*pair), dtype=bool)


def _texts(labels: Labels) -> NDArray[np.object_]:
    coding = labels.column.coded()
    return np.array(labels_of(coding.levels), dtype=object)[coding.codes]


def _no_order(labels: Labels) -> DataError:
    return DataError(
        f"the labels of {labels.column.name!r} have no order, so that they can't be compared with "
        "< or >. Use == and !=, or make the column an ordered categorical."
    )
