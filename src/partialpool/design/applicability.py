"""The argument ``applicable``: from what a user writes to a rule for each covariate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.explanations import (
    Explanation,
    candidates,
    explain_exactly,
    explain_missing,
)
from partialpool.design.masks import MaskRule, evaluate_rule
from partialpool.design.roles import Roles
from partialpool.design.sheet import Sheet, first_rows
from partialpool.errors import DataError, did_you_mean
from partialpool.formula import python_expression
from partialpool.frames import read_column, read_table

__all__ = ["FoundMask", "find_masks", "read_request", "refuse_given", "rule_texts"]


@dataclass(frozen=True, slots=True, eq=False)
class FoundMask:
    """Where one covariate applies in the table given.

    Attributes
    ----------
    rule
        What decides.
    applies : (n,) array of bool
        For each row of the table.
    sentence
        What was found or asked for.
    """

    rule: MaskRule
    applies: NDArray[np.bool_]
    sentence: str


Request = Mapping[str, "MaskRule | NDArray[np.bool_]"]


def read_request(applicable: Any, n: int, covariates: tuple[str, ...]) -> Request:
    """Read what a user gave for single covariates.

    Parameters
    ----------
    applicable
        A dict of expressions or arrays by covariate, or a boolean frame with one column
        for each; None or ``"auto"`` for none.
    n
        Rows of the table.
    covariates
        Columns that may be named.

    Raises
    ------
    DataError
        If it is none of these, names no predictor, or an array doesn't fit the rows.
    """
    if applicable is None or (isinstance(applicable, str) and applicable == "auto"):
        return {}
    if isinstance(applicable, str):
        raise DataError(
            f"applicable={applicable!r} is not known. Give 'auto', a dict such as "
            "{'x': \"group == 'a'\"}, or a frame of booleans."
        )
    given = applicable if isinstance(applicable, Mapping) else _columns_of(applicable)
    request: dict[str, MaskRule | NDArray[np.bool_]] = {}
    for name, value in given.items():
        if isinstance(value, str):
            request[name] = MaskRule(name, "expression", expression=python_expression(value))
        elif not (applies := _array(name, value, n)).all():
            # What applies everywhere needs no mask: a frame may hold every column.
            request[name] = applies
    for name in request:
        if name not in covariates:
            raise DataError(
                f"applicable= names {name!r}, but only predictors can fail to apply."
                f"{did_you_mean(str(name), covariates)} They are "
                f"{', '.join(map(repr, covariates)) or 'none'}."
            )
    return request


def rule_texts(applicable: Any) -> list[str]:
    """Return the conditions in what a user gave, as the formula room writes them."""
    given = applicable.values() if isinstance(applicable, Mapping) else ()
    return [python_expression(value) for value in given if isinstance(value, str)]


def _columns_of(frame: Any) -> dict[str, Any]:
    table = read_table(frame)
    return {name: table.column(name).values for name in table.names}


def _array(name: str, value: Any, n: int) -> NDArray[np.bool_]:
    column = read_column(f"applicable[{name!r}]", value)
    if column.kind != "boolean" or column.missing is not None:
        raise DataError(
            f"applicable= must hold True or False for each row of {name!r}, found other values."
        )
    if len(column) != n:
        raise DataError(
            f"applicable= has {len(column)} values for {name!r}, but the data have {n} rows."
        )
    assert column.numbers is not None
    return column.numbers


def find_masks(
    applicable: Any, request: Request, roles: Roles, sheet: Sheet
) -> tuple[FoundMask, ...]:
    """Find where each covariate applies.

    Parameters
    ----------
    applicable
        As the user gave it; only ``"auto"`` is looked at.
    request
        As :func:`read_request` read it.
    roles
        What the columns are for.
    sheet
        All columns of the model, on all rows of the table.

    Raises
    ------
    DataError
        If a covariate applies nowhere, or ``"auto"`` finds more than one explanation.
    """
    if isinstance(applicable, str):
        return _detected(roles, sheet)
    found = [_asked(name, asked, roles, sheet) for name, asked in request.items()]
    for mask in found:
        if not mask.applies.any():
            raise DataError(
                f"applicable= says that {mask.rule.column!r} applies in no row. Remove it from "
                "the formula, or correct the condition."
            )
    return tuple(found)


def _asked(name: str, asked: MaskRule | NDArray[np.bool_], roles: Roles, sheet: Sheet) -> FoundMask:
    n = sheet.n
    if isinstance(asked, MaskRule):
        applies = evaluate_rule(asked, sheet)
        outside = n - np.count_nonzero(applies)
        sentence = (
            f"{name} does not apply in {outside} of {n} rows, where {asked.expression} is false."
        )
        return FoundMask(asked, applies, sentence)
    outside = n - np.count_nonzero(asked)
    explained = explain_exactly(~asked, candidates(name, roles, sheet), sheet)
    rule = _level_rule(name, explained[0]) if len(explained) == 1 else MaskRule(name, "rows")
    return FoundMask(rule, asked, f"{name} does not apply in {outside} of {n} rows, as given.")


def _level_rule(name: str, explanation: Explanation) -> MaskRule:
    return MaskRule(
        name,
        "levels",
        by=explanation.by,
        absent=explanation.absent,
        present=explanation.present,
    )


def _detected(roles: Roles, sheet: Sheet) -> tuple[FoundMask, ...]:
    found = []
    for name in roles.covariates:
        missing = sheet.columns[name].missing
        if missing is None:
            continue
        choices = candidates(name, roles, sheet)
        explained = explain_missing(missing, choices, sheet)
        if len(explained) > 1:
            raise _ambiguous(name, explained)
        if explained:
            found.append(_detected_mask(name, explained[0], sheet))
    return tuple(found)


def _detected_mask(name: str, explanation: Explanation, sheet: Sheet) -> FoundMask:
    applies = ~explanation.rows
    outside = np.count_nonzero(explanation.rows)
    return FoundMask(
        _level_rule(name, explanation),
        applies,
        f"{name} is missing in all {outside} rows of {explanation.words}, and was taken not to "
        "apply there.",
    )


def _ambiguous(name: str, explained: list[Explanation]) -> DataError:
    listed = "; or ".join(f"in all rows of {explanation.words}" for explanation in explained)
    simplest = min(explained, key=lambda explanation: len(explanation.absent))
    tests = [f"({':'.join(simplest.by)} != {level!r})" for level in simplest.absent]
    return DataError(
        f"{name!r} is missing {listed}. applicable='auto' can't tell which of these decides "
        f'whether it applies. Say it: applicable={{{name!r}: "{" & ".join(tests)}"}}.'
    )


def refuse_given(mask: FoundMask, missing: NDArray[np.bool_] | None) -> None:
    """Refuse values that are given where the covariate doesn't apply.

    Raises
    ------
    DataError
        Naming the covariate and the first rows.
    """
    given = ~mask.applies if missing is None else ~mask.applies & ~missing
    if given.any():
        raise DataError(
            f"column {mask.rule.column!r} has values in {np.count_nonzero(given)} row(s) where it "
            f"does not apply: {first_rows(given)}. Leave them empty, or pass "
            "inapplicable='ignore'."
        )
