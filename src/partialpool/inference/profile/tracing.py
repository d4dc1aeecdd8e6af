"""Follow one parameter's profile from its estimate to both sides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.inference.parameters import Parameter
from partialpool.inference.profile.held import Held, State
from partialpool.inference.profile.result import Curve

__all__ = ["trace"]

Array = NDArray[np.float64]
# Values from the estimate to the cutoff. lme4 takes eight, but knows no slopes.
_STEPS = 6
_MOST = 60
# So many first guesses from the estimate a likelihood that hasn't fallen far enough never will.
_FAR = 1e4
# A deviance this far below the optimum's is no rounding.
_BETTER = 1e-4


def trace(
    held: Held[State],
    parameter: Parameter,
    estimate: float,
    least: float,
    step: float,
    bounds: tuple[float, float],
    cutoff: float,
    far: float = np.inf,
) -> Curve:
    """Compute zeta at values of the parameter, until it passes the cutoff on both sides.

    Parameters
    ----------
    held
        What minimises over the other parameters.
    parameter, estimate
        Which one, and where the optimum has it.
    least
        Deviance of the optimum.
    step
        A first guess of how far the parameter goes while zeta goes to ``cutoff / 6``.
    bounds
        Range of the parameter.
    cutoff
        Zeta that the outermost values reach.
    far
        How far from the estimate the likelihood is followed at most.

    Raises
    ------
    ModelError
        If the deviance falls below the optimum's.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 5.1.
    """
    left = list(_side(held, parameter, estimate, least, -step, bounds[0], cutoff, far))[::-1]
    right = list(_side(held, parameter, estimate, least, step, bounds[1], cutoff, far))
    centre = (estimate, 0.0, _slope_at_centre(estimate, left, right))
    values, zeta, slope = np.array([*left, centre, *right]).T
    return Curve(parameter, estimate, *bounds, values, zeta, slope)


_Spot = tuple[float, float, float]


def _side(
    held: Held[State],
    parameter: Parameter,
    estimate: float,
    least: float,
    step: float,
    bound: float,
    cutoff: float,
    far: float,
) -> Iterator[_Spot]:
    """Values, zetas and slopes on one side, outwards."""
    side, target = np.sign(step), cutoff / _STEPS
    value, zeta, x = estimate, 0.0, held.start
    far = min(far, _FAR * abs(step))
    first = True
    for _ in range(_MOST):
        if value == bound or abs(zeta) >= cutoff or abs(value - estimate) > far:
            return
        trial = side * min(side * (value + step), side * bound)
        spot = held.at(trial, x)
        rise = spot.deviance - least
        if not np.isfinite(rise):
            # Beyond what can be evaluated: not so far at once.
            step *= 0.25
            continue
        if rise < -_BETTER:
            raise ModelError(
                f"with {parameter.label} held at {trial:.6g} the deviance is {-rise:.3g} below "
                "that of the fit, which is therefore a local optimum at best. Fit a simpler model "
                "first (a simpler family, fewer random terms, no zero inflation): where its "
                "log-likelihood is as good, report that one. Otherwise fit the model in other "
                "units, or leave out a random term that the data don't support."
            )
        found = side * float(np.sqrt(max(rise, 0.0)))
        if first and abs(found) > 2.0 * target and abs(step) > 1e-9 * max(abs(estimate), 1e-300):
            # Too far for the curve to be followed: the guess was too long.
            step *= max(0.1, target / abs(found))
            continue
        first = False
        slope = 0.5 * spot.slope / found if found != 0.0 else np.nan
        moved = trial - value
        value, zeta, x = trial, found, spot.x
        yield value, zeta, slope
        ahead = target / slope if slope > 0 else 3.0 * abs(moved)
        step = side * min(ahead, 3.0 * abs(moved))


def _slope_at_centre(estimate: float, left: list[_Spot], right: list[_Spot]) -> float:
    """Slope of zeta at the estimate, where it is 0 / 0, from the nearest values.

    With zeta = a h + b h^2 it is a = 2 zeta / h - slope.
    """
    near = [side for side in (left[-1:], right[:1]) if side]
    found = [2.0 * z / (v - estimate) - s for ((v, z, s),) in near]
    finite = [a for a in found if np.isfinite(a) and a > 0]
    return float(np.mean(finite)) if finite else float("nan")
