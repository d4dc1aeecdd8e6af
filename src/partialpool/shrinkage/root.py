"""The squared penalty that gives the same solution as a penalty of lengths.

For the root of the mean square and l2 ||u||, stationarity says Z'a r / rho = l2 u / tau, and for
least squares with kappa ||u||^2 it says Z'a r = kappa u: kappa tau / rho = l2. The left side
does not decrease in kappa, since it is minus the slope of the convex curve rho(tau). For the
logistic loss rho is 1; for a metric that is being chosen, l2 sum u'D^-1 u, kappa / (2 rho) = l2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

__all__ = ["Root", "find_root"]

State = TypeVar("State")

_TOLERANCE = 1e-11
_MOST = 80


@dataclass(frozen=True, slots=True, eq=False)
class Root(Generic[State]):
    """Where the search ended.

    Attributes
    ----------
    kappa
        The multiplier.
    state
        What was found there.
    steps
        Evaluations.
    low
        Whether the search ended at its lower end: the penalty asks for less than that.
    """

    kappa: float
    state: State
    steps: int
    low: bool


def find_root(
    evaluate: Callable[[float], tuple[float, float, State]],
    target: float,
    start: float,
    lowest: float,
    tolerance: float = _TOLERANCE,
) -> Root[State]:
    """Find kappa with log psi(kappa) = target, by Newton's method in log kappa.

    Parameters
    ----------
    evaluate
        Gives log psi, its derivative in log kappa, and what belongs to it.
    target
        Logarithm of what psi should be.
    start, lowest
        Where to begin, and where to stop going down.
    tolerance
        How close log psi has to come. The objective is wrong by its square only.
    """
    x, floor = float(np.log(max(start, lowest))), float(np.log(lowest))
    below, above = -np.inf, np.inf
    steps = 0
    while True:
        value, slope, state = evaluate(float(np.exp(x)))
        steps += 1
        miss = value - target
        done = abs(miss) <= tolerance * max(1.0, abs(target)) or steps >= _MOST
        if done or (x <= floor and miss >= 0):
            return Root(float(np.exp(x)), state, steps, not done)
        below, above = (x, above) if miss < 0 else (below, x)
        x = max(_next(x, miss, slope, below, above), floor)
        if np.isfinite(above) and above - below <= 1e-14 * max(1.0, abs(above)):
            return Root(float(np.exp(x)), state, steps, False)


def _next(x: float, miss: float, slope: float, below: float, above: float) -> float:
    """Newton's step, held between what is known to be too small and too large."""
    step = -miss / slope if slope > 1e-8 else -np.sign(miss) * 8.0
    new = x + float(np.clip(step, -12.0, 12.0))
    if below < new < above:
        return new
    if np.isfinite(below) and np.isfinite(above):
        return 0.5 * (below + above)
    return x - float(np.sign(miss)) * 8.0
