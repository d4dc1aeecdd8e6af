"""Which data sets there are, where they come from and what their columns mean.

A data set is two files in ``data``: ``name.toml`` describes it, ``name.npz`` holds it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from textwrap import fill
from typing import Literal

from partialpool.errors import UnknownNameError, did_you_mean

__all__ = ["Catalogue", "ColumnInfo", "DatasetInfo", "list_datasets"]

DATA = files("partialpool.datasets") / "data"


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """One column of a data set.

    Attributes
    ----------
    name
        Name of the column.
    type
        What it holds; an ``ordered`` factor has levels in a meaningful order.
    meaning
        What the values are, with their unit in parentheses.
    """

    name: str
    type: Literal["float", "int", "factor", "ordered"]
    meaning: str


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """Where a data set comes from and what its columns mean.

    Attributes
    ----------
    name
        What ``load_dataset`` calls it.
    title, description
        What it is, in a few words and in a sentence or two.
    rows
        Number of rows.
    columns
        Its columns, in order.
    source
        Who published the data, and where.
    distributed
        The package this copy was taken from, and that package's licence.
    """

    name: str
    title: str
    description: str
    rows: int
    columns: tuple[ColumnInfo, ...]
    source: str
    distributed: str

    def __str__(self) -> str:
        width = max(len(column.name) for column in self.columns)
        return "\n".join(
            [
                f"{self.name}: {self.title} ({self.rows:,} rows)",
                "",
                fill(self.description, 88),
                "",
                *(f"  {c.name:<{width}}  {c.type:<7}  {c.meaning}" for c in self.columns),
                "",
                fill(f"Source: {self.source}", 88),
                fill(f"Copy from: {self.distributed}", 88),
            ]
        )

    __repr__ = __str__


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The data sets there are: a table to look at, entries to look up.

    Attributes
    ----------
    entries
        One for each data set, by name.
    """

    entries: tuple[DatasetInfo, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that ``load_dataset`` knows."""
        return tuple(entry.name for entry in self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[DatasetInfo]:
        return iter(self.entries)

    def __getitem__(self, name: str) -> DatasetInfo:
        if name not in self.names:
            raise unknown_dataset(name)
        return self.entries[self.names.index(name)]

    def __str__(self) -> str:
        lines = [f"{'name':<14}{'rows':>7}{'columns':>9}  what it is"]
        lines += [f"{e.name:<14}{e.rows:>7,}{len(e.columns):>9}  {e.title}" for e in self]
        return "\n".join(lines)

    __repr__ = __str__


def list_datasets() -> Catalogue:
    """List the example data sets.

    Returns
    -------
    Catalogue
        Prints as a table; an entry, looked up by name, tells the source and the
        meaning of every column.

    Examples
    --------
    >>> list_datasets()["Dyestuff"]
    Dyestuff: Yield of dyestuff by batch (30 rows)
    <BLANKLINE>
    Five preparations of a dyestuff from each of six batches of an intermediate product.
    Balanced one-way random effects.
    <BLANKLINE>
      Batch  factor   batch of the intermediate product
      Yield  int      yield of dyestuff (g of standard colour)
    <BLANKLINE>
    Source: Davies, O. L. and Goldsmith, P. L. (eds, 1972). Statistical Methods in Research
    and Production, 4th ed., Table 6.3. Oliver and Boyd.
    Copy from: R package lme4 1.1-31 (GPL-2 or later)
    """
    return Catalogue(tuple(describe(name) for name in dataset_names()))


def dataset_names() -> list[str]:
    """Return the names of the shipped data sets, in alphabetical order."""
    stored = (path.name for path in DATA.iterdir())
    names = [name.removesuffix(".toml") for name in stored if name.endswith(".toml")]
    return sorted(names, key=str.casefold)


def describe(name: str) -> DatasetInfo:
    """Read the description of one data set.

    Raises
    ------
    UnknownNameError
        If there is no such data set.
    """
    if name not in dataset_names():
        raise unknown_dataset(name)
    facts = tomllib.loads((DATA / f"{name}.toml").read_text(encoding="utf-8"))
    columns = tuple(ColumnInfo(*column) for column in facts.pop("columns"))
    return DatasetInfo(name=name, columns=columns, **facts)


def unknown_dataset(name: str) -> UnknownNameError:
    """Build the error for a name that no data set has."""
    return UnknownNameError(
        f"there is no data set {name!r}.{did_you_mean(str(name), dataset_names())} "
        "partialpool.list_datasets() shows all of them."
    )
