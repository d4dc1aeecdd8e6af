"""Trust-region Newton for the few parameters that stay free while one is held."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.core import trust_region_step

__all__ = ["Evaluation", "Function", "minimise"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """An objective at one point.

    Attributes
    ----------
    x : (m,) array
        The point.
    value
        Infinite where it can't be evaluated.
    gradient : (m,) array
        First derivatives.
    curvature : (m, m) array
        Second derivatives, or a model of them.
    slope
        Derivative in the parameter that is held.
    """

    x: Array
    value: float
    gradient: Array
    curvature: Array
    slope: float


Function: TypeAlias = Callable[[Array], Evaluation]


def minimise(
    function: Function, start: Array, tolerance: float = 1e-9, most: int = 100
) -> Evaluation:
    """Minimise until a step promises less than ``tolerance``.

    Steps are measured in units in which the curvature at the start is one, so that standard
    deviations of different covariates count alike.

    References
    ----------
    More & Sorensen (1983), SIAM Journal on Scientific and Statistical Computing 4(3).
    """
    best = function(start)
    if not len(start) or not np.isfinite(best.value):
        return best
    bend = np.abs(np.diag(best.curvature))
    scale = 1.0 / np.sqrt(np.maximum(bend, 1e-8 * max(bend.max(), 1e-300)))
    radius = 2.0
    for _ in range(most):
        curvature = np.ascontiguousarray(scale[:, None] * best.curvature * scale)
        step, promised = trust_region_step(scale * best.gradient, curvature, radius)
        if promised < tolerance:
            return best
        trial = function(best.x + scale * step)
        gain = best.value - trial.value
        if promised < 1e-11 * abs(best.value):
            # Too little for the objective to resolve.
            return trial if gain > -tolerance else best
        length = float(np.linalg.norm(step))
        if not gain > 0.25 * promised:
            radius = 0.25 * length
        elif gain > 0.75 * promised:
            radius = max(radius, 2.0 * length)
        if gain > 1e-4 * promised:
            best = trial
        elif radius < 1e-10:
            return best
    return best
