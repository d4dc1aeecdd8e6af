"""Find out which factor decides whether a covariate applies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design.levels import joint_coding
from partialpool.design.roles import Roles
from partialpool.design.sheet import Sheet
from partialpool.frames import Column
from partialpool.frames.column import labels_of, show_labels

__all__ = ["Explanation", "candidates", "explain_exactly", "explain_missing"]

Columns = tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Levels of a factor in which a covariate doesn't apply.

    Attributes
    ----------
    by
        Columns of the factor.
    absent, present
        Levels in which it doesn't apply, and those in which it does.
    rows : (n,) array of bool
        Rows of the first kind.
    """

    by: Columns
    absent: tuple[str, ...]
    present: tuple[str, ...]
    rows: NDArray[np.bool_]

    @property
    def words(self) -> str:
        """The factor and its levels, for a sentence."""
        return f"{':'.join(self.by)} {show_labels(self.absent, 5)}"


def candidates(covariate: str, roles: Roles, sheet: Sheet) -> list[Columns]:
    """List the factors that may decide: grouping factors and categorical columns."""
    singles = [name for columns in roles.factors for name in columns]
    singles += roles.made_factors
    singles += [name for name in roles.predictors if _is_categorical(sheet.columns[name])]
    found = [(name,) for name in singles] + [joint for joint in roles.factors if len(joint) > 1]
    return [columns for columns in dict.fromkeys(found) if covariate not in columns]


def _is_categorical(column: Column) -> bool:
    return not column.is_numeric or column.kind == "boolean"


def explain_missing(
    missing: NDArray[np.bool_], choices: Iterable[Columns], sheet: Sheet
) -> list[Explanation]:
    """Find factors of which some levels have a covariate missing in all their rows.

    Factors that account for every missing value go before those that leave some over; joint
    factors are asked only where no single column says anything, since they repeat it.
    """
    found = [_explain(missing, columns, sheet) for columns in choices]
    explained = [explanation for explanation in found if explanation is not None]
    explained = [e for e in explained if len(e.by) == 1] or explained
    whole = [e for e in explained if np.array_equal(e.rows, missing)]
    return whole or explained


def explain_exactly(
    absent: NDArray[np.bool_], choices: Iterable[Columns], sheet: Sheet
) -> list[Explanation]:
    """Find factors whose levels say for every row whether a covariate applies."""
    found = [e for e in (_explain(absent, columns, sheet) for columns in choices) if e]
    exact = [e for e in found if np.array_equal(e.rows, absent)]
    return [e for e in exact if len(e.by) == 1] or exact


def _explain(absent: NDArray[np.bool_], columns: Columns, sheet: Sheet) -> Explanation | None:
    known = np.ones(sheet.n, dtype=bool)
    for name in columns:
        gone = sheet.columns[name].missing
        known &= True if gone is None else ~gone
    coding = joint_coding(columns, sheet.take(known, columns))
    levels = labels_of(coding.levels.joint())
    size = np.bincount(coding.codes, minlength=len(levels))
    empty = np.bincount(coding.codes, weights=absent[known], minlength=len(levels)) == size
    # Where every row is its own level, each missing value would explain itself.
    if not 0 < np.count_nonzero(empty) < len(levels) or len(levels) == len(coding.codes):
        return None
    rows = np.zeros(sheet.n, dtype=bool)
    rows[known] = empty[coding.codes]
    return Explanation(
        columns,
        tuple(level for level, gone in zip(levels, empty, strict=True) if gone),
        tuple(level for level, gone in zip(levels, empty, strict=True) if not gone),
        rows,
    )
