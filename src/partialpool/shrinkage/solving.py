"""Solve a penalised regression by the way that fits its penalty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.certificate import dual_bound
from partialpool.shrinkage.conic import solve_conic
from partialpool.shrinkage.lengths import solve_length
from partialpool.shrinkage.metric_search import solve_metric
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.prepared import (
    Found,
    Prepared,
    largest_penalty,
    newton,
    prepare,
)
from partialpool.shrinkage.problem import Solution

__all__ = ["Prepared", "largest_penalty", "prepare", "solve"]

Vector = NDArray[np.float64]

# How close the root has to come: where the dual bound is wanted, and along a path.
_EXACT, _ROUGH = 1e-11, 1e-6
# A multiplier that stands for none, relative to Z's squares.
_LIMIT = 1e-10


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


def _search(prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float) -> Found:
    layout = prepared.problem.layout
    if layout.size == layout.p and penalty.ridge:
        return Found(prepared.pooled, 0.0, 1, "no deviations")
    if penalty.reweight and layout.size > layout.p:
        return solve_metric(prepared, penalty)
    if not penalty.ridge:
        return _mix(prepared, penalty)
    if penalty.squared:
        return _square(prepared, penalty)
    return solve_length(prepared, penalty, kappa, tolerance)


def _finish(prepared: Prepared, penalty: Penalty, found: Found, certify: bool) -> Solution:
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


def _certify(prepared: Prepared, penalty: Penalty, found: Found) -> tuple[float, float]:
    problem = prepared.problem
    eta = problem.rows.eta(found.theta)
    slope = problem.loss.slope(eta) if found.slope is None else found.slope
    cross = None if prepared.squares is None else prepared.squares.gram.C
    bound = dual_bound(problem, penalty, slope, found.parts, cross)
    return problem.loss.value(eta) + problem.penalty(penalty, found.theta), bound


def _square(prepared: Prepared, penalty: Penalty) -> Found:
    """Squared norms: one ridge problem."""
    # Without a penalty the limit of a small one: the shortest of the deviations that fit best.
    if prepared.squares is not None:
        point = prepared.squares.at(penalty.l2 or _LIMIT * prepared.squares.least)
        return Found(point.theta, point.kappa, 1)
    kappa = 2.0 * penalty.l2 or _LIMIT * prepared.scale
    smooth = newton(prepared, kappa, prepared.pooled)
    return Found(smooth.theta, kappa, smooth.steps)


def _mix(prepared: Prepared, penalty: Penalty) -> Found:
    """Several norms, or others than lengths: the interior point method."""
    if prepared.squares is not None and prepared.problem.layout.shapes:
        start = prepared.squares.at(prepared.scale).theta
    else:
        start = prepared.pooled
    point = solve_conic(prepared.problem, penalty, start, prepared.unit)
    return Found(point.theta, np.nan, point.iterations, parts=point.parts, slope=point.slope)
