"""Grouping columns of any kind of table: numbered when fitted, found again in new rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.levels import FactorLevels, known_codes
from partialpool.errors import DataError, ModelError
from partialpool.frames import Column, read_column, read_table

__all__ = ["Grouping", "find_groups", "number_groups", "read_groups"]


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """A grouping column on the rows fitted.

    Attributes
    ----------
    name
        Its name, or its position as text.
    levels : (q,) array
        Distinct labels in order.
    codes : (n,) array of int32
        Each row's level; -1 for a row that belongs to none.
    """

    name: str
    levels: NDArray[Any]
    codes: NDArray[np.int32]


def read_groups(groups: Any, n: int) -> tuple[Column, ...]:
    """Read one or several grouping columns.

    Parameters
    ----------
    groups
        None, an array or series of n labels, a table, a dict of columns, or an array (n, F)
        whose columns are F grouping factors. Labels are numbers or strings; a missing one says
        that the row belongs to no group.
    n
        Number of rows of X.

    Raises
    ------
    DataError
        If there are not as many labels as rows.

    Examples
    --------
    >>> [c.name for c in read_groups({"shop": ["a", "b"], "town": ["x", None]}, 2)]
    ['shop', 'town']
    """
    if groups is None:
        return ()
    columns = tuple(_columns(groups))
    for column in columns:
        if len(column) != n:
            raise DataError(
                f"groups have {len(column):,} rows, but X has {n:,}. Give a label for each row of "
                "X; None or NaN where a row belongs to no group."
            )
    return columns


def _columns(groups: Any) -> Iterator[Column]:
    if isinstance(groups, (list, tuple)):
        nested = bool(groups) and isinstance(groups[0], (list, tuple, np.ndarray))
        groups = np.array(groups, dtype=object if nested else None) if nested else list(groups)
    if isinstance(groups, np.ndarray) and groups.ndim == 2:
        for i in range(groups.shape[1]):
            yield read_column(str(i), _tight(groups[:, i]))
        return
    if isinstance(groups, np.ndarray) and groups.ndim != 1:
        raise DataError(
            f"groups have {groups.ndim} dimensions, but need one for a single grouping factor, or "
            "two with a column for each factor."
        )
    if hasattr(groups, "columns") or hasattr(groups, "column_names") or isinstance(groups, dict):
        table = read_table(groups)
        for name in table.names:
            yield table.column(name)
        return
    yield read_column(str(getattr(groups, "name", None) or "group"), groups)


def _tight(values: NDArray[Any]) -> Any:
    """An array of objects as a list, so that numbers and labels are told apart."""
    return values.tolist() if values.dtype == object else values


def number_groups(columns: Sequence[Column]) -> tuple[Grouping, ...]:
    """Number the levels of each grouping column.

    Raises
    ------
    ModelError
        If all labels of a column are missing.
    """
    return tuple(_number(column) for column in columns)


def _number(column: Column) -> Grouping:
    there = ~_missing(column)
    if not there.any():
        raise ModelError(
            f"every label of the grouping column {column.name!r} is missing, so that no row "
            "belongs to a group. Check the column, or pass groups=None."
        )
    coding = (column if there.all() else column.take(there)).coded()
    codes = np.full(len(column), -1, dtype=np.int32)
    codes[there] = coding.codes
    return Grouping(column.name, coding.levels, codes)


def _missing(column: Column) -> NDArray[np.bool_]:
    return np.zeros(len(column), dtype=bool) if column.missing is None else column.missing


def find_groups(known: Sequence[tuple[str, NDArray[Any]]], columns: Sequence[Column]) -> Any:
    """Find each new row's level among the known ones.

    Parameters
    ----------
    known
        Name and levels of each grouping factor fitted.
    columns
        The new rows' grouping columns: by the same names; in the same order where they have none
        (an array's), or there is a single one.

    Returns
    -------
    list of (m,) arrays of int32
        -1 where a level is new or missing.

    Raises
    ------
    DataError
        If there are more or fewer columns than factors, or several have other names.
    """
    if len(columns) != len(known):
        raise DataError(
            f"groups have {len(columns)} column(s), but the model was fitted with {len(known)}: "
            f"{', '.join(repr(name) for name, _ in known) or 'none'}. Give the same columns, or "
            "groups=None to predict all rows by the shared coefficients."
        )
    by_name = {column.name: column for column in columns}
    named = all(name in by_name for name, _ in known)
    if not (named or len(known) == 1 or _unnamed(by_name) or _unnamed(n for n, _ in known)):
        raise DataError(
            f"groups have the columns {', '.join(map(repr, by_name))}, but the model was fitted "
            f"with {', '.join(repr(name) for name, _ in known)}. Give the same columns, or an "
            "array of them in that order."
        )
    found = []
    for (name, levels), column in zip(known, columns, strict=True):
        own = by_name[name] if named else column
        found.append(known_codes(FactorLevels((name,), (levels,), None), {name: own}))
    return found


def _unnamed(names: Iterable[str]) -> bool:
    """Whether columns are called by their positions, as those of an array are."""
    return all(name == str(i) for i, name in enumerate(names))
