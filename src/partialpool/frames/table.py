"""A table of any library, seen as named columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from partialpool.errors import DataError, did_you_mean
from partialpool.frames.column import Column

__all__ = ["FrameKind", "Schema", "Table", "unknown_column"]

FrameKind = Literal["pandas", "polars", "pyarrow", "dict"]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table whose columns are read when they are asked for.

    Attributes
    ----------
    n
        Number of rows.
    names
        Names of the columns.
    kind
        The library it came from, and in which results go back.
    read
        Reads the column of a name.
    """

    n: int
    names: tuple[str, ...]
    kind: FrameKind
    read: Callable[[str], Column]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def column(self, name: str) -> Column:
        """Read one column.

        Raises
        ------
        DataError
            If there is no such column, or it holds what no model can use.
        """
        if name not in self.names:
            raise unknown_column(name, self.names)
        return self.read(name)


@dataclass(frozen=True, slots=True)
class Schema:
    """What is known of a table before its rows are read.

    Attributes
    ----------
    names
        Names of the columns.
    kind
        The library it came from.
    """

    names: tuple[str, ...]
    kind: FrameKind

    def require(self, name: str) -> str:
        """Return a column's name.

        Raises
        ------
        DataError
            If there is no such column.
        """
        if name not in self.names:
            raise unknown_column(name, self.names)
        return name


def unknown_column(name: str, names: Iterable[str]) -> DataError:
    """Build the error for a column that the table doesn't have."""
    listed = ", ".join(map(repr, names)) or "none"
    return DataError(
        f"there is no column {name!r} in the data.{did_you_mean(name, names)} "
        f"The columns are {listed}."
    )
