"""Formula and data together: the arrays that a model is fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.applicability import FoundMask, find_masks, read_request
from partialpool.design.arguments import (
    Argument,
    check_weights,
    evaluate_argument,
    evaluate_vector,
    read_argument,
)
from partialpool.design.effects import make_effects
from partialpool.design.factors import CodedFactor, learn_factor
from partialpool.design.grouping import group
from partialpool.design.identifiability import refuse_duplicates
from partialpool.design.masks import MaskRule, rule_columns
from partialpool.design.matrix import ModelMatrix, make_matrix
from partialpool.design.response import read_response
from partialpool.design.roles import Roles, read_roles
from partialpool.design.rows import Missing, choose_rows
from partialpool.design.sheet import Sheet
from partialpool.design.spec import DesignSpec, MatrixSpec, OffsetSpec
from partialpool.design.support import never_applies
from partialpool.design.terms import Term, scope
from partialpool.design.values import Design, Mask, RowReport
from partialpool.errors import DataError
from partialpool.formula import Formula
from partialpool.frames import Table, read_table

__all__ = ["build"]

Masks = dict[str, NDArray[np.bool_]]


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
        A pandas or polars frame, a pyarrow table, or a dict of arrays.
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
    table = read_table(data)
    roles = read_roles(formula)
    arguments = [
        argument
        for name, value in (("weights", weights), ("offset", offset))
        if (argument := read_argument(name, value, table)) is not None
    ]
    request = read_request(applicable, table.n, roles.covariates)
    given = _read_sheet(formula, table, arguments, request)
    found = find_masks(applicable, request, roles, given)
    rows = choose_rows(given, {mask.rule.column: mask.applies for mask in found}, missing)
    sheet = given if rows.kept is None else given.take(rows.kept)
    return _assemble(formula, roles, table, sheet, rows, arguments, _kept_masks(found, rows))


def _read_sheet(
    formula: Formula, table: Table, arguments: list[Argument], request: Mapping[str, Any]
) -> Sheet:
    names = list(formula.columns)
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


def _assemble(
    formula: Formula,
    roles: Roles,
    table: Table,
    sheet: Sheet,
    rows: RowReport,
    arguments: list[Argument],
    found: tuple[FoundMask, ...],
) -> Design:
    masks = {mask.rule.column: mask.applies for mask in found if not mask.applies.all()}
    y = read_response(formula.response, sheet)
    factors = {text: learn_factor(text, sheet, masks) for text in roles.texts}
    matrices = _matrices(roles, factors, sheet.n)
    fixed = _without_inapplicable(matrices[roles.fixed], factors)
    groupings = {columns: group(columns, sheet) for columns in roles.factors}
    random = tuple(
        make_effects(term, groupings[term.factors].factor, matrices[basis], factors)
        for term, basis in zip(formula.random, roles.bases, strict=True)
    )
    refuse_duplicates(random)
    offset = _offset(formula, arguments, sheet, masks)
    return Design(
        formula=formula,
        y=y,
        X=fixed.values,
        columns=fixed.spec.columns,
        random=random,
        weights=_weights(arguments, sheet, masks),
        offset=offset.values,
        rows=rows,
        not_applicable=fixed.removed,
        masks=tuple(Mask(m.rule.column, m.applies.view(), m.sentence) for m in found),
        spec=DesignSpec(
            formula=formula,
            kind=table.kind,
            fixed=fixed.spec,
            bases=tuple(
                _without_inapplicable(matrices[basis], factors).spec for basis in roles.bases
            ),
            groups=tuple(groupings[term.factors].levels for term in formula.random),
            factors={text: factor.spec for text, factor in factors.items()},
            offset=offset.spec,
            masks=tuple(mask.rule for mask in found),
        ),
    )


def _matrices(
    roles: Roles, factors: Mapping[str, CodedFactor], n: int
) -> dict[tuple[Term, ...], ModelMatrix]:
    """Make the columns of each distinct sum of terms once: most bases are the fixed part."""
    categorical = {text: factor.spec.kind == "categorical" for text, factor in factors.items()}
    return {
        terms: make_matrix(scope(terms, categorical), factors, n)
        for terms in dict.fromkeys((roles.fixed, *roles.bases))
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A matrix without the columns that no row identifies."""

    values: NDArray[np.float64]
    spec: MatrixSpec
    removed: tuple[str, ...]


def _without_inapplicable(matrix: ModelMatrix, factors: Mapping[str, CodedFactor]) -> _Part:
    gone = never_applies(matrix, factors)
    scoped = tuple(dict.fromkeys(matrix.terms))
    if not gone:
        return _Part(matrix.values, MatrixSpec(scoped, matrix.columns), ())
    kept = tuple(i for i in range(len(matrix.columns)) if i not in gone)
    names = tuple(matrix.columns[i] for i in kept)
    return _Part(
        np.ascontiguousarray(matrix.values[:, kept]),
        MatrixSpec(scoped, names, kept),
        tuple(matrix.columns[i] for i in sorted(gone)),
    )


def _weights(arguments: list[Argument], sheet: Sheet, masks: Masks) -> NDArray[np.float64] | None:
    for argument in arguments:
        if argument.name == "weights":
            hidden = [name for name in argument.columns if name in masks]
            if hidden:
                raise DataError(
                    f"weights use {hidden[0]!r}, which does not apply in every row. Give a weight "
                    "for each row."
                )
            # A copy, since the user's own array may change later.
            weights = np.array(evaluate_argument(argument, sheet, masks).values)
            check_weights(weights, sheet)
            return weights
    return None


@dataclass(frozen=True, slots=True, eq=False)
class _Offset:
    values: NDArray[np.float64] | None
    spec: OffsetSpec


def _offset(formula: Formula, arguments: list[Argument], sheet: Sheet, masks: Masks) -> _Offset:
    argument = next((a for a in arguments if a.name == "offset"), None)
    texts = list(formula.offsets)
    if argument is not None and argument.text is not None:
        texts.append(argument.text)
    vectors = [evaluate_vector(text, sheet, masks, "offset") for text in texts]
    is_array = argument is not None and argument.text is None
    arrays = [evaluate_argument(argument, sheet, masks)] if argument and is_array else []
    spec = OffsetSpec(tuple(texts), tuple(vector.states for vector in vectors), is_array)
    if not (vectors or arrays):
        return _Offset(None, spec)
    total = np.zeros(sheet.n)
    for vector in (*vectors, *arrays):
        total += vector.values
    return _Offset(total, spec)
