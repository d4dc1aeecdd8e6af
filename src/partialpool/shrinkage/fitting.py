"""From arrays to a solution: the steps that every face of the penalised models shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.columns import Assembled, Coefficients, assemble
from partialpool.shrinkage.labels import Grouping
from partialpool.shrinkage.losses import Loss, Multinomial, RootMeanSquare, Squares, TwoClasses
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem, Solution
from partialpool.shrinkage.settings import Settings
from partialpool.shrinkage.solving import Prepared, prepare, solve

__all__ = ["Data", "Fitted", "LossKind", "fit", "make_loss", "read", "to_coefficients"]

Vector = NDArray[np.float64]
LossKind = Literal["rms", "squared", "logistic", "multinomial"]


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What a penalised model is fitted to.

    Attributes
    ----------
    X : (n, p) array or sparse matrix
        Columns.
    y : (n,) or (n, K) array
        Response; for several classes, ones in the columns of the rows' classes.
    groups
        Grouping factors.
    weights : (n,) array
        Weights of the rows, all positive.
    """

    X: Any
    y: Vector
    groups: tuple[Grouping, ...]
    weights: Vector

    @property
    def outputs(self) -> int:
        """Number of linear predictors."""
        return 1 if self.y.ndim == 1 else self.y.shape[1]

    def take(self, rows: NDArray[np.intp]) -> Data:
        """The data of some rows; levels that occur in none of them leave."""
        groups = []
        for group in self.groups:
            codes = group.codes[rows]
            used = np.unique(codes[codes >= 0])
            position = np.full(len(group.levels) + 1, -1, dtype=np.int32)
            position[used] = np.arange(len(used), dtype=np.int32)
            groups.append(Grouping(group.name, group.levels[used], position[codes]))
        return Data(self.X[rows], self.y[rows], tuple(groups), self.weights[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A solution and the rows that it belongs to.

    Attributes
    ----------
    assembled
        The rows, and the way back to the columns as given.
    prepared
        The problem, ready for other penalties.
    solution
        Where the objective is least.
    outputs
        Number of linear predictors.
    """

    assembled: Assembled
    prepared: Prepared
    solution: Solution
    outputs: int

    @property
    def coefficients(self) -> Coefficients:
        """Coefficients in the units of the columns as given."""
        return to_coefficients(self.assembled, self.prepared, self.solution, self.outputs)


def make_loss(kind: LossKind, y: Vector, weights: Vector) -> Loss:
    """Compare predictors with a response.

    Parameters
    ----------
    kind
        Which loss.
    y
        Response.
    weights : (n,) array
        Weights of the rows.
    """
    a = weights / weights.sum()
    if kind == "multinomial":
        return Multinomial(y, a)
    if kind == "logistic":
        return TwoClasses(y, a)
    return RootMeanSquare(y, a) if kind == "rms" else Squares(y, a)


def read(
    data: Data, kind: LossKind, settings: Settings, penalty: Penalty
) -> tuple[Assembled, Prepared]:
    """Read the rows once.

    Parameters
    ----------
    data
        Columns, response and groups.
    kind
        Which loss.
    settings, penalty
        What was asked for.
    """
    assembled = assemble(data.X, data.groups, settings, data.weights, penalty.main_l2)
    rows, main = assembled.rows, assembled.main
    loss = make_loss(kind, data.y, data.weights)
    if data.outputs > 1:
        wide = ClassRows(rows, data.outputs)
        problem = Problem(wide, loss, np.repeat(main, data.outputs))
    else:
        problem = Problem(rows, loss, main)
    return assembled, prepare(problem, penalty)


def fit(
    data: Data,
    kind: LossKind,
    settings: Settings,
    penalty: Penalty,
    kappa: float | None = None,
) -> Fitted:
    """Fit a penalised model.

    Parameters
    ----------
    data
        Columns, response and groups.
    kind
        Which loss.
    settings, penalty
        What was asked for.
    kappa
        Multiplier to begin with.
    """
    assembled, prepared = read(data, kind, settings, penalty)
    return Fitted(assembled, prepared, solve(prepared, penalty, kappa), data.outputs)


def to_coefficients(
    assembled: Assembled, prepared: Prepared, solution: Solution, outputs: int
) -> Coefficients:
    """Coefficients of a solution in the units of the columns as given."""
    return assembled.coefficients(prepared.problem.layout, solution.theta, outputs)


def positions(groups: Sequence[Grouping], into: Sequence[Grouping]) -> list[NDArray[np.int32]]:
    """Codes of rows among the levels of another selection of the same rows' levels."""
    out = []
    for group, other in zip(groups, into, strict=True):
        at = {level: j for j, level in enumerate(other.levels.tolist())}
        lookup = [at.get(level, -1) for level in group.levels.tolist()]
        position = np.array([*lookup, -1], dtype=np.int32)
        out.append(position[group.codes])
    return out
