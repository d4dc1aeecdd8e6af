"""Each row's part of the deviance: how far a mean is from the response, in log-likelihoods."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import NotAvailableError
from partialpool.families import ResponseFamily, Zero
from partialpool.families.base import Eta
from partialpool.families.response import Response

__all__ = ["unit_deviances"]

Vector = NDArray[np.float64]


def unit_deviances(family: ResponseFamily, response: Response, eta: Eta, zero: Zero) -> Vector:
    """Compute twice the log-likelihood lost by not fitting each row exactly (n,), unscaled.

    Parameters
    ----------
    family
        One with a deviance: Gaussian, binomial, Poisson, gamma, inverse Gaussian, Tweedie and
        negative binomial of kind 2.
    response
        What was observed.
    eta
        Fitted linear predictors.
    zero
        What a zero-inflation part adds.

    Raises
    ------
    NotAvailableError
        If the family has none.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, section 2.3.
    """
    if family.name not in _DEVIANCES or zero != "none":
        raise NotAvailableError(
            f"deviance residuals aren't defined for {family.name}"
            f"{'' if zero == 'none' else ' with zero inflation'}. Use kind='pearson'."
        )
    mu = family.mu(eta)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(_DEVIANCES[family.name](response, mu, eta), dtype=np.float64)


def _xlogy(x: Vector, ratio: Vector) -> Vector:
    return np.where(x > 0, x * np.log(np.where(x > 0, ratio, 1.0)), 0.0)


def _gaussian(response: Response, mu: Vector, eta: Eta) -> Vector:
    return (response.values - mu) ** 2


def _binomial(response: Response, mu: Vector, eta: Eta) -> Vector:
    y, p = response.values, response.proportions
    failures = (1.0 if response.trials is None else response.trials) - y
    return 2.0 * (_xlogy(y, p / mu) + _xlogy(failures, (1.0 - p) / (1.0 - mu)))


def _poisson(response: Response, mu: Vector, eta: Eta) -> Vector:
    y = response.values
    return 2.0 * (_xlogy(y, y / mu) - (y - mu))


def _gamma(response: Response, mu: Vector, eta: Eta) -> Vector:
    y = response.values
    return 2.0 * ((y - mu) / mu - np.log(y / mu))


def _inverse_gaussian(response: Response, mu: Vector, eta: Eta) -> Vector:
    y = response.values
    return (y - mu) ** 2 / (y * mu**2)


def _negative_binomial(response: Response, mu: Vector, eta: Eta) -> Vector:
    y, phi = response.values, np.exp(eta["dispersion"])
    return 2.0 * (_xlogy(y, y / mu) - (y + phi) * np.log((y + phi) / (mu + phi)))


def _tweedie(response: Response, mu: Vector, eta: Eta) -> Vector:
    y, p = response.values, 1.0 + 1.0 / (1.0 + np.exp(-eta["shape"]))
    return 2.0 * (
        y ** (2.0 - p) / ((1.0 - p) * (2.0 - p))
        - y * mu ** (1.0 - p) / (1.0 - p)
        + mu ** (2.0 - p) / (2.0 - p)
    )


_DEVIANCES: MappingProxyType[str, Callable[[Response, Vector, Eta], Vector]] = MappingProxyType(
    {
        "gaussian": _gaussian,
        "binomial": _binomial,
        "poisson": _poisson,
        "gamma": _gamma,
        "inverse_gaussian": _inverse_gaussian,
        "nbinom2": _negative_binomial,
        "tweedie": _tweedie,
    }
)
