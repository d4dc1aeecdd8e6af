"""The solution without residual whose deviations are shortest.

A ridge solution of the residuals of the last, again and again: the deviations stay in the span
of the rows, so that the limit is the shortest of all that leave no residual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.losses import RootMeanSquare, Squares
from partialpool.shrinkage.quadratic import penalty_diagonal
from partialpool.shrinkage.ridge import LeastSquares
from partialpool.shrinkage.sparse_factor import factor_nearly

__all__ = ["Interpolation", "interpolate"]

Vector = NDArray[np.float64]

_MOST = 60


@dataclass(frozen=True, slots=True, eq=False)
class Interpolation:
    """Coefficients that leave no residual.

    Attributes
    ----------
    theta
        The coefficients.
    dual : (n,) array
        a times what the residuals over kappa add up to: u = Z'dual.
    """

    theta: Vector
    dual: Vector


def interpolate(ls: LeastSquares) -> Interpolation | None:
    """Find the shortest deviations that leave no residual, if there are any.

    Parameters
    ----------
    ls
        The least squares problem.
    """
    # The larger the multiplier, the more digits the dual variables keep; lighter levels than it
    # don't converge.
    steps = (ls.scale, float(np.sqrt(ls.scale * ls.least)), ls.least)
    for size in steps if ls.least < 0.1 * ls.scale else steps[:1]:
        found = _iterate(ls, 1e-7 * size)
        if found is not None:
            return found
    return None


def _iterate(ls: LeastSquares, kappa: float) -> Interpolation | None:
    problem = ls.problem
    loss = problem.loss
    assert isinstance(loss, (Squares, RootMeanSquare))
    layout = problem.layout
    diagonal = penalty_diagonal(layout, kappa, np.zeros(layout.p))
    factor = factor_nearly(ls.system, ls.gram, 1.0, diagonal)
    theta, dual = ls.start.copy(), np.zeros(len(loss.y))
    size = loss.weights @ loss.y**2 if ls.rr == 0 else ls.rr
    last = np.inf
    r = loss.y - problem.rows.eta(theta)
    for _ in range(_MOST):
        theta = theta + factor.solve(problem.rows.adjoint(loss.weights * r))
        r = loss.y - problem.rows.eta(theta)
        dual += loss.weights * r / kappa
        left = float(loss.weights @ r**2)
        if left <= 1e-26 * size:
            return Interpolation(theta, dual)
        if left > 0.5 * last:
            return Interpolation(theta, dual) if left <= 1e-22 * size else None
        last = left
    return None
