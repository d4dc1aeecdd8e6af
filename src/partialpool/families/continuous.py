"""Families for measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.families.base import Eta, ResponseFamily, Vector, Zero, average, spread
from partialpool.families.checks import (
    refuse_constant,
    refuse_overflow,
    require_nonnegative,
    require_positive,
)
from partialpool.families.counting import draw_poisson
from partialpool.families.links import LINKS
from partialpool.families.response import Response

__all__ = ["Gamma", "Gaussian", "InverseGaussian", "StudentT", "Tweedie"]

_TINY = float(np.finfo(float).tiny)


class _Measurement(ResponseFamily):
    """A family with a mean and a dispersion, started from the response's own moments."""

    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion")

    def _start(
        self, y: Vector, trials: Vector | None, weights: Vector | None, zero: Zero
    ) -> dict[str, float]:
        mean = average(y, weights)
        if self.link.name not in ("identity", "inverse"):
            # Where means are positive, one that isn't starts at the size of the response.
            mean = mean if mean > 0 else average(np.abs(y), weights)
        found = {"mean": float(self.link(mean))}
        return found | self._start_others(mean, max(spread(y, weights), _TINY))

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        raise NotImplementedError


@dataclass(frozen=True, init=False, repr=False)
class Gaussian(_Measurement):
    """Normal distribution, with any of its links.

    The dispersion's linear predictor is the log of the residual standard deviation. (Older
    versions of glmmTMB, such as 1.1.5, have the log of the variance there: twice as much.)

    Parameters
    ----------
    link
        ``"identity"`` (the default), ``"log"``, ``"inverse"`` or ``"sqrt"``.

    Examples
    --------
    >>> family = Gaussian("log")
    >>> family.variance({"mean": np.array([1.0]), "dispersion": np.log([2.0])})
    array([4.])
    """

    links: ClassVar[tuple[str, ...]] = ("identity", "log", "inverse", "sqrt")
    canonical_link: ClassVar[str] = "identity"

    stem: ClassVar[str] = "gaussian"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return np.exp(2.0 * eta["dispersion"])

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        return rng.normal(self.mu_to_draw(eta), np.exp(eta["dispersion"]))

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        return {"dispersion": 0.5 * np.log(variance)}

    def _check(self, response: Response, zero: Zero) -> None:
        refuse_overflow(response)
        refuse_constant(response, response.values)


@dataclass(frozen=True, init=False, repr=False)
class StudentT(_Measurement):
    """Student's t distribution around a mean, for residuals with heavy tails.

    The dispersion's linear predictor is the log of the scale s; the shape is the log of the
    degrees of freedom nu. The variance is s^2 nu / (nu - 2), infinite up to nu = 2. Up to
    nu = 1 there is no mean, and what is called so is the median.

    Parameters
    ----------
    link
        ``"identity"`` (the default), ``"log"`` or ``"inverse"``.

    Examples
    --------
    >>> StudentT().parts()
    ('mean', 'dispersion', 'shape')

    References
    ----------
    Lange, Little & Taylor (1989), Journal of the American Statistical Association 84, 881-896.
    """

    links: ClassVar[tuple[str, ...]] = ("identity", "log", "inverse")
    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion", "shape")

    stem: ClassVar[str] = "student_t"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        nu = np.exp(eta["shape"])
        factor = np.divide(nu, nu - 2.0, out=np.full_like(nu, np.inf), where=nu > 2.0)
        return np.exp(2.0 * eta["dispersion"]) * factor

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        mu = self.mu_to_draw(eta)
        return mu + np.exp(eta["dispersion"]) * rng.standard_t(np.exp(eta["shape"]), len(mu))

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        # Of 5 degrees of freedom, whose variance is 5/3 of the squared scale.
        return {"dispersion": 0.5 * np.log(0.6 * variance), "shape": np.log(5.0)}

    def _check(self, response: Response, zero: Zero) -> None:
        refuse_overflow(response)
        refuse_constant(response, response.values)


@dataclass(frozen=True, init=False, repr=False)
class Gamma(_Measurement):
    """Gamma distribution, for positive measurements of a constant coefficient of variation.

    The dispersion's linear predictor is the log of the shape alpha, as in glmmTMB: the
    variance is mu^2 / alpha, and the coefficient of variation alpha^(-1/2).

    Parameters
    ----------
    link
        ``"log"`` (the default, which keeps means positive; R's is the inverse), ``"inverse"``,
        ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> Gamma().variance({"mean": np.log([3.0]), "dispersion": np.log([4.0])})
    array([2.25])

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, 2nd edition, chapter 8.
    """

    links: ClassVar[tuple[str, ...]] = ("log", "inverse", "identity", "sqrt")
    mean_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    canonical_link: ClassVar[str] = "inverse"

    stem: ClassVar[str] = "gamma"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return self.mu(eta) ** 2 * np.exp(-eta["dispersion"])

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        shape = np.exp(eta["dispersion"])
        # A small shape gives draws that round to zero.
        return np.maximum(rng.gamma(shape, self.mu_to_draw(eta) / shape), _TINY)

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        return {"dispersion": float(2.0 * np.log(mean) - np.log(variance))}

    def _check(self, response: Response, zero: Zero) -> None:
        refuse_overflow(response)
        require_positive(response, "Gamma")
        refuse_constant(response, response.values)


@dataclass(frozen=True, init=False, repr=False)
class InverseGaussian(_Measurement):
    """Inverse Gaussian distribution, for positive measurements with a long right tail.

    The dispersion's linear predictor is the log of phi: the variance is phi mu^3.

    Parameters
    ----------
    link
        ``"log"`` (the default), ``"inverse_squared"`` (R's, ``"1/mu^2"``), ``"inverse"``,
        ``"identity"`` or ``"sqrt"``.

    Examples
    --------
    >>> InverseGaussian("1/mu^2").canonical
    True
    """

    links: ClassVar[tuple[str, ...]] = ("log", "inverse_squared", "inverse", "identity", "sqrt")
    mean_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    canonical_link: ClassVar[str] = "inverse_squared"

    stem: ClassVar[str] = "inverse_gaussian"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return self.mu(eta) ** 3 * np.exp(eta["dispersion"])

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        return rng.wald(self.mu_to_draw(eta), np.exp(-eta["dispersion"]))

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        return {"dispersion": float(np.log(variance) - 3.0 * np.log(mean))}

    def _check(self, response: Response, zero: Zero) -> None:
        refuse_overflow(response)
        require_positive(response, "InverseGaussian")
        refuse_constant(response, response.values)


@dataclass(frozen=True, init=False, repr=False)
class Tweedie(_Measurement):
    """Tweedie distribution of a power between 1 and 2: a Poisson number of gamma amounts.

    For positive measurements with exact zeros among them, such as rainfall or claims. The
    dispersion's linear predictor is the log of phi, the shape the logit of p - 1: the variance
    is phi mu^p.

    Parameters
    ----------
    link
        ``"log"`` (the default), ``"identity"``, ``"inverse"`` or ``"sqrt"``.

    Examples
    --------
    >>> eta = {"mean": np.log([4.0]), "dispersion": np.log([0.5]), "shape": np.zeros(1)}
    >>> Tweedie().variance(eta)
    array([4.])

    References
    ----------
    Dunn & Smyth (2005), Statistics and Computing 15, 267-280.
    """

    links: ClassVar[tuple[str, ...]] = ("log", "identity", "inverse", "sqrt")
    mean_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    own_parts: ClassVar[tuple[str, ...]] = ("mean", "dispersion", "shape")

    stem: ClassVar[str] = "tweedie"

    def _variance(self, eta: Eta, trials: Vector | None) -> Vector:
        return np.exp(eta["dispersion"]) * self.mu(eta) ** _power(eta)

    def _draw(self, eta: Eta, rng: np.random.Generator, trials: Vector | None) -> NDArray[Any]:
        mu, phi, p = self.mu_to_draw(eta), np.exp(eta["dispersion"]), _power(eta)
        jumps = draw_poisson(mu ** (2.0 - p) / (phi * (2.0 - p)), rng)
        # A sum of jumps of one gamma distribution is gamma; shape 0 gives 0.
        return rng.gamma(jumps * (2.0 - p) / (p - 1.0), phi * (p - 1.0) * mu ** (p - 1.0))

    def _start_others(self, mean: float, variance: float) -> dict[str, float]:
        return {"dispersion": float(np.log(variance) - 1.5 * np.log(mean)), "shape": 0.0}

    def _check(self, response: Response, zero: Zero) -> None:
        refuse_overflow(response)
        require_nonnegative(response, "Tweedie")
        refuse_constant(response, response.values)


def _power(eta: Eta) -> Vector:
    return 1.0 + np.asarray(LINKS["logit"].inverse(eta["shape"]), dtype=np.float64)
