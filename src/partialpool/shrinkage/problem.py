"""A penalised regression as a problem to solve, and its solution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.layout import Layout
from partialpool.shrinkage.losses import AnyRows, Loss
from partialpool.shrinkage.penalty import Penalty, penalty_value
from partialpool.shrinkage.rows import Rows

__all__ = ["Problem", "Solution"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Rows and what they are compared by.

    Attributes
    ----------
    rows
        Columns and levels.
    loss
        A function of the linear predictor.
    main : (p,) array of bool
        Which shared coefficients ``main_l2`` penalises.
    shared
        Whether all terms have the same columns, and a reweighted penalty one metric.
    """

    rows: AnyRows
    loss: Loss
    main: NDArray[np.bool_]
    shared: bool = True

    @property
    def layout(self) -> Layout:
        """Order of the coefficients."""
        return self.rows.layout

    @property
    def bare(self) -> Rows:
        """The rows without classes or metrics."""
        rows = self.rows
        while not isinstance(rows, Rows):
            rows = rows.rows
        return rows

    @property
    def omega(self) -> Vector:
        """Weight of every deviation, in the layout's order."""
        rows = self.bare
        parts = [
            np.repeat(term.omega, k)
            for term, (_, k) in zip(rows.terms, self.layout.shapes, strict=True)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    def objective(self, penalty: Penalty, theta: Vector) -> float:
        """Loss plus penalty."""
        return self.loss.value(self.rows.eta(theta)) + self.penalty(penalty, theta)

    def penalty(self, penalty: Penalty, theta: Vector) -> float:
        """The penalty alone."""
        return penalty_value(penalty, self.layout, theta, self.omega, self.main, self.shared)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Where the objective is least.

    Attributes
    ----------
    theta
        Shared coefficients, then u = omega v by term.
    objective
        Loss plus penalty.
    bound
        No coefficients make the objective smaller than this: the dual problem's value.
    kappa
        The squared penalty kappa ||u||^2 that gives the same solution; NaN with others.
    iterations
        Penalised least squares problems solved.
    kind
        ``"interior"``, ``"no deviations"`` (all are zero) or ``"interpolation"`` (no residual).
    metrics
        Metric D of each set of deviations, where it was chosen.
    parts
        Dual variables of each norm.
    """

    theta: Vector
    objective: float
    bound: float
    kappa: float
    iterations: int
    kind: str
    metrics: tuple[Vector, ...]
    parts: Mapping[str, Vector]

    @property
    def gap(self) -> float:
        """How far the objective may be from its least value, at most."""
        return self.objective - self.bound
