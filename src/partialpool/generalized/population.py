"""Means over random effects that aren't known: Gauss-Hermite sums over their distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["average_over"]

Vector = NDArray[np.float64]
Predictors = Mapping[str, Vector]

# One dimension gets so many nodes that the means of a logit are exact to 1e-8 up to a standard
# deviation of 5; several share what time there is.
_NODES = {1: 61, 2: 21, 3: 11}


def average_over(
    function: Callable[[Predictors], Vector], eta: Predictors, variances: Predictors
) -> Vector:
    """Average a function of linear predictors over normal deviations of these.

    Parameters
    ----------
    function
        Takes linear predictors by part and returns one number, or several, for each row.
    eta
        Where the predictors are centred.
    variances
        Variance of each row's predictor, for the parts that vary; parts are independent.

    Examples
    --------
    >>> eta, variances = {"mean": np.zeros(1)}, {"mean": np.ones(1)}
    >>> average_over(lambda eta: np.exp(eta["mean"]), eta, variances).round(6)
    array([1.648721])

    References
    ----------
    Zeger, Liang & Albert (1988), Biometrics 44, 1049-1060: population-averaged means.
    """
    varying = {part: np.sqrt(v) for part, v in variances.items() if np.any(v > 0)}
    if not varying:
        return function(eta)
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES[len(varying)])
    weights = weights / weights.sum()
    total: Vector | float = 0.0
    for places in np.ndindex(*[len(nodes)] * len(varying)):
        moved = {
            part: eta[part] + nodes[i] * sd
            for (part, sd), i in zip(varying.items(), places, strict=True)
        }
        total = total + np.prod(weights[list(places)]) * function({**eta, **moved})
    return np.asarray(total)
