"""Solve a penalised regression by the way that fits its penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.certificate import dual_bound
from partialpool.shrinkage.conic import solve_conic
from partialpool.shrinkage.interpolation import interpolate
from partialpool.shrinkage.losses import RootMeanSquare, SmoothLoss, Squares
from partialpool.shrinkage.metric import MetricRows, expand
from partialpool.shrinkage.newton import NewtonPoint, minimise, pool_completely
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem, Solution
from partialpool.shrinkage.quadratic import penalty_diagonal
from partialpool.shrinkage.reweight import Inner, choose_metric
from partialpool.shrinkage.ridge import LeastSquares, RidgePoint, prepare_least_squares
from partialpool.shrinkage.root import find_root

__all__ = ["Prepared", "largest_penalty", "prepare", "solve"]

Vector = NDArray[np.float64]

# Multipliers relative to the largest of Z's squares: where least squares ends, and where the
# search for a small one does.
_LOW, _LOWEST = 1e-9, 1e-12
# How close the root has to come: where the dual bound is wanted, and along a path.
_EXACT, _ROUGH = 1e-11, 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A problem read once, for any number of penalties with the same squared ``main_l2``.

    Attributes
    ----------
    problem
        Rows and loss.
    squares
        Its cross-products where the loss is one of squares, else None.
    pooled
        Coefficients of complete pooling.
    main
        ``main_l2`` if its norm is squared, else 0.
    scale
        The largest second derivative of the loss in a deviation.
    """

    problem: Problem
    squares: LeastSquares | None
    pooled: Vector
    main: float
    scale: float

    @property
    def unit(self) -> float:
        """A typical size of the deviations."""
        loss = self.problem.loss
        if self.squares is None:
            return 1.0 / float(np.sqrt(self.scale))
        size = max(self.squares.rr, 1e-12 * float(loss.weights @ loss.y**2))  # type: ignore[attr-defined]
        return float(np.sqrt(size / self.scale)) or 1.0


def prepare(problem: Problem, penalty: Penalty) -> Prepared:
    """Read the rows of a problem.

    Parameters
    ----------
    problem
        Rows and loss.
    penalty
        Whose squared ``main_l2`` belongs to complete pooling.
    """
    main = penalty.main_l2 if penalty.squared else 0.0
    loss = problem.loss
    if isinstance(loss, (Squares, RootMeanSquare)):
        squares = prepare_least_squares(problem, main)
        return Prepared(problem, squares, squares.start, main, squares.scale)
    # Without a penalty the shared coefficients may have no end: a mix begins at zero.
    pooled = (
        pool_completely(problem, 2.0 * main) if penalty.ridge else np.zeros(problem.layout.size)
    )
    smooth: SmoothLoss = loss  # type: ignore[assignment]
    gram = smooth.gram(problem.rows, problem.rows.eta(pooled))
    inner = gram.diagonal()[problem.layout.p :]
    return Prepared(problem, None, pooled, main, float(inner.max()) if inner.size else 1.0)


def largest_penalty(prepared: Prepared) -> float:
    """The smallest l2 at which all deviations are zero, with plain norms and nothing else."""
    problem, p = prepared.problem, prepared.problem.layout.p
    if prepared.squares is not None:
        ls = prepared.squares
        return float(np.linalg.norm(ls.b[p:])) / float(np.sqrt(ls.rr)) if ls.rr > 0 else 0.0
    slope = problem.loss.slope(problem.rows.eta(prepared.pooled))
    return float(np.linalg.norm(problem.rows.adjoint(slope)[p:]))


def solve(
    prepared: Prepared, penalty: Penalty, kappa: float | None = None, certify: bool = True
) -> Solution:
    """Find the coefficients at which loss plus penalty is least.

    Parameters
    ----------
    prepared
        The problem.
    penalty
        What each norm costs.
    kappa
        Multiplier to begin with, from a solution nearby.
    certify
        Whether the objective and its bound are wanted too; they take as long as reading the rows.

    Raises
    ------
    ModelError
        If the classes are separated, or the method doesn't converge.
    """
    tolerance = _EXACT if certify else _ROUGH
    return _finish(prepared, penalty, _search(prepared, penalty, kappa, tolerance), certify)


def _search(prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float) -> _Found:
    layout = prepared.problem.layout
    if layout.size == layout.p and penalty.ridge:
        return _Found(prepared.pooled, 0.0, 1, "no deviations")
    if penalty.reweight and layout.size > layout.p:
        return _reweight(prepared, penalty)
    if not penalty.ridge:
        return _mix(prepared, penalty)
    if penalty.squared:
        return _square(prepared, penalty)
    return _length(prepared, penalty, kappa, tolerance)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    theta: Vector
    kappa: float
    iterations: int
    kind: str = "interior"
    metrics: tuple[Vector, ...] = ()
    parts: Mapping[str, Vector] = field(default_factory=dict)
    slope: Vector | None = None


def _finish(prepared: Prepared, penalty: Penalty, found: _Found, certify: bool) -> Solution:
    objective, bound = _certify(prepared, penalty, found) if certify else (np.nan, np.nan)
    return Solution(
        found.theta,
        objective,
        min(bound, objective),
        found.kappa,
        found.iterations,
        found.kind,
        found.metrics,
        found.parts,
    )


def _certify(prepared: Prepared, penalty: Penalty, found: _Found) -> tuple[float, float]:
    problem = prepared.problem
    eta = problem.rows.eta(found.theta)
    slope = problem.loss.slope(eta) if found.slope is None else found.slope
    cross = None if prepared.squares is None else prepared.squares.gram.C
    bound = dual_bound(problem, penalty, slope, found.parts, cross)
    return problem.loss.value(eta) + problem.penalty(penalty, found.theta), bound


def _square(prepared: Prepared, penalty: Penalty) -> _Found:
    """Squared norms: one ridge problem."""
    lowest = _LOWEST * prepared.scale
    if prepared.squares is not None:
        point = prepared.squares.at(max(penalty.l2, lowest))
        return _Found(point.theta, point.kappa, 1)
    kappa = max(2.0 * penalty.l2, lowest)
    smooth = _newton(prepared, kappa, prepared.pooled)
    return _Found(smooth.theta, kappa, smooth.steps)


def _newton(prepared: Prepared, kappa: float, start: Vector) -> NewtonPoint:
    problem = prepared.problem
    main = np.where(problem.main, 2.0 * prepared.main, 0.0)
    return minimise(problem, penalty_diagonal(problem.layout, kappa, main), start)


def _length(prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float) -> _Found:
    """Plain norms and l2 alone: the ridge problem that has the same solution."""
    most = largest_penalty(prepared)
    if penalty.l2 >= most * (1.0 - 1e-14):
        return _Found(prepared.pooled, np.inf, 1, "no deviations")
    if prepared.squares is None:
        return _logistic_length(prepared, penalty, kappa, tolerance)
    return _squares_length(prepared, prepared.squares, penalty, kappa, tolerance)


def _squares_length(
    prepared: Prepared,
    ls: LeastSquares,
    penalty: Penalty,
    kappa: float | None,
    tolerance: float,
) -> _Found:
    def evaluate(kappa: float) -> tuple[float, float, RidgePoint]:
        point = ls.at(kappa)
        tau2, rho2 = max(point.tau2, 1e-300), max(point.rho2, 1e-300)
        value = np.log(kappa) + 0.5 * np.log(tau2 / rho2)
        slope = 1.0 + 0.5 * kappa * point.slope * (1.0 / tau2 + kappa / rho2)
        return float(value), float(slope), point

    target = float(np.log(max(penalty.l2, 1e-300)))
    begin = kappa if kappa is not None and np.isfinite(kappa) and kappa > 0 else 0.1 * ls.scale
    root = find_root(evaluate, target, begin, _LOW * ls.scale, tolerance)
    if root.low or root.state.rho2 < 1e-8 * ls.rr:
        exact = _interpolated(ls, penalty)
        if exact is not None:
            return exact
        if root.low:
            root = find_root(evaluate, target, root.kappa, _LOWEST * ls.scale, tolerance)
    return _Found(root.state.theta, root.kappa, root.steps)


def _interpolated(ls: LeastSquares, penalty: Penalty) -> _Found | None:
    """The solution without residual, where the penalty is too small to allow one."""
    found = interpolate(ls)
    if found is None:
        return None
    length = float(np.linalg.norm(found.theta[ls.gram.layout.p :]))
    dual = float(np.sqrt(np.sum(found.dual**2 / ls.problem.loss.weights)))
    if length > 0 and penalty.l2 * dual > length:
        return None
    slope = -found.dual * (penalty.l2 / max(length, 1e-300))
    return _Found(found.theta, 0.0, 1, "interpolation", slope=slope)


def _logistic_length(
    prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float
) -> _Found:
    last = [prepared.pooled]
    steps = [0]

    def evaluate(kappa: float) -> tuple[float, float, NewtonPoint]:
        point = _newton(prepared, kappa, last[0])
        last[0] = point.theta
        steps[0] += point.steps
        tau2 = max(point.tau2, 1e-300)
        return (
            float(np.log(kappa) + 0.5 * np.log(tau2)),
            1.0 + 0.5 * kappa * point.slope / tau2,
            point,
        )

    target = float(np.log(max(penalty.l2, 1e-300)))
    begin = kappa if kappa is not None and np.isfinite(kappa) and kappa > 0 else prepared.scale
    root = find_root(evaluate, target, begin, _LOW * prepared.scale, tolerance)
    return _Found(root.state.theta, root.kappa, steps[0])


def _mix(prepared: Prepared, penalty: Penalty) -> _Found:
    """Several norms, or others than lengths: the interior point method."""
    if prepared.squares is not None and prepared.problem.layout.shapes:
        start = prepared.squares.at(prepared.scale).theta
    else:
        start = prepared.pooled
    point = solve_conic(prepared.problem, penalty, start, prepared.unit)
    return _Found(point.theta, np.nan, point.iterations, parts=point.parts, slope=point.slope)


def _reweight(prepared: Prepared, penalty: Penalty) -> _Found:
    """Deviations in a metric that is chosen with them."""
    problem, ls = prepared.problem, prepared.squares
    l2 = penalty.l2
    last = [prepared.pooled]

    def squares(roots: tuple[Vector, ...], sigma: float) -> Inner:
        assert ls is not None
        point = ls.in_metric(roots).at(l2)
        s = 2.0 * _slope(ls, roots, point.theta)
        return Inner(point.theta, s, point.rho2 + l2 * point.tau2, 0.0, 1)

    def root(roots: tuple[Vector, ...], sigma: float) -> Inner:
        assert ls is not None
        point = ls.in_metric(roots).at(2.0 * sigma * l2)
        half = point.rho2 / (2.0 * sigma)
        value = half + 0.5 * sigma + l2 * point.tau2
        s = _slope(ls, roots, point.theta) / sigma
        return Inner(point.theta, s, value, 0.5 * sigma - half, 1)

    def smooth(roots: tuple[Vector, ...], sigma: float) -> Inner:
        there = replace(prepared, problem=replace(problem, rows=MetricRows(problem.rows, roots)))
        point = _newton(there, 2.0 * l2, last[0])
        last[0] = point.theta
        eta = there.problem.rows.eta(point.theta)
        s = problem.rows.adjoint(problem.loss.slope(eta))
        return Inner(point.theta, s, problem.loss.value(eta) + l2 * point.tau2, 0.0, point.steps)

    solve_inner = smooth if ls is None else squares if isinstance(problem.loss, Squares) else root
    sigma = float(np.sqrt(ls.rr)) if ls is not None and solve_inner is root else 0.0
    if solve_inner is root and sigma == 0.0:
        return _Found(prepared.pooled, np.inf, 1, "no deviations")
    done = choose_metric(solve_inner, problem.layout, problem.shared, sigma)
    return _Found(done.theta, np.nan, done.iterations, metrics=done.metrics)


def _slope(ls: LeastSquares, roots: tuple[Vector, ...], c: Vector) -> Vector:
    """Derivatives of sum a r^2 / 2 in u."""
    return ls.gram.multiply(expand(ls.gram.layout, roots, c) - ls.start) - ls.b
