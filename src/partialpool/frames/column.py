"""One column of a table, whatever library it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames.coding import Coding, encode

__all__ = ["Column", "ColumnKind", "concat_columns", "label", "labels_of", "show_labels"]

ColumnKind = Literal["number", "boolean", "date", "text", "categorical"]

_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column as arrays that any code can rely on.

    Attributes
    ----------
    name
        Its name in the table.
    kind
        What it holds. Text is coded by its sorted labels, a categorical column by the
        levels it came with, in their order, unused ones included.
    numbers : (n,) array or None
        Numbers, booleans and dates: contiguous float64, int64, uint64, bool, datetime64
        or timedelta64. Missing values are NaN or NaT, and 0 where the type has neither.
    codes : (n,) array of int32, or None
        Text and categorical columns: position in ``levels``, -1 for a missing value.
    levels : (J,) array or None
        Labels of text and categorical columns.
    missing : (n,) array of bool, or None
        Which values are missing; None if none is.
    ordered
        Whether the order of the levels means something.
    """

    name: str
    kind: ColumnKind
    numbers: NDArray[Any] | None = None
    codes: NDArray[np.int32] | None = None
    levels: NDArray[Any] | None = None
    missing: NDArray[np.bool_] | None = None
    ordered: bool = False

    def __len__(self) -> int:
        array = self.numbers if self.codes is None else self.codes
        assert array is not None
        return len(array)

    @property
    def values(self) -> NDArray[Any]:
        """The values as they were given; a missing label is None."""
        if self.codes is None or self.levels is None:
            assert self.numbers is not None
            return self.numbers
        if self.missing is not None and self.missing.all():  # Then there may be no levels.
            return np.full(len(self.codes), None, dtype=object)
        values: NDArray[Any] = self.levels[self.codes]
        if self.missing is not None:
            values = values.astype(object)
            values[self.missing] = None
        return values

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic on it means something."""
        return self.codes is None

    def as_float(self, where: str) -> NDArray[np.float64]:
        """Return the values as float64, NaN where missing; dates as days since 1970-01-01.

        Parameters
        ----------
        where
            What needs the numbers, for the error: ``"log(x)"``.

        Raises
        ------
        DataError
            If the column holds labels.
        """
        if self.numbers is None:
            raise DataError(
                f"column {self.name!r} holds text ({show_labels(self.levels)}), but {where} "
                "needs numbers. Convert the column, or use it as a factor on its own."
            )
        if self.kind == "date":
            return _days(self.numbers)
        numbers = self.numbers.astype(np.float64, copy=False)
        if self.missing is not None and self.numbers.dtype.kind != "f":
            numbers = np.where(self.missing, np.nan, numbers)
        return numbers

    def coded(self) -> Coding:
        """Return its distinct values in order and each row's position among them.

        Values must not be missing. Levels that occur in no row are left out.
        """
        if self.codes is None or self.levels is None:
            assert self.numbers is not None
            return encode(self.numbers)
        used = np.bincount(self.codes, minlength=len(self.levels)) > 0
        if used.all():
            return Coding(self.levels, self.codes)
        position = np.cumsum(used, dtype=np.int32) - np.int32(1)
        return Coding(self.levels[used], position[self.codes])

    def take(self, rows: NDArray[Any]) -> Column:
        """Return the column of some rows, given by position or by a boolean array."""
        missing = None if self.missing is None else self.missing[rows]
        return replace(
            self,
            numbers=None if self.numbers is None else self.numbers[rows],
            codes=None if self.codes is None else self.codes[rows],
            missing=missing if missing is not None and missing.any() else None,
        )


def concat_columns(columns: Sequence[Column]) -> Column:
    """Put columns of one name, all of them numbers or all labels, one after the other.

    Text is coded by its sorted labels again, other labels in the order in which they come.

    Examples
    --------
    >>> from partialpool.frames import read_column
    >>> both = concat_columns([read_column("g", ["b"]), read_column("g", ["a", "b"])])
    >>> both.levels.tolist(), both.codes.tolist()
    (['a', 'b'], [1, 0, 1])
    """
    first = columns[0]
    if first.is_numeric:
        kinds = {column.kind for column in columns}
        numbers = np.concatenate([c.numbers for c in columns if c.numbers is not None])
        return Column(first.name, first.kind if len(kinds) == 1 else "number", numbers)
    values = np.concatenate([column.values for column in columns])
    levels = {level: None for c in columns if c.levels is not None for level in c.levels.tolist()}
    ordered = sorted(levels) if first.kind == "text" else list(levels)
    position = {level: i for i, level in enumerate(ordered)}
    codes = np.array([position[value] for value in values.tolist()], dtype=np.int32)
    array = np.empty(len(ordered), dtype=object)
    array[:] = ordered
    return replace(first, codes=codes, levels=array)


def _days(dates: NDArray[Any]) -> NDArray[np.float64]:
    since = dates - np.datetime64(0, "s").astype(dates.dtype) if dates.dtype.kind == "M" else dates
    return since / _DAY


def label(level: object) -> str:
    """Write a level as it stands in a coefficient's name: 1.0 as ``1``.

    Examples
    --------
    >>> label("High"), label(np.float64(3.0)), label(2.5), label(True)
    ('High', '3', '2.5', 'True')
    """
    if isinstance(level, str):
        return level
    if isinstance(level, np.generic):
        if level.dtype.kind in "Mm":
            return str(level)
        level = level.item()
    if isinstance(level, float) and level.is_integer() and abs(level) < 1e15:
        return str(int(level))
    return str(level)


def labels_of(levels: NDArray[Any]) -> list[str]:
    """Write all levels as they stand in names.

    Examples
    --------
    >>> labels_of(np.array([1.0, 2.5]))
    ['1', '2.5']
    """
    # Dates would come out of tolist() as whole numbers.
    values = levels if levels.dtype.kind in "Mm" else levels.tolist()
    return [label(level) for level in values]


def show_labels(levels: Any, most: int = 3) -> str:
    """List the first few labels for a message.

    Examples
    --------
    >>> show_labels(["a", "b", "c", "d"])
    "'a', 'b', 'c', ..."
    """
    shown = [repr(label(level)) for level in levels[:most]]
    return ", ".join([*shown, "..."] if len(levels) > most else shown)
