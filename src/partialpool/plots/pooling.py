"""The numbers behind fitted lines: three ways of pooling, group by group."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.inference.rows import refuse_pooled

if TYPE_CHECKING:
    from partialpool.design import Design, RandomEffects
    from partialpool.linear import LmmFit

__all__ = [
    "GroupLines",
    "MixedFit",
    "covariate",
    "function_of",
    "group_lines",
    "no_line",
    "plain_columns",
    "random_term",
    "refuse_other_columns",
    "rows_by_level",
    "varies_within",
]

Vector = NDArray[np.float64]


class MixedFit(Protocol):
    """A fit with random effects, of any kind."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def effect_unit(self) -> str:
        """What the effects are measured in."""

    def ranef(self, factor: str | None = None, *, cond_sd: bool = False) -> Any:
        """Conditional modes of a factor's effects, with standard deviations if asked."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupLines:
    """One group's data and its fitted lines.

    Attributes
    ----------
    label
        The group's label.
    x, y : (n_j,) arrays
        Covariate, increasing, and response.
    at : (m,) array
        Where on the covariate the lines are known, increasing.
    none, partial, complete : (m,) arrays
        Fitted values without pooling (least squares on this group alone), with
        partial pooling (the mixed model) and with complete pooling (least squares
        on all rows, groups ignored). Of a generalized model the first is None and
        the last the mean of a group whose random effects are zero.
    """

    label: str
    x: Vector
    y: Vector
    at: Vector
    none: Vector | None
    partial: Vector
    complete: Vector

    @property
    def slope(self) -> float:
        """Mean slope of the partially pooled line."""
        spread = self.at[-1] - self.at[0]
        return float((self.partial[-1] - self.partial[0]) / spread) if spread > 0 else 0.0

    @property
    def height(self) -> float:
        """Mean height of the partially pooled line over the completely pooled one."""
        return float(np.mean(self.partial - self.complete))


def random_term(fit: MixedFit, group: str | None) -> RandomEffects:
    """Find the term of a grouping factor: the richest one unless a name is given."""
    refuse_pooled(fit.design)
    effects = fit.design.random
    if not effects:
        raise ModelError(
            "this model has no random term, so there are no groups to draw. "
            "Fit one with a term such as (1 | group)."
        )
    names = list(dict.fromkeys(e.factor.name for e in effects))
    if group is not None and group not in names:
        raise ModelError(
            f"{group!r} is not a grouping factor of this model. It has: {', '.join(names)}."
        )
    candidates = [e for e in effects if group in (None, e.factor.name)]
    return max(candidates, key=lambda e: len(e.columns))


def covariate(fit: MixedFit, effects: RandomEffects, x: str | None) -> tuple[str, Vector]:
    """Find the numeric covariate of the horizontal axis, among the columns of the model."""
    columns = plain_columns(fit.design)
    if x is not None:
        if x not in columns:
            raise ModelError(
                f"{x!r} is not a numeric column of this model. Its columns: "
                f"{', '.join(columns) or 'none'}."
            )
        return x, columns[x]
    varying = [name for name in columns if varies_within(columns[name], effects.factor.codes)]
    # A random slope tells which of several covariates matters for this factor.
    preferred = [name for name in varying if name in effects.columns] or varying
    if len(preferred) != 1:
        found = f"has {', '.join(varying)}" if varying else "has none"
        raise ModelError(
            "fitted lines need one numeric covariate that varies within "
            f"{effects.factor.name}; this model {found}. Give its name: fitted_lines(fit, x=...)."
        )
    return preferred[0], columns[preferred[0]]


def group_lines(fit: LmmFit, effects: RandomEffects, name: str, x: Vector) -> list[GroupLines]:
    """Fit the lines of every group, with least squares where nothing is pooled."""
    design = fit.design
    refuse_other_columns(design, fit.solution.effects(design), effects, name)
    weights = np.ones(len(x)) if design.weights is None else design.weights
    offset = np.zeros(len(x)) if design.offset is None else design.offset
    root = np.sqrt(weights)[:, None]
    response = design.y - offset
    complete = _least_squares(design.X, response, root) + offset
    return [
        GroupLines(
            label=str(effects.factor.levels[level]),
            x=x[rows],
            y=design.y[rows],
            at=x[rows],
            none=_least_squares(_own_columns(design, effects, rows), response[rows], root[rows])
            + offset[rows],
            partial=function_of(x[rows], fit.fitted[rows], name, effects.factor.name),
            complete=complete[rows],
        )
        for level, rows in rows_by_level(effects.factor.codes, x)
    ]


def plain_columns(design: Design) -> dict[str, Vector]:
    """Columns of the model that are plain columns of the data, not dummies or products."""
    named = dict(zip(design.columns, design.X.T, strict=True))
    for effects in design.random:
        named |= dict(zip(effects.columns, effects.basis.T, strict=True))
    return {name: values for name, values in named.items() if name in design.formula.columns}


def varies_within(x: Vector, codes: NDArray[np.int32]) -> bool:
    """Whether a column has several values in some group."""
    first = np.full(int(codes.max()) + 1, np.nan)
    first[codes[::-1]] = x[::-1]
    return bool(np.any(x != first[codes]))


def rows_by_level(codes: NDArray[np.int32], x: Vector) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Iterate over levels and their rows in the order of x."""
    order = np.lexsort((x, codes))
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        yield int(codes[rows[0]]), rows


def _own_columns(design: Design, effects: RandomEffects, rows: NDArray[np.intp]) -> Vector:
    return np.hstack([design.X[rows], effects.basis[rows]])


def _least_squares(X: Vector, y: Vector, root: Vector) -> Vector:
    # The shortest solution: a group may have fewer rows than the model has columns.
    beta = np.linalg.lstsq(X * root, y * root[:, 0], rcond=None)[0]
    return np.asarray(X @ beta)


def refuse_other_columns(
    design: Design, modes: Sequence[Vector], effects: RandomEffects, name: str
) -> None:
    """Refuse a model in which something besides the covariate moves a group's fitted values.

    Where no value of the covariate occurs twice, the fitted values alone can't show it.
    """
    codes = effects.factor.codes
    own = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w.])")
    for column, values in zip(design.columns, design.X.T, strict=True):
        if not own.search(column) and varies_within(values, codes):
            raise no_line(name, effects.factor.name, column)
    for other, b in zip(design.random, modes, strict=True):
        moves = (varies_within(column, codes) for column in b[other.factor.codes].T)
        if other.factor.name != effects.factor.name and any(moves):
            raise no_line(name, effects.factor.name, other.factor.name)


def no_line(name: str, group: str, other: str) -> ModelError:
    """Say what else moves a group's fitted values."""
    return ModelError(
        f"within {group} the fitted values don't depend on {name} alone, but also on {other}, so "
        f"they are not a line over {name}. Fitted lines are for models in which every other "
        f"column is constant within {group}."
    )


def function_of(x: Vector, fitted: Vector, name: str, group: str) -> Vector:
    """Check that a group's fitted values are a line over x, with one value at each x."""
    same = np.diff(x) == 0
    scale = np.ptp(fitted) + 1e-12 * np.max(np.abs(fitted))
    if np.any(np.abs(np.diff(fitted)[same]) > 1e-6 * scale):
        raise ModelError(
            f"within {group} the fitted values don't depend on {name} alone, so they are not "
            f"a line over {name}. Fitted lines are for models in which every other column is "
            f"constant within {group}."
        )
    return fitted
