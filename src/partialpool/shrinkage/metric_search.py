"""Deviations in a metric that is chosen with them, for every loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.losses import Squares
from partialpool.shrinkage.metric import MetricRows, expand
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.prepared import Found, Prepared, newton
from partialpool.shrinkage.reweight import Inner, choose_metric
from partialpool.shrinkage.ridge import LeastSquares

__all__ = ["solve_metric"]

Vector = NDArray[np.float64]


def solve_metric(prepared: Prepared, penalty: Penalty) -> Found:
    """Find the coefficients at which loss plus l2 sum u'D^-1 u is least, D being free.

    Parameters
    ----------
    prepared, penalty
        The objective.
    """
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
        point = newton(there, 2.0 * l2, last[0])
        last[0] = point.theta
        eta = there.problem.rows.eta(point.theta)
        s = problem.rows.adjoint(problem.loss.slope(eta))
        return Inner(point.theta, s, problem.loss.value(eta) + l2 * point.tau2, 0.0, point.steps)

    solve_inner = smooth if ls is None else squares if isinstance(problem.loss, Squares) else root
    sigma = float(np.sqrt(ls.rr)) if ls is not None and solve_inner is root else 0.0
    if solve_inner is root and sigma == 0.0:
        return Found(prepared.pooled, np.inf, 1, "no deviations")
    done = choose_metric(solve_inner, problem.layout, problem.shared, sigma)
    return Found(done.theta, np.nan, done.iterations, metrics=done.metrics)


def _slope(ls: LeastSquares, roots: tuple[Vector, ...], c: Vector) -> Vector:
    """Derivatives of sum a r^2 / 2 in u."""
    return ls.gram.multiply(expand(ls.gram.layout, roots, c) - ls.start) - ls.b
