"""A design whose rows come in batches, and aren't kept.

A first look at all batches picks rows that between them hold every level and the ends of every
number. A design built from these has all columns, and makes them again for any batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.arguments import (
    evaluate_argument,
    read_argument,
    refuse_negative_weights,
)
from partialpool.design.build import build
from partialpool.design.columns import check_finite
from partialpool.design.evaluation import evaluate
from partialpool.design.levels import joint_coding
from partialpool.design.moments import Moments
from partialpool.design.replay import replay
from partialpool.design.rows import Missing, choose_rows
from partialpool.design.sheet import Sheet
from partialpool.design.typical import Typical
from partialpool.design.values import Design, NewRows, RowReport
from partialpool.errors import DataError, ModelError
from partialpool.formula import Formula
from partialpool.frames import Column, FrameKind, Table, concat_columns, read_table
from partialpool.frames.column import show_labels

__all__ = ["Batch", "BatchedDesign", "Batches", "build_batches"]

Batches = Callable[[], Iterator[Any]]
"""Gives the tables of a source from the first on, each time that it is called."""

Vector = NDArray[np.float64]
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


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some rows, in the columns of the design."""

    y: Vector
    weights: Vector | None
    new: NewRows


@dataclass(frozen=True, slots=True, eq=False)
class BatchedDesign:
    """A design, and its rows in batches.

    Attributes
    ----------
    design
        Built from some of the rows; its columns, levels and specification are those of all.
    batches
        All rows used, from the first on, each time that it is called.
    """

    design: Design
    batches: Callable[[], Iterator[Batch]]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is asked of every batch."""

    formula: Formula
    weights: str | None
    offset: str | None
    missing: Missing
    names: tuple[str, ...]

    def sheets(self, tables: Batches) -> Iterator[tuple[Sheet, RowReport]]:
        """Read the columns of every batch, rows with missing values left out or refused."""
        start = 0
        for native in tables():
            table = read_table(native)
            columns = {name: table.column(name) for name in self.names}
            whole = Sheet(table.n, columns, np.arange(start, start + table.n))
            report = choose_rows(whole, {}, self.missing, fewest=0)
            start += table.n
            yield (whole if report.kept is None else whole.take(report.kept)), report


def build_batches(
    formula: Formula,
    tables: Batches,
    names: tuple[str, ...],
    kind: FrameKind,
    *,
    weights: str | None = None,
    offset: str | None = None,
    missing: Missing = "error",
) -> BatchedDesign:
    """Make a design for rows that come in batches.

    Parameters
    ----------
    formula
        A parsed formula.
    tables
        The batches; looked at once here.
    names
        Columns that the model uses.
    kind
        The library in which results go back.
    weights, offset
        A column's name or an expression over columns.
    missing
        As for :func:`partialpool.design.build`.

    Raises
    ------
    DataError, ModelError
        As :func:`partialpool.design.build`; also for functions that learn from all rows.
    """
    asked = _Asked(formula, weights, offset, missing, names)
    look = _Look(asked)
    for sheet, report in asked.sheets(tables):
        look.at(sheet, report)
    if not look.given:
        raise DataError(
            "the source gave no rows. A function given as data has to start from the first table "
            "at every call: lambda: pandas.read_csv(name, chunksize=1_000_000)."
        )
    if look.used < 2:
        raise DataError(
            f"{look.given:,} rows were given and {look.used:,} can be used, but a model needs at "
            "least 2."
        )
    table = look.table(kind)
    design = build(formula, table, weights=weights, offset=offset)
    _refuse_learned(design, Sheet(table.n, {n: table.column(n) for n in names}), asked)
    design = replace(
        design,
        rows=RowReport(look.given, None, look.dropped, look.given - look.used),
        spec=replace(design.spec, typical=look.typical(design.spec.typical)),
    )
    return BatchedDesign(design, lambda: _batches(design, asked, tables))


class _Look:
    """The first look at all batches: rows that show every level, and where the numbers lie."""

    def __init__(self, asked: _Asked) -> None:
        self.factors = tuple(dict.fromkeys(term.factors for term in asked.formula.random))
        self.pairs = tuple(dict.fromkeys(a + b for a, b in combinations(self.factors, 2)))
        self.names = asked.names
        self.seen: dict[tuple[str, ...], set[Any]] = {}
        self.moments = {name: Moments() for name in asked.names}
        self.chosen: list[Sheet] = []
        self.first: dict[str, Column] = {}
        self.given = self.used = 0
        self.dropped: dict[str, int] = {}

    def at(self, sheet: Sheet, report: RowReport) -> None:
        """Look at one batch."""
        self.given += report.n_given
        for name, count in report.dropped.items():
            self.dropped[name] = self.dropped.get(name, 0) + count
        if not sheet.n:
            return
        rows = set(range(min(_SAMPLE, sheet.n))) if not self.used else set()
        self.used += sheet.n
        for name, column in sheet.columns.items():
            _check_kind(self.first.setdefault(name, column.take(_NO_ROWS)), column)
            if column.is_numeric and column.kind != "date":
                rows.update(self.moments[name].add(column.as_float("its range")))
        labels = [(n,) for n, column in sheet.columns.items() if not column.is_numeric]
        for factor in dict.fromkeys((*self.factors, *labels)):
            rows.update(self._new_levels(factor, sheet))
        for pair in self.pairs:
            if len(self.seen.get(pair, ())) < _PAIRS:
                rows.update(self._new_levels(pair, sheet)[:_PAIRS])
        if rows:
            self.chosen.append(sheet.take(np.array(sorted(rows), dtype=np.intp)))

    def table(self, kind: FrameKind) -> Table:
        """Return the rows chosen as one table."""
        columns = {n: concat_columns([s.columns[n] for s in self.chosen]) for n in self.names}
        n = sum(sheet.n for sheet in self.chosen)
        return Table(n, self.names, kind, columns.__getitem__)

    def typical(self, sample: Mapping[str, Typical]) -> dict[str, Typical]:
        """Say where covariates lie over all rows; the rows chosen know the levels."""
        moments = self.moments
        return {
            name: t
            if t.levels is not None
            else Typical(None, moments[name].mean, moments[name].high - moments[name].low)
            for name, t in sample.items()
        }

    def _new_levels(self, factor: tuple[str, ...], sheet: Sheet) -> list[int]:
        """Return a row for each level that no batch has had so far."""
        coding = joint_coding(factor, sheet)
        levels, seen = coding.levels.joint().tolist(), self.seen.setdefault(factor, set())
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


def _refuse_learned(design: Design, sheet: Sheet, asked: _Asked) -> None:
    """Refuse functions that would have learned from the rows that the design was built from."""
    states = [(text, spec.states) for text, spec in design.spec.factors.items()]
    states += zip(design.spec.offset.texts, design.spec.offset.states, strict=True)
    states.append((design.formula.response, evaluate(design.formula.response, sheet).states))
    if asked.weights is not None:
        table = Table(sheet.n, asked.names, "dict", sheet.columns.__getitem__)
        argument = read_argument("weights", asked.weights, table)
        assert argument is not None
        states.append((asked.weights, evaluate_argument(argument, sheet, {}).states))
    for text, learned in states:
        if any(key != "levels" for state in learned for key in state):
            raise ModelError(
                f"{text} takes something from all rows, such as their mean or their quantiles, "
                "which rows that come in batches don't show at once. Compute it first, and write "
                "the number, or make a column of it in the source."
            )


def _batches(design: Design, asked: _Asked, tables: Batches) -> Iterator[Batch]:
    weigh = None
    for sheet, _ in asked.sheets(tables):
        if not sheet.n:
            continue
        table = Table(sheet.n, asked.names, "dict", sheet.columns.__getitem__)
        new = replay(design.spec, table)
        weights = None
        if asked.weights is not None:
            weigh = weigh or read_argument("weights", asked.weights, table)
            assert weigh is not None
            weights = np.array(evaluate_argument(weigh, sheet, {}).values)
            refuse_negative_weights(weights, sheet)
        _refuse_unseen(design, new)
        yield Batch(_response(asked.formula.response, sheet), weights, new)


def _response(text: str, sheet: Sheet) -> Vector:
    values = np.asarray(evaluate(text, sheet).value, dtype=np.float64)
    y = np.array(np.broadcast_to(values, sheet.n))
    check_finite(text, y, sheet)
    return y


def _refuse_unseen(design: Design, new: NewRows) -> None:
    for effects, term in zip(new.effects, design.random, strict=True):
        if (effects.codes < 0).any():
            raise DataError(
                f"the source gave other levels of {term.factor.name!r} on a later look. It has to "
                "give the same rows each time."
            )
