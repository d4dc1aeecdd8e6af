"""A first look at rows that come in batches: some that show every level, and where numbers lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from partialpool.design.levels import joint_coding
from partialpool.design.moments import Moments
from partialpool.design.sheet import Sheet
from partialpool.design.typical import Typical
from partialpool.design.values import RowReport
from partialpool.errors import DataError
from partialpool.frames import Column, FrameKind, Table, concat_columns
from partialpool.frames.column import show_labels

__all__ = ["Survey"]

# Rows of the first batch that go into the design whatever they hold.
_SAMPLE = 64
_NO_ROWS = np.empty(0, dtype=np.intp)
_KINDS = {
    "number": "numbers",
    "boolean": "true and false",
    "date": "dates",
    "text": "text",
    "categorical": "a categorical",
}
# Pairs of levels of two factors that show that the factors aren't one.
_PAIRS = 1_000


class Survey:
    """A first look at all batches.

    Parameters
    ----------
    factors
        The grouping factors, each by the columns that it is joined of.
    names
        Columns that the model uses.

    Attributes
    ----------
    given, used
        Rows seen, and those without missing values.
    dropped
        Rows that miss a value, by column.
    """

    def __init__(self, factors: Iterable[tuple[str, ...]], names: tuple[str, ...]) -> None:
        self._factors = tuple(dict.fromkeys(factors))
        self._pairs = tuple(dict.fromkeys(a + b for a, b in combinations(self._factors, 2)))
        self._names = names
        self._seen: dict[tuple[str, ...], set[Any]] = {}
        self._moments = {name: Moments() for name in names}
        self._chosen: list[Sheet] = []
        self._first: dict[str, Column] = {}
        self.given = self.used = 0
        self.dropped: dict[str, int] = {}

    def look_at(self, sheet: Sheet, report: RowReport) -> None:
        """Look at one batch."""
        self.given += report.n_given
        for name, count in report.dropped.items():
            self.dropped[name] = self.dropped.get(name, 0) + count
        if not sheet.n:
            return
        rows = set(range(min(_SAMPLE, sheet.n))) if not self.used else set()
        self.used += sheet.n
        rows |= self._ends(sheet) | self._firsts(sheet)
        if rows:
            self._chosen.append(sheet.take(np.array(sorted(rows), dtype=np.intp)))

    def table(self, kind: FrameKind) -> Table:
        """Return the rows chosen as one table."""
        columns = {n: concat_columns([s.columns[n] for s in self._chosen]) for n in self._names}
        n = sum(sheet.n for sheet in self._chosen)
        return Table(n, self._names, kind, columns.__getitem__)

    def typical(self, sample: Mapping[str, Typical]) -> dict[str, Typical]:
        """Say where covariates lie over all rows; the rows chosen know the levels."""
        moments = self._moments
        return {
            name: t if t.levels is not None else Typical(None, m.mean, m.sd, m.low, m.high)
            for name, t in sample.items()
            for m in (moments[name],)
        }

    def _ends(self, sheet: Sheet) -> set[int]:
        """Return rows whose numbers lie outside those seen so far."""
        rows: set[int] = set()
        for name, column in sheet.columns.items():
            _check_kind(self._first.setdefault(name, column.take(_NO_ROWS)), column)
            if column.is_numeric and column.kind != "date":
                rows.update(self._moments[name].add(column.as_float("its range")))
        return rows

    def _firsts(self, sheet: Sheet) -> set[int]:
        """Return rows with a level, or a pair of levels of two factors, not seen so far."""
        rows: set[int] = set()
        labels = [(n,) for n, column in sheet.columns.items() if not column.is_numeric]
        for factor in dict.fromkeys((*self._factors, *labels)):
            rows.update(self._new_levels(factor, sheet))
        for pair in self._pairs:
            if len(self._seen.get(pair, ())) < _PAIRS:
                rows.update(self._new_levels(pair, sheet)[:_PAIRS])
        return rows

    def _new_levels(self, factor: tuple[str, ...], sheet: Sheet) -> list[int]:
        """Return a row for each level that no batch has had so far."""
        coding = joint_coding(factor, sheet)
        levels, seen = coding.levels.joint().tolist(), self._seen.setdefault(factor, set())
        new = np.array([level not in seen for level in levels], dtype=bool)
        seen.update(levels)
        if not new.any():
            return []
        first = np.full(len(levels), sheet.n, dtype=np.intp)
        np.minimum.at(first, coding.codes, np.arange(sheet.n))
        return list(first[new].tolist())


def _check_kind(first: Column, column: Column) -> None:
    """Refuse a column that isn't of one kind in all batches."""
    if first.kind != column.kind:
        raise DataError(
            f"column {column.name!r} holds {_KINDS[first.kind]} in some batches and "
            f"{_KINDS[column.kind]} in others. Convert it to one type in the source."
        )
    if column.levels is None or first.levels is None or not (first.ordered or column.ordered):
        return
    if first.ordered != column.ordered or first.levels.tolist() != column.levels.tolist():
        raise DataError(
            f"the ordered factor {column.name!r} has the levels {show_labels(first.levels)} in one "
            f"batch and {show_labels(column.levels)} in another, so that their order isn't known. "
            "Give every batch all levels, in one order."
        )
