"""Levels of one column, or joint levels of several: numbered, and found again in new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.sheet import Sheet
from partialpool.frames import Coding, Column, encode, label
from partialpool.frames.column import labels_of

__all__ = ["FactorLevels", "JointCoding", "joint_coding", "known_codes", "row_labels"]


_NUMBERS = "iuf"


@dataclass(frozen=True, slots=True, eq=False)
class FactorLevels:
    """Levels of a factor, column by column.

    Attributes
    ----------
    columns
        Its columns.
    levels
        The levels of each column.
    cells : (J, m) array of int32, or None
        Which levels of the m columns each joint level is made of; None for one column.
    """

    columns: tuple[str, ...]
    levels: tuple[NDArray[Any], ...]
    cells: NDArray[np.int32] | None

    def joint(self) -> NDArray[Any]:
        """Return the levels: of one column as they are, of several as ``"a:b"``."""
        if self.cells is None:
            return self.levels[0]
        texts = [
            np.array(labels_of(levels), dtype=object)[self.cells[:, i]]
            for i, levels in enumerate(self.levels)
        ]
        joint = np.empty(len(self.cells), dtype=object)
        joint[:] = [":".join(parts) for parts in zip(*texts, strict=True)]
        return joint


@dataclass(frozen=True, slots=True, eq=False)
class JointCoding:
    """Joint levels of some columns, and each row's position among them.

    Attributes
    ----------
    levels
        The levels.
    codes : (n,) array of int32
        Position of each row's level.
    """

    levels: FactorLevels
    codes: NDArray[np.int32]


def joint_coding(columns: tuple[str, ...], sheet: Sheet) -> JointCoding:
    """Number the joint levels of columns that have no missing values.

    Only combinations that occur are levels; the first column varies slowest, as in R.

    Examples
    --------
    >>> from partialpool.frames import read_column
    >>> a, b = read_column("a", [*"xyx"]), read_column("b", [*"vuu"])
    >>> coding = joint_coding(("a", "b"), Sheet(3, {"a": a, "b": b}))
    >>> coding.levels.joint().tolist(), coding.codes.tolist()
    (['x:u', 'x:v', 'y:u'], [1, 2, 0])
    """
    codings = [sheet.columns[column].coded() for column in columns]
    levels = tuple(coding.levels for coding in codings)
    if len(columns) == 1:
        return JointCoding(FactorLevels(columns, levels, None), codings[0].codes)
    coding, cells = _join(codings)
    return JointCoding(FactorLevels(columns, levels, cells), coding.codes)


def _join(codings: list[Coding]) -> tuple[Coding, NDArray[np.int32]]:
    coding = codings[0]
    cells = np.arange(len(coding.levels), dtype=np.int32)[:, None]
    for other in codings[1:]:
        # Compressed after each column: the product of all sizes may not fit an integer.
        J = len(other.levels)
        coding = encode(coding.codes.astype(np.int64) * J + other.codes)
        cells = np.column_stack([cells[coding.levels // J], coding.levels % J]).astype(np.int32)
    return coding, cells


def known_codes(known: FactorLevels, columns: Mapping[str, Column]) -> NDArray[np.int32]:
    """Find the level of each new row among the known ones; 308 is the same level as "308".

    Returns
    -------
    (m,) array of int32
        -1 where it is none of them, or missing.
    """
    found = [
        _find(levels, columns[name])
        for name, levels in zip(known.columns, known.levels, strict=True)
    ]
    if known.cells is None:
        return found[0]
    # An unknown level is counted as one more, the first.
    codings = [
        Coding(np.arange(len(levels) + 1), codes + np.int32(1))
        for codes, levels in zip(found, known.levels, strict=True)
    ]
    joint, cells = _join(codings)
    position = {tuple(cell): j for j, cell in enumerate(known.cells.tolist())}
    lookup = [position.get(tuple(cell), -1) for cell in (cells - 1).tolist()]
    return np.array(lookup, dtype=np.int32)[joint.codes]


def _find(levels: NDArray[Any], column: Column) -> NDArray[np.int32]:
    missing = column.missing
    if missing is not None and missing.all():  # Then there may be no levels at all.
        return np.full(len(column), -1, dtype=np.int32)
    coding = (column if missing is None else column.take(~missing)).coded()
    codes = _positions(levels, coding.levels)[coding.codes]
    if missing is None:
        return codes
    spread = np.full(len(column), -1, dtype=np.int32)
    spread[~missing] = codes
    return spread


def _positions(levels: NDArray[Any], new: NDArray[Any]) -> NDArray[np.int32]:
    """Find each of some labels among the levels, -1 where it is none."""
    if levels.dtype.kind in _NUMBERS and new.dtype.kind in _NUMBERS and len(levels):
        # Numbers stand in ascending order, and to write millions of them takes seconds.
        place = np.minimum(np.searchsorted(levels, new), len(levels) - 1)
        return np.where(levels[place] == new, place, -1).astype(np.int32)
    position = {text: j for j, text in enumerate(labels_of(levels))}
    return np.array([position.get(text, -1) for text in labels_of(new)], dtype=np.int32)


def row_labels(names: tuple[str, ...], columns: Mapping[str, Column]) -> NDArray[Any]:
    """Return the label of each row, None where one is missing."""
    values = [columns[name].values for name in names]
    labels = np.empty(len(values[0]), dtype=object)
    if len(names) == 1:
        labels[:] = values[0]
    else:
        labels[:] = [":".join(map(label, parts)) for parts in zip(*values, strict=True)]
    for name in names:
        missing = columns[name].missing
        if missing is not None:
            labels[missing] = None
    return labels
