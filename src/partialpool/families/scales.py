"""Dispersions and shapes on their natural scales, and what they are called."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scale", "dispersion_scale", "scale_of", "shape_scale", "unit_of"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How a number on the scale of its linear predictor is read.

    Attributes
    ----------
    symbol
        Its name in the formula of the variance.
    meaning
        That formula, in words.
    lowest
        Added to the number's image: 1 for a Tweedie power.
    logit
        Whether the linear predictor is a logit and not a log.
    """

    symbol: str
    meaning: str
    lowest: float = 0.0
    logit: bool = False

    def value(self, eta: float) -> float:
        """Return the number of a linear predictor.

        Examples
        --------
        >>> Scale("power", "", 1.0, True).value(0.0)
        1.5
        """
        with np.errstate(over="ignore"):
            return self.lowest + float(1.0 / (1.0 + np.exp(-eta)) if self.logit else np.exp(eta))

    def predictor(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the linear predictor of numbers.

        Examples
        --------
        >>> Scale("power", "", 1.0, True).predictor(np.array([1.5]))
        array([0.])
        """
        bare = value - self.lowest
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(bare) - (np.log1p(-bare) if self.logit else 0.0))

    def slope(self, eta: float) -> float:
        """Return the number's derivative, with which its standard error is that of eta."""
        bare = self.value(eta) - self.lowest
        return bare * (1.0 - bare) if self.logit else bare


_DISPERSIONS = MappingProxyType(
    {
        "gaussian": Scale("sigma", "the residual standard deviation is sigma"),
        "student_t": Scale("scale", "residuals are Student's t times scale"),
        "gamma": Scale("alpha", "variance mu^2 / alpha"),
        "inverse_gaussian": Scale("phi", "variance phi mu^3"),
        "nbinom1": Scale("phi", "variance mu (1 + phi)"),
        "nbinom2": Scale("phi", "variance mu (1 + mu / phi)"),
        "truncated_nbinom1": Scale("phi", "variance mu (1 + phi) before truncation"),
        "truncated_nbinom2": Scale("phi", "variance mu (1 + mu / phi) before truncation"),
        "beta": Scale("phi", "variance mu (1 - mu) / (1 + phi)"),
        "betabinomial": Scale("phi", "variance mu (1 - mu) (phi + m) / (m (phi + 1)) of m trials"),
        "tweedie": Scale("phi", "variance phi mu^power"),
        "binomial": Scale("sigma", "variance sigma^2 times the binomial one"),
        "poisson": Scale("sigma", "variance sigma^2 mu"),
    }
)
_SHAPES = MappingProxyType(
    {
        "student_t": Scale("nu", "degrees of freedom"),
        "tweedie": Scale("power", "between 1 (Poisson) and 2 (gamma)", 1.0, True),
    }
)


def dispersion_scale(family: str) -> Scale:
    """Return how a family's dispersion is read; a user's own is the exponential of eta.

    Of a family without one it is the scale of penalised quasi-likelihood.
    """
    return _DISPERSIONS.get(family, Scale("dispersion", "exponential of its linear predictor"))


def shape_scale(family: str) -> Scale:
    """Return how a family's shape is read."""
    return _SHAPES.get(family, Scale("shape", "exponential of its linear predictor"))


def scale_of(part: str, family: str) -> Scale:
    """Return how a family's ``"dispersion"`` or ``"shape"`` is read."""
    return dispersion_scale(family) if part == "dispersion" else shape_scale(family)


def unit_of(link: str, response: str) -> str:
    """Say what a linear predictor is measured in.

    Examples
    --------
    >>> unit_of("logit", "y"), unit_of("probit", "y")
    ('log odds', 'the probit of the mean')
    """
    if link == "identity":
        return response
    return _UNITS.get(link, f"the {link} of the mean")


_UNITS = MappingProxyType({"logit": "log odds", "log": "the logarithm of the mean"})
