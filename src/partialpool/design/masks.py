"""Where a covariate does not apply: rules, and the rows that they pick.

A rule is an expression, a list of levels of one column, or nothing but the rows given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design.evaluation import columns_of, evaluate
from partialpool.design.labels import Labels
from partialpool.design.levels import joint_coding
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError
from partialpool.frames.column import labels_of, show_labels

__all__ = ["MaskRule", "evaluate_rule", "rule_columns"]


@dataclass(frozen=True, slots=True)
class MaskRule:
    """Where one covariate applies, in a form that new rows can be asked with.

    Attributes
    ----------
    column
        The covariate.
    kind
        ``expression``: a condition over columns. ``levels``: all but some levels of a
        column or of several jointly. ``rows``: only known for the rows fitted.
    expression
        The condition, as the formula room writes it.
    by
        Columns whose levels decide.
    absent, present
        Labels of the levels where it doesn't apply, and of those where it does.
    """

    column: str
    kind: Literal["expression", "levels", "rows"]
    expression: str = ""
    by: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    present: tuple[str, ...] = ()


def rule_columns(rule: MaskRule) -> tuple[str, ...]:
    """Return the columns that a rule looks at."""
    return columns_of(rule.expression) if rule.kind == "expression" else rule.by


def evaluate_rule(rule: MaskRule, sheet: Sheet) -> NDArray[np.bool_]:
    """Return the rows where a covariate applies.

    A row where the rule's own columns are missing counts as applying.

    Raises
    ------
    DataError
        If a level is new, so that nothing says what applies to it, or the condition is none.
    """
    if rule.kind == "rows":
        raise DataError(
            f"where {rule.column!r} applies was given as an array for the rows fitted, which says "
            "nothing about new rows. Pass applicable= for these rows too."
        )
    columns = rule_columns(rule)
    present = _present(sheet, columns)
    rows = sheet if present is None else sheet.take(present, columns)
    applies = _condition(rule, rows) if rule.kind == "expression" else _by_levels(rule, rows)
    if present is None:
        return applies
    spread = np.ones(sheet.n, dtype=bool)
    spread[present] = applies
    return spread


def _present(sheet: Sheet, columns: tuple[str, ...]) -> NDArray[np.bool_] | None:
    missing = [sheet.columns[name].missing for name in columns]
    found = [where for where in missing if where is not None]
    return ~np.logical_or.reduce(found) if found else None


def _condition(rule: MaskRule, sheet: Sheet) -> NDArray[np.bool_]:
    value = evaluate(rule.expression, sheet).value
    if isinstance(value, Labels) or np.asarray(value).dtype != bool:
        raise DataError(
            f"applicable={{{rule.column!r}: {rule.expression!r}}} is no condition. Write a "
            "comparison, such as \"group == 'a'\"."
        )
    return np.broadcast_to(np.asarray(value), sheet.n)


def _by_levels(rule: MaskRule, sheet: Sheet) -> NDArray[np.bool_]:
    coding = joint_coding(rule.by, sheet)
    levels = labels_of(coding.levels.joint())
    known = {*rule.absent, *rule.present}
    unseen = [level for level in levels if level not in known]
    if unseen:
        raise DataError(
            f"{':'.join(rule.by)!r} has level(s) {show_labels(unseen)} that were not in the data "
            f"fitted, so that it isn't known whether {rule.column!r} applies to them. Say it with "
            f"applicable={{{rule.column!r}: ...}}, a condition or an array of booleans."
        )
    return np.array([level not in rule.absent for level in levels], dtype=bool)[coding.codes]
