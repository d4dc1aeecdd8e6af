"""How large things are: what the default priors are scaled by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import RandomEffects
from partialpool.families import Response, ResponseFamily

__all__ = ["ResponseScale", "effect_size", "response_scale", "spread_of"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ResponseScale:
    """Where linear predictors lie, and how far they may reach.

    Attributes
    ----------
    centre
        The linear predictor of the mean response.
    unit
        Standard deviation of the response where the link is the identity, else 1.
    effects
        What standard deviations of random effects are compared with: ``unit``, or 2.5 on
        the scale of a link.
    """

    centre: float
    unit: float
    effects: float


def response_scale(
    response: Response, family: ResponseFamily, offset: Vector | None
) -> ResponseScale:
    """Read the scale of the mean's linear predictor off the response."""
    used = response.counted
    y = response.proportions[used]
    shift = 0.0 if offset is None else float(offset[used].mean())
    if family.link.name == "identity" and not family.has_trials:
        unit = float(y.std()) or 1.0
        return ResponseScale(float(y.mean()) - shift, unit, unit)
    started = family.start(response.values[used], _of(response.trials, used))
    return ResponseScale(float(started.get("mean", 0.0)) - shift, 1.0, 2.5)


def spread_of(column: Vector) -> float:
    """Standard deviation of a column; of a constant one its size."""
    spread = float(column.std())
    # A constant column has rounding for a spread.
    return spread if spread > 1e-9 * abs(float(column.mean())) else abs(float(column[0])) or 1.0


def effect_size(effects: RandomEffects, column: int) -> float:
    """Size of a random term's column: 1 for an intercept or an indicator."""
    values = effects.basis[:, column]
    if effects.applicable is not None:
        # Zeros where a covariate doesn't apply are no values of it.
        values = values[effects.applicable[effects.factor.codes, column]]
    there = values[values != 0.0]
    if np.all(there == there[0]):
        return abs(float(there[0]))
    return spread_of(values)


def _of(values: Vector | None, used: NDArray[np.bool_]) -> Vector | None:
    return None if values is None else values[used]
