"""Which parameters are profiled, over which range, and those that are functions of others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import DataError, UnknownNameError, did_you_mean
from partialpool.formula.structures import SERIAL
from partialpool.inference.parameters import Parameter
from partialpool.inference.profile.result import Curve

__all__ = ["at_lag", "bounds_of", "choose", "lag_of", "neighbours_of"]

Array = NDArray[np.float64]


def choose(parameters: tuple[Parameter, ...], which: str | Sequence[str] | None) -> list[Parameter]:
    """Pick parameters by name.

    Raises
    ------
    DataError
        If no name is given.
    UnknownNameError
        If a parameter has not such a name.
    """
    if which is None:
        return list(parameters)
    names = [which] if isinstance(which, str) else list(which)
    if not names:
        raise DataError("which names no parameter; leave it out to profile all.")
    labels = {p.label: p for p in parameters}
    chosen: dict[str, Parameter] = {}
    for name in names:
        found = [p for p in parameters if (p.kind == "fixed") == (name == "fixed")]
        if name in labels:
            found = [labels[name]]
        elif name not in ("fixed", "random"):
            raise UnknownNameError(
                f"there is no parameter {name!r}; there are {', '.join(map(repr, labels))}, and "
                f"'fixed' and 'random' for all of a kind.{did_you_mean(str(name), tuple(labels))}"
            )
        chosen |= {p.label: p for p in found}
    return list(chosen.values())


def lag_of(design: Design, parameter: Parameter) -> int:
    """How far apart the effects of an autoregressive correlation are; else one."""
    if parameter.kind != "cor" or design.random[parameter.position].term.structure not in SERIAL:
        return 1
    return abs(parameter.effects[0] - parameter.effects[1])


def neighbours_of(factor: Array) -> float:
    """Correlation of neighbouring effects, from Lambda."""
    return float(factor[1] @ factor[0] / np.linalg.norm(factor[1]) / np.linalg.norm(factor[0]))


def at_lag(curve: Curve, parameter: Parameter, lag: int) -> Curve:
    """Curve of a power of the neighbours' correlation, which is that of effects further apart.

    An even power has two roots: the one with the estimate's sign is followed.
    """
    values, zeta, slope = curve.values, curve.zeta, curve.slope
    low = curve.low
    if lag % 2 == 0:
        low = 0.0
        side = values >= 0.0 if curve.estimate >= 0 else values <= 0.0
        values, zeta, slope = values[side], zeta[side], slope[side]
        if curve.estimate < 0:
            values, zeta, slope = -values[::-1], -zeta[::-1], slope[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = slope / (lag * np.abs(values) ** (lag - 1))
    estimate = abs(curve.estimate) if lag % 2 == 0 else curve.estimate
    return Curve(parameter, estimate**lag, low, curve.high, values**lag, zeta, slope)


def bounds_of(design: Design, parameter: Parameter) -> tuple[float, float]:
    """Ends of a parameter's range."""
    if parameter.kind == "fixed":
        return -np.inf, np.inf
    if parameter.kind != "cor":  # a standard deviation, a rate or a range
        return 0.0, np.inf
    effects = design.random[parameter.position]
    k = len(effects.columns)
    together = effects.term.structure in ("cs", "homcs")
    return (-1.0 / (k - 1) if together else -1.0), 1.0
