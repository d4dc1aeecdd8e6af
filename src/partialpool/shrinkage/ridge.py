"""Least squares with kappa ||u||^2 added: the kernel under every penalty of lengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.factor import Factor, System
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.losses import RootMeanSquare, Squares
from partialpool.shrinkage.metric import MetricRows, contract
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.quadratic import deviations_only, penalty_diagonal
from partialpool.shrinkage.sparse_factor import factor_nearly, make_system

__all__ = ["LeastSquares", "RidgePoint", "prepare_least_squares"]

Vector = NDArray[np.float64]

# Below this share of the squares the sums have lost the residual's digits: read the rows.
_CANCELLED = 1e-5
# Refinements at most, and what may be lost of the right side before the last.
_REFINED, _LOST = 4, 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class RidgePoint:
    """The least of sum a r^2 + kappa ||u||^2 + main ||w||^2.

    Attributes
    ----------
    kappa
        Multiplier of the penalty.
    theta
        Coefficients.
    rho2
        sum a r^2.
    tau2
        ||u||^2.
    slope
        Derivative of tau2 in kappa; that of rho2 is -kappa times it.
    factor
        The factored system.
    """

    kappa: float
    theta: Vector
    rho2: float
    tau2: float
    slope: float
    factor: Factor


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """A least squares problem read into cross-products, from its complete pooling on.

    Attributes
    ----------
    problem
        The problem.
    gram, system
        Cross-products, and a way to factor them.
    start
        Coefficients of complete pooling: least squares on the shared columns.
    b
        Cross-products with its residuals.
    rr
        Its sum a r^2.
    main
        Multiplier of the penalised shared coefficients' squares.
    scale, least
        The largest and the smallest of Z's squares: weights may set them far apart.
    """

    problem: Problem
    gram: Gram
    system: System
    start: Vector
    b: Vector
    rr: float
    main: float = 0.0
    scale: float = field(init=False)
    least: float = field(init=False)

    def __post_init__(self) -> None:
        inner = self.gram.diagonal()[self.gram.layout.p :]
        inner = inner[inner > 0]
        object.__setattr__(self, "scale", float(inner.max()) if inner.size else 1.0)
        object.__setattr__(self, "least", float(inner.min()) if inner.size else 1.0)

    def at(self, kappa: float) -> RidgePoint:
        """Solve at one multiplier."""
        layout = self.gram.layout
        diagonal = penalty_diagonal(layout, kappa, np.where(self.problem.main, self.main, 0.0))
        factor = factor_nearly(self.system, self.gram, 1.0, diagonal)
        right = self.b - diagonal * self.start
        step = factor.solve(right)
        # Refined, since levels may differ by many orders in their weight.
        for _ in range(_REFINED):
            lost = right - self.gram.multiply(step) - diagonal * step
            step += factor.solve(lost)
            if np.linalg.norm(lost) <= _LOST * np.linalg.norm(right):
                break
        inner = deviations_only(layout, step)
        tau2 = float(inner @ inner)
        slope = -2.0 * float(inner @ factor.solve(inner))
        theta = self.start + step
        held = float(step @ (diagonal * theta))
        return RidgePoint(kappa, theta, self._residual(theta, step, held), tau2, slope, factor)

    def in_metric(self, roots: Sequence[Vector]) -> LeastSquares:
        """The same problem for c with u = L c by level, given L of each term."""
        gram = self.gram.in_metric(roots)
        problem = replace(self.problem, rows=MetricRows(self.problem.rows, tuple(roots)))
        b = contract(self.gram.layout, roots, self.b)
        return LeastSquares(problem, gram, make_system(gram), self.start, b, self.rr, self.main)

    def _residual(self, theta: Vector, step: Vector, held: float) -> float:
        # r'r = r0'r0 - step'b - step'(b - G step), where the last is what the penalty holds.
        rho2 = self.rr - float(step @ self.b) - held
        if rho2 > _CANCELLED * self.rr:
            return rho2
        loss = self.problem.loss
        assert isinstance(loss, (Squares, RootMeanSquare))
        return float(loss.weights @ (loss.y - self.problem.rows.eta(theta)) ** 2)


def prepare_least_squares(problem: Problem, main: float = 0.0) -> LeastSquares:
    """Read the rows of a least squares problem once.

    Parameters
    ----------
    problem
        Whose loss is one of squares.
    main
        Multiplier of the penalised shared coefficients' squares.
    """
    loss = problem.loss
    assert isinstance(loss, (Squares, RootMeanSquare))
    rows, layout = problem.rows, problem.layout
    gram = rows.gram(loss.weights)
    start = np.zeros(layout.size)
    C = gram.C + np.diag(np.where(problem.main, main, 0.0))
    r = loss.y
    # Twice: the second pass takes away what rounding left of a large mean.
    for _ in range(2 if layout.p else 0):
        right = rows.adjoint(loss.weights * r)[: layout.p]
        right -= np.where(problem.main, main, 0.0) * start[: layout.p]
        start[: layout.p] += _solve_shared(C, right)
        r = loss.y - rows.eta(start)
    b = rows.adjoint(loss.weights * r)
    rr = float(loss.weights @ r**2)
    return LeastSquares(problem, gram, make_system(gram), start, b, rr, main)


def _solve_shared(C: Vector, right: Vector) -> Vector:
    """Least squares for the shared columns, which may depend on each other under main_l2."""
    size = np.sqrt(np.diagonal(C))
    size = np.where(size > 0, size, 1.0)
    found = np.linalg.lstsq(C / np.outer(size, size), right / size, rcond=1e-13)[0]
    return np.asarray(found / size)
