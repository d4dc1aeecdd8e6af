"""The columns that a model uses, on the rows that it uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import show_rows
from partialpool.frames import Column

__all__ = ["Sheet", "first_rows", "show_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Columns of one table, read once.

    Attributes
    ----------
    n
        Number of rows.
    columns
        By name.
    rows : (n,) array of int64, or None
        Which rows of the table these are; None for all.
    """

    n: int
    columns: Mapping[str, Column]
    rows: NDArray[np.int64] | None = None

    def take(self, rows: NDArray[Any], names: Iterable[str] | None = None) -> Sheet:
        """Return some rows, by position or by a boolean array, of all or of some columns."""
        names = self.columns if names is None else names
        chosen = np.flatnonzero(rows) if rows.dtype == bool else rows
        origin = chosen if self.rows is None else self.rows[chosen]
        return Sheet(len(chosen), {name: self.columns[name].take(rows) for name in names}, origin)

    def show_rows(self, where: NDArray[np.bool_]) -> str:
        """List the first rows of a condition, by their number in the table."""
        if self.rows is None:
            return first_rows(where)
        return show_rows(self.rows[where])


def first_rows(where: NDArray[np.bool_]) -> str:
    """List the first rows of a condition for a message, counted from 0.

    Examples
    --------
    >>> first_rows(np.array([False, True, True]))
    'rows 1 and 2, counted from 0'
    """
    return show_rows(np.flatnonzero(where))
