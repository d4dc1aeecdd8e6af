"""The reference grid: every combination of levels, covariates at their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec, Typical, replay
from partialpool.design.masks import MaskRule, rule_columns
from partialpool.design.spec import OffsetSpec
from partialpool.errors import DataError, did_you_mean

__all__ = [
    "Cells",
    "Grid",
    "answers",
    "make_grid",
    "matrix_at",
    "names_of",
    "slope_matrix",
    "without_rules",
]

Matrix = NDArray[np.float64]
# A grid of more rows than this comes of many factors with many levels.
_MOST_ROWS = 1_000_000
# Step of the difference, as a share of the covariate's span: splines are cubic between
# knots, so that its error is of the order of its square.
_STEP = 1e-4


@dataclass(frozen=True, slots=True)
class Grid:
    """Values of every column, the first varying fastest.

    Attributes
    ----------
    values
        By column, those that are combined.
    """

    values: Mapping[str, tuple[Any, ...]]

    def table(self) -> dict[str, NDArray[Any]]:
        """Return the combinations as columns."""
        names = list(self.values)
        rows = list(product(*reversed(list(self.values.values()))))
        return {
            name: np.array([row[len(names) - 1 - i] for row in rows])
            for i, name in enumerate(names)
        }


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What is averaged for every mean.

    Attributes
    ----------
    labels
        Value of each target column, by column, (m,) each.
    average : (m, r) array
        Shares of the grid's rows in every mean.
    """

    labels: Mapping[str, NDArray[Any]]
    average: Matrix


def names_of(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return names given as one, several or none.

    Raises
    ------
    DataError
        If they are anything else.
    """
    if names is None:
        return ()
    given = (names,) if isinstance(names, str) else names
    if not isinstance(given, Sequence) or not all(isinstance(name, str) for name in given):
        raise DataError(
            f"columns are asked for by a name or a list of names such as ['age'], found {names!r}."
        )
    return tuple(dict.fromkeys(given))


def make_grid(
    typical: Mapping[str, Typical], targets: Sequence[str], at: Mapping[str, Any] | None
) -> tuple[Grid, Cells]:
    """Combine the levels of all factors, and say what is averaged.

    Parameters
    ----------
    typical
        Levels or mean of the fixed effects' columns, by name.
    targets
        Columns that stay; over the others means are averaged, all levels counting alike.
    at
        Values of columns, in place of their levels or their mean.

    Raises
    ------
    DataError
        If a name is no column of the fixed effects, or the model knows nothing about one.
    """
    if at is not None and not isinstance(at, Mapping):
        raise DataError(f"at must give values by column, as {{'age': [0, 9]}}, found {at!r}.")
    given = {} if at is None else {name: _values(value) for name, value in at.items()}
    for name in (*targets, *given):
        if name not in typical:
            raise _unknown(typical, name)
    values = {}
    for name in (*targets, *(n for n in typical if n not in targets)):
        known = typical[name]
        values[name] = given.get(name) or known.levels or (known.mean,)
    rows = int(np.prod([len(v) for v in values.values()]))
    if rows > _MOST_ROWS:
        raise DataError(
            f"the factors have {rows:,} combinations of levels, more than the {_MOST_ROWS:,} that "
            "are averaged. Fix some of them with at={'column': value}."
        )
    # The targets vary fastest, so that every mean takes one row of each block.
    m = int(np.prod([len(values[name]) for name in targets])) if targets else 1
    labels = Grid({name: values[name] for name in targets}).table() if targets else {}
    average = np.tile(np.eye(m), rows // m) * (m / rows)
    return Grid(values), Cells(labels, average)


def _values(value: Any) -> tuple[Any, ...]:
    if isinstance(value, (str, int, float, bool, np.generic)):
        return (value,)
    found = tuple(value)
    if not found:
        raise DataError("at= has a column without values. Give at least one.")
    return found


def _unknown(typical: Mapping[str, Typical], name: str) -> DataError:
    if not typical:
        return DataError(
            f"{name!r} can't be averaged over: the model has no fixed effects besides the "
            "intercept, or was saved by a version that kept no levels. Fit it again."
        )
    known = ", ".join(map(repr, typical))
    return DataError(
        f"{name!r} is no column of the fixed effects, which are {known}."
        f"{did_you_mean(name, typical)}"
    )


def matrix_at(spec: DesignSpec, table: Mapping[str, NDArray[Any]]) -> Matrix:
    """Return the fixed-effects matrix of rows, without offsets."""
    if not table:
        # A model of an intercept has one row.
        return np.ones((1, len(spec.fixed.columns)))
    without = replace(without_rules(spec, table), offset=OffsetSpec())
    return replay(without, dict(table), random=(), inapplicable="ignore").X


def slope_matrix(spec: DesignSpec, variable: str, known: Typical, grid: Grid) -> Matrix:
    """Derivative of the fixed-effects matrix in a covariate, for every row of the grid."""
    table = grid.table()
    if variable not in table:
        table = {variable: np.full(len(next(iter(table.values()))), known.mean), **table}
    x = np.asarray(table[variable], dtype=float)
    step = _STEP * (known.span if known.span > 0 else 1.0)
    above, below = (matrix_at(spec, {**table, variable: x + h}) for h in (step, -step))
    return np.asarray((above - below) / (2.0 * step))


def without_rules(spec: DesignSpec, table: Mapping[str, Any]) -> DesignSpec:
    """Leave out where covariates apply, as far as a table's columns don't say it.

    A rule over columns that a grid doesn't hold says nothing about it: its covariate applies.
    """
    return replace(spec, masks=tuple(rule for rule in spec.masks if answers(rule, table)))


def answers(rule: MaskRule, table: Mapping[str, Any]) -> bool:
    """Whether a table's columns say where a covariate applies."""
    return rule.kind != "rows" and all(name in table for name in rule_columns(rule))
