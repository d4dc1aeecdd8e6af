"""Every family with every way of having zeros, at some linear predictors."""

from __future__ import annotations

import numpy as np

from partialpool.families import (
    Beta,
    BetaBinomial,
    Binomial,
    Gamma,
    Gaussian,
    InverseGaussian,
    NegativeBinomial,
    Ordinal,
    Poisson,
    StudentT,
    TruncatedNegativeBinomial,
    TruncatedPoisson,
    Tweedie,
)

# The mean's linear predictor is such that every family is well inside its range.
ETA = {"mean": 0.4, "dispersion": 0.7, "shape": 0.3, "zero_inflation": -0.8}

CASES = {
    f"{family.name}-{family.link.name}-{zero}": (family, zero)
    for family, zeros in [
        (Gaussian(), ["none"]),
        (Gaussian("log"), ["none"]),
        (StudentT(), ["none"]),
        (Gamma(), ["none"]),
        (Gamma("inverse"), ["none"]),
        (InverseGaussian(), ["none"]),
        (InverseGaussian("inverse_squared"), ["none"]),
        (Tweedie(), ["none"]),
        (Binomial(), ["none"]),
        (Binomial("cloglog"), ["none"]),
        (BetaBinomial("probit"), ["none"]),
        (Beta(), ["none"]),
        (Poisson(), ["none", "inflated"]),
        (Poisson("sqrt"), ["none"]),
        (NegativeBinomial(), ["none", "inflated"]),
        (NegativeBinomial(1), ["none", "inflated"]),
        (TruncatedPoisson(), ["none", "hurdle"]),
        (TruncatedNegativeBinomial(), ["none", "hurdle"]),
        (TruncatedNegativeBinomial(1), ["none", "hurdle"]),
        (Ordinal(), ["none"]),
    ]
    for zero in zeros
}


def predictors(family, zero, n, **others):
    """The same linear predictors in n rows."""
    eta = {part: np.full(n, {**ETA, **others}.get(part, 0.0)) for part in family.parts(zero)}
    if "thresholds" in eta:
        eta["thresholds"] = np.array([-1.0, 0.2, 1.5])
    return eta
