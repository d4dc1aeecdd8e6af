"""Leave-one-out errors from the factor, and the mixed model's own criterion.

References
----------
Allen (1974), Technometrics 16(1), 125-127: leave-one-out residuals r / (1 - h).
Patterson & Thompson (1971), Biometrika 58(3), 545-554: restricted likelihood.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.core import LevelRows, matrix
from partialpool.errors import ModelError
from partialpool.shrinkage.factor import DenseFactor
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.ridge import LeastSquares, RidgePoint
from partialpool.shrinkage.rows import scaled_indicator

__all__ = ["best_by_reml", "leave_one_out", "leverages", "matching_l2", "reml_criterion"]

Vector = NDArray[np.float64]

_ROWS = 8_192


def leverages(ls: LeastSquares, point: RidgePoint) -> Vector:
    """Derivative of each row's fitted value in its response (n,), kappa held.

    Raises
    ------
    ModelError
        If the factor is a sparse one.
    """
    factor = point.factor
    if not isinstance(factor, DenseFactor):
        raise ModelError(
            "exact leave-one-out needs a factor that fits in memory as a dense one; these groups "
            "are too many. Use folds: cv=5."
        )
    rows = ls.problem.bare
    weights = ls.problem.loss.weights
    X = np.asarray(rows.X.todense()) if hasattr(rows.X, "todense") else rows.X
    if factor.levels is None:
        half = np.linalg.solve(factor.root, X.T)
        return np.asarray(weights * np.sum(half**2, axis=0))
    first = factor.system.first
    others = [t for t in range(len(rows.terms)) if t != first]
    wide = [scaled_indicator(rows.terms[t]) for t in others]
    own = rows.terms[first]
    L, V = factor.levels.L, factor.levels.V
    basis = own.basis if own.handle is not None else np.asarray(own.basis.todense())
    out = np.empty(len(weights))
    for start in range(0, len(weights), _ROWS):
        here = slice(start, start + _ROWS)
        border = np.hstack([X[here], *(np.asarray(w[here].todense()) for w in wide)])
        codes = np.ascontiguousarray(own.codes[here])
        scale = np.where(codes >= 0, own.omega[codes], 1.0)
        z = matrix(basis[here] / scale[:, None])
        out[here] = LevelRows(codes, own.levels).forms(z, matrix(border), L, V, matrix(factor.root))
    return weights * out


def leave_one_out(ls: LeastSquares, point: RidgePoint) -> float:
    """Mean squared error of each row predicted from all others, kappa held."""
    loss = ls.problem.loss
    r = loss.y - ls.problem.rows.eta(point.theta)
    left = 1.0 - leverages(ls, point)
    return float(loss.weights @ (r / np.maximum(left, 1e-12)) ** 2)


def reml_criterion(ls: LeastSquares, point: RidgePoint) -> float:
    """REML criterion, up to a constant, of u ~ N(0, sigma^2 / kappa I) with sigma profiled."""
    layout = ls.gram.layout
    df = len(ls.problem.loss.weights) - layout.p
    held = point.rho2 + point.kappa * point.tau2
    effects = layout.size - layout.p
    return float(df * np.log(held) + point.factor.logdet - effects * np.log(point.kappa))


def best_by_reml(ls: LeastSquares) -> float:
    """The multiplier kappa of least REML criterion.

    Parameters
    ----------
    ls
        The least squares problem.
    """
    from scipy.optimize import minimize_scalar  # late: a tenth of a second

    def value(x: float) -> float:
        return reml_criterion(ls, ls.at(float(np.exp(x))))

    # Flat far out on either side: look around on a grid before going to the bottom.
    low, high = np.log(1e-6 * ls.least), np.log(1e4 * ls.scale)
    grid = np.linspace(low, high, int((high - low) / 2.3) + 2)
    at = int(np.argmin([value(x) for x in grid]))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
    found = minimize_scalar(value, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def matching_l2(problem: Problem, point: RidgePoint, squared: bool) -> float:
    """The penalty l2 whose solution is the one of a multiplier kappa."""
    if squared:
        return point.kappa
    return float(point.kappa * np.sqrt(point.tau2 / point.rho2))
