"""A design whose rows come in batches, and aren't kept.

A first look at all batches picks rows that between them hold every level and the ends of every
number. A design built from these has all columns, and makes them again for any batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.arguments import (
    Argument,
    evaluate_argument,
    read_argument,
    refuse_negative_weights,
)
from partialpool.design.build import build
from partialpool.design.columns import check_finite
from partialpool.design.evaluation import evaluate
from partialpool.design.new_rows import NewRows
from partialpool.design.replay import replay
from partialpool.design.rows import Missing, choose_rows, too_few_rows
from partialpool.design.sheet import Sheet
from partialpool.design.survey import Survey
from partialpool.design.values import Design, RowReport
from partialpool.errors import DataError, ModelError
from partialpool.formula import Formula
from partialpool.formula.structures import BY_DISTANCE
from partialpool.frames import FrameKind, Table, read_table

__all__ = ["Batch", "BatchedDesign", "Batches", "build_batches"]

Batches = Callable[[], Iterator[Any]]
"""Gives the tables of a source from the first on, each time that it is called."""

Vector = NDArray[np.float64]


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

    def table(self, sheet: Sheet) -> Table:
        """See rows that were read as a table again: what replays a design takes one."""
        return Table(sheet.n, self.names, "dict", sheet.columns.__getitem__)

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
    _refuse_positions(formula)
    asked = _Asked(formula, weights, offset, missing, names)
    seen = Survey((term.factors for term in formula.random), names)
    for sheet, report in asked.sheets(tables):
        seen.look_at(sheet, report)
    if not seen.given:
        raise DataError(
            "the source gave no rows. A function given as data has to start from the first table "
            "at every call: lambda: pandas.read_csv(name, chunksize=1_000_000)."
        )
    if seen.used < 2:
        raise too_few_rows(seen.used, seen.given, seen.dropped)
    table = seen.table(kind)
    design = build(formula, table, weights=weights, offset=offset)
    _refuse_learned(design, Sheet(table.n, {n: table.column(n) for n in names}), asked)
    design = replace(
        design,
        rows=RowReport(seen.given, None, seen.dropped, seen.given - seen.used),
        spec=replace(
            design.spec,
            typical=seen.typical(design.spec.typical),
            offset=replace(design.spec.offset, typical=seen.typical(design.spec.offset.typical)),
        ),
    )
    return BatchedDesign(design, lambda: _batches(design, asked, tables))


def _refuse_positions(formula: Formula) -> None:
    for term in formula.random:
        if term.structure in BY_DISTANCE:
            raise ModelError(
                f"{term.source} needs all positions at once, and rows that come in batches don't "
                "show them. Fit a table that is held in memory."
            )


def _refuse_learned(design: Design, sheet: Sheet, asked: _Asked) -> None:
    """Refuse functions that would have learned from the rows that the design was built from."""
    states = [(text, spec.states) for text, spec in design.spec.factors.items()]
    states += zip(design.spec.offset.texts, design.spec.offset.states, strict=True)
    states.append((design.formula.response, evaluate(design.formula.response, sheet).states))
    argument = read_argument("weights", asked.weights, asked.table(sheet))
    if argument is not None:
        states.append((str(asked.weights), evaluate_argument(argument, sheet, {}).states))
    for text, learned in states:
        if any(key != "levels" for state in learned for key in state):
            raise ModelError(
                f"{text} takes something from all rows, such as their mean or their quantiles, "
                "which rows that come in batches don't show at once. Compute it first, and write "
                "the number, or make a column of it in the source."
            )


def _batches(design: Design, asked: _Asked, tables: Batches) -> Iterator[Batch]:
    argument = None
    for sheet, _ in asked.sheets(tables):
        if not sheet.n:
            continue
        table = asked.table(sheet)
        new = replay(design.spec, table)
        argument = argument or read_argument("weights", asked.weights, table)
        weights = None if argument is None else _weights(argument, sheet)
        _refuse_unseen(design, new)
        yield Batch(_response(asked.formula.response, sheet), weights, new)


def _weights(argument: Argument, sheet: Sheet) -> Vector:
    weights = np.array(evaluate_argument(argument, sheet, {}).values)
    refuse_negative_weights(weights, sheet)
    return weights


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
