"""Formula and data together: the arrays that a model is fitted to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design.applicability import FoundMask, find_masks, read_request, rule_texts
from partialpool.design.arguments import (
    Argument,
    as_expression,
    check_weights,
    evaluate_argument,
    read_argument,
)
from partialpool.design.assemble import Ground, assemble
from partialpool.design.evaluation import columns_of
from partialpool.design.masks import MaskRule, rule_columns
from partialpool.design.response import read_response
from partialpool.design.roles import join_roles, read_roles
from partialpool.design.rows import Missing, choose_rows
from partialpool.design.sheet import Sheet
from partialpool.design.values import Design, RowReport
from partialpool.design.weights import WeightSpec, weight_spec
from partialpool.errors import DataError
from partialpool.formula import Formula
from partialpool.frames import Table, read_table

__all__ = ["Parts", "ReadResponse", "ResponseRows", "build", "build_parts"]

Vector = NDArray[np.float64]
Masks = Mapping[str, NDArray[np.bool_]]


class ResponseRows(Protocol):
    """A response on the rows to fit."""

    @property
    def values(self) -> Vector:
        """One number for each row (n,)."""

    @property
    def weights(self) -> Vector | None:
        """Prior weights (n,): those given, unless the response has taken them for its own."""


ReadResponse = Callable[[str, Sheet, Vector | None], ResponseRows]
"""Reads a response, given its expression, the rows to fit and the prior weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """The linear predictors of one model, all on the same rows.

    Attributes
    ----------
    designs
        By name, the mean first.
    response
        As its reader returned it.
    """

    designs: Mapping[str, Design]
    response: Any


def build(
    formula: Formula,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    missing: Missing = "error",
    applicable: Any = None,
) -> Design:
    """Turn a formula and a table into arrays.

    Parameters
    ----------
    formula
        A parsed formula.
    data
        A pandas or polars frame, a pyarrow table, a dict of arrays, or what is read only now,
        of which no other columns are read than are named here.
    weights, offset
        A column's name, an expression over columns, or an array with one value for each row
        of the table. The offset is added to those of the formula.
    missing
        ``"error"``, or ``"drop"`` to leave out rows in which a column of the model is
        missing.
    applicable
        Where covariates apply that don't apply everywhere: a dict of conditions
        (``{"x": "group == 'a'"}``) or of boolean arrays, a frame of booleans, or ``"auto"``
        to find covariates that are missing in all rows of some groups.

    Raises
    ------
    DataError
        If the data don't fit the formula.
    ModelError
        If the model can't be identified on these data.

    Examples
    --------
    >>> from partialpool.formula import parse
    >>> data = {"y": [1.0, 2.0, 4.0], "x": [1, 3, 2], "g": ["a", "a", "b"]}
    >>> design = build(parse("y ~ x + (1 | g)"), data)
    >>> design.columns, design.X.tolist()
    (('Intercept', 'x'), [[1.0, 1.0], [1.0, 3.0], [1.0, 2.0]])
    >>> design.random[0].factor.levels, design.random[0].factor.codes
    (array(['a', 'b'], dtype=object), array([0, 0, 1], dtype=int32))
    """
    parts = build_parts(
        {"mean": formula},
        data,
        read=_read_number,
        weights=weights,
        offset=offset,
        missing=missing,
        applicable=applicable,
    )
    return parts.designs["mean"]


def build_parts(
    formulas: Mapping[str, Formula],
    data: Any,
    *,
    read: ReadResponse,
    weights: Any = None,
    offset: Any = None,
    missing: Missing = "error",
    applicable: Any = None,
    thresholds: bool = False,
) -> Parts:
    """Turn the formulas of several linear predictors and a table into arrays on the same rows.

    Parameters
    ----------
    formulas
        By name of the predictor; the first is the mean, whose response, weights and offset
        argument these are.
    data, weights, offset, missing, applicable
        As for :func:`build`; a row is left out if a column of any formula is missing.
    read
        Reads the response.
    thresholds
        Whether thresholds take the place of the mean's intercept, as in ordinal models.

    Raises
    ------
    DataError
        If the data don't fit a formula.
    ModelError
        If the model can't be identified on these data.

    Examples
    --------
    >>> from partialpool.formula import parse, parse_part
    >>> data = {"y": [1.0, 2.0, 4.0], "x": [1, 3, 2], "g": ["a", "a", "b"]}
    >>> formulas = {"mean": parse("y ~ x + (1 | g)"), "dispersion": parse_part("~ x", "y")}
    >>> parts = build_parts(formulas, data, read=_read_number)
    >>> parts.designs["dispersion"].columns
    ('Intercept', 'x')
    """
    table = read_table(data, partial(_mentioned, formulas, (weights, offset), applicable))
    roles = {name: read_roles(formula) for name, formula in formulas.items()}
    everything = join_roles(roles.values())
    arguments = [
        argument
        for name, value in (("weights", weights), ("offset", offset))
        if (argument := read_argument(name, value, table)) is not None
    ]
    request = read_request(applicable, table.n, everything.covariates)
    given = _read_sheet(formulas.values(), table, arguments, request)
    found = find_masks(applicable, request, everything, given)
    rows = choose_rows(given, {mask.rule.column: mask.applies for mask in found}, missing)
    sheet = given if rows.kept is None else given.take(rows.kept)
    found = _kept_masks(found, rows)
    masks = {mask.rule.column: mask.applies for mask in found if not mask.applies.all()}
    mean, *others = formulas
    given_weights, weighing = _weights(arguments, sheet, masks)
    response = read(formulas[mean].response, sheet, given_weights)
    ground = Ground(
        table.kind, sheet, rows, found, masks, response.values, response.weights, weighing
    )
    own = next((a for a in arguments if a.name == "offset"), None)
    designs = {mean: assemble(formulas[mean], roles[mean], ground, own, thresholds)}
    for name in others:
        designs[name] = assemble(formulas[name], roles[name], ground)
    return Parts(designs, response)


@dataclass(frozen=True, slots=True, eq=False)
class _Number:
    """A response that is one number for each row."""

    values: Vector
    weights: Vector | None


def _read_number(text: str, sheet: Sheet, weights: Vector | None) -> ResponseRows:
    return _Number(read_response(text, sheet), weights)


def _mentioned(
    formulas: Mapping[str, Formula],
    arguments: Iterable[Any],
    applicable: Any,
    names: tuple[str, ...],
) -> set[str]:
    """Name the columns that anything asks for, before any is read."""
    texts = [as_expression(value, names) for value in arguments if isinstance(value, str)]
    texts += rule_texts(applicable)
    asked = {name for formula in formulas.values() for name in formula.columns}
    return asked.union(*map(columns_of, texts))


def _read_sheet(
    formulas: Iterable[Formula],
    table: Table,
    arguments: list[Argument],
    request: Mapping[str, Any],
) -> Sheet:
    names = [name for formula in formulas for name in formula.columns]
    for argument in arguments:
        names += argument.columns
    for rule in request.values():
        names += rule_columns(rule) if isinstance(rule, MaskRule) else ()
    columns = {name: table.column(name) for name in dict.fromkeys(names)}
    arrays = {a.array.name: a.array for a in arguments if a.array is not None}
    return Sheet(table.n, {**columns, **arrays})


def _kept_masks(found: tuple[FoundMask, ...], rows: RowReport) -> tuple[FoundMask, ...]:
    if rows.kept is None:
        return found
    return tuple(FoundMask(m.rule, m.applies[rows.kept], m.sentence) for m in found)


def _weights(
    arguments: list[Argument], sheet: Sheet, masks: Masks
) -> tuple[Vector | None, WeightSpec | None]:
    for argument in arguments:
        if argument.name == "weights":
            hidden = [name for name in argument.columns if name in masks]
            if hidden:
                raise DataError(
                    f"weights use {hidden[0]!r}, which does not apply in every row. Give a weight "
                    "for each row."
                )
            found = evaluate_argument(argument, sheet, masks)
            # A copy, since the user's own array may change later.
            weights = np.array(found.values)
            check_weights(weights, sheet)
            return weights, weight_spec(argument, found)
    return None, None
