"""Grouping factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from partialpool.design.levels import FactorLevels, joint_coding
from partialpool.design.sheet import Sheet
from partialpool.design.values import GroupingFactor
from partialpool.errors import DataError
from partialpool.frames.column import show_labels

__all__ = ["Grouping", "group", "refuse_alone"]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """A grouping factor, and its levels column by column, to find those of new rows."""

    factor: GroupingFactor
    levels: FactorLevels


def refuse_alone(name: str, levels: NDArray[Any]) -> None:
    """Refuse a grouping factor with one level.

    Raises
    ------
    DataError
        With what to do.
    """
    if len(levels) < 2:
        raise DataError(
            f"grouping factor {name!r} has {len(levels)} level ({show_labels(levels)}), but a "
            "random effect needs at least 2. Drop the term, or check for a constant column."
        )


def group(columns: tuple[str, ...], sheet: Sheet, *, alone: bool = False) -> Grouping:
    """Encode one column, or the joint levels of several, as a grouping factor.

    Parameters
    ----------
    columns
        Names of the columns.
    sheet
        Holds them, without missing values.
    alone
        Whether one level will do.

    Raises
    ------
    DataError
        If there are fewer than two levels, and one alone won't do.

    Examples
    --------
    >>> from partialpool.frames import read_column
    >>> school = read_column("school", ["b", "a", "b"])
    >>> group(("school",), Sheet(3, {"school": school})).factor.codes
    array([1, 0, 1], dtype=int32)
    """
    name = ":".join(columns)
    coding = joint_coding(columns, sheet)
    levels = coding.levels.joint()
    if not alone:
        refuse_alone(name, levels)
    # Views, since a design makes its arrays read-only, and these may be the user's own.
    factor = GroupingFactor(name, columns, levels.view(), coding.codes.view())
    return Grouping(factor, coding.levels)
