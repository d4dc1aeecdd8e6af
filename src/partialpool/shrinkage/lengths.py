"""Plain norms and l2 alone: the ridge problem that has the same solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.interpolation import interpolate
from partialpool.shrinkage.newton import NewtonPoint
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.prepared import Found, Prepared, largest_penalty, newton
from partialpool.shrinkage.ridge import LeastSquares, RidgePoint
from partialpool.shrinkage.root import find_root

__all__ = ["solve_length"]

Vector = NDArray[np.float64]

# Relative to the smallest of Z's squares: where least squares ends and a solution without residual
# is looked for, and where the search for a multiplier ends.
_LOW, _LOWEST = 1e-9, 1e-12


def solve_length(
    prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float
) -> Found:
    """Find the coefficients at which loss plus l2 ||u|| is least.

    Parameters
    ----------
    prepared, penalty
        The objective.
    kappa
        Multiplier to begin with.
    tolerance
        How close the root has to come.
    """
    most = largest_penalty(prepared)
    if penalty.l2 >= most * (1.0 - 1e-14):
        return Found(prepared.pooled, np.inf, 1, "no deviations")
    if prepared.squares is None:
        return _logistic_length(prepared, penalty, kappa, tolerance)
    return _squares_length(prepared, prepared.squares, penalty, kappa, tolerance)


def _squares_length(
    prepared: Prepared,
    ls: LeastSquares,
    penalty: Penalty,
    kappa: float | None,
    tolerance: float,
) -> Found:
    def evaluate(kappa: float) -> tuple[float, float, RidgePoint]:
        point = ls.at(kappa)
        tau2, rho2 = max(point.tau2, 1e-300), max(point.rho2, 1e-300)
        value = np.log(kappa) + 0.5 * np.log(tau2 / rho2)
        slope = 1.0 + 0.5 * kappa * point.slope * (1.0 / tau2 + kappa / rho2)
        return float(value), float(slope), point

    target = float(np.log(max(penalty.l2, 1e-300)))
    begin = kappa if kappa is not None and np.isfinite(kappa) and kappa > 0 else 0.1 * ls.scale
    root = find_root(evaluate, target, begin, _LOW * ls.least, tolerance)
    if root.low or root.state.rho2 < 1e-8 * ls.rr:
        exact = _interpolated(ls, penalty)
        if exact is not None:
            return exact
        if root.low:
            root = find_root(evaluate, target, root.kappa, _LOWEST * ls.least, tolerance)
    return Found(root.state.theta, root.kappa, root.steps)


def _interpolated(ls: LeastSquares, penalty: Penalty) -> Found | None:
    """The solution without residual, where the penalty is too small to allow one."""
    found = interpolate(ls)
    if found is None:
        return None
    length = float(np.linalg.norm(found.theta[ls.gram.layout.p :]))
    dual = float(np.sqrt(np.sum(found.dual**2 / ls.problem.loss.weights)))
    if length > 0 and penalty.l2 * dual > length:
        return None
    slope = -found.dual * (penalty.l2 / max(length, 1e-300))
    return Found(found.theta, 0.0, 1, "interpolation", slope=slope)


def _logistic_length(
    prepared: Prepared, penalty: Penalty, kappa: float | None, tolerance: float
) -> Found:
    last = [prepared.pooled]
    steps = [0]

    def evaluate(kappa: float) -> tuple[float, float, NewtonPoint]:
        point = newton(prepared, kappa, last[0])
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
    return Found(root.state.theta, root.kappa, steps[0])
