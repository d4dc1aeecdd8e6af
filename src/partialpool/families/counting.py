"""Poisson and negative binomial counts: moments, the probability of zero, draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counting", "draw_poisson"]

Vector = NDArray[np.float64]

_BELOW_ONE = float(np.nextafter(1.0, 0.0))
# Beyond this mean a Poisson variable is its mean to seven digits, and soon no whole number of
# 64 bits.
_HUGE = 1e15


@dataclass(frozen=True, slots=True)
class Counting:
    """A distribution of counts with mean mu, zeros included.

    Attributes
    ----------
    kind
        0 for Poisson; 1 and 2 for negative binomials of variance mu (1 + phi) and
        mu (1 + mu / phi). ``phi`` is not looked at by the first.
    truncated
        Whether it is about counts of which it is known that they aren't zero.
    """

    kind: Literal[0, 1, 2]
    truncated: bool = False

    def mean(self, mu: Vector, phi: Vector) -> Vector:
        """Return the mean."""
        if not self.truncated:
            return mu
        seen = -np.expm1(self.log_zero(mu, phi))
        # Towards zero only ones are left of such counts.
        return np.divide(mu, seen, out=np.ones_like(mu), where=seen > 0)

    def variance(self, mu: Vector, phi: Vector) -> Vector:
        """Return the variance."""
        if not self.truncated:
            return mu * self.ratio(mu, phi)
        mean = self.mean(mu, phi)
        return mean * np.maximum(self.ratio(mu, phi) + mu - mean, 0.0)

    def ratio(self, mu: Vector, phi: Vector) -> Vector:
        """Return the variance in units of the mean, both with zeros."""
        if self.kind == 0:
            return np.ones_like(mu)
        return 1.0 + (phi if self.kind == 1 else mu / phi)

    def log_zero(self, mu: Vector, phi: Vector) -> Vector:
        """Return the log-probability of zero."""
        if self.kind == 0:
            return -mu
        size, odds = self._gamma(mu, phi)
        return -size * np.log1p(odds)

    def draw(self, mu: Vector, phi: Vector, rng: np.random.Generator) -> NDArray[Any]:
        """Draw counts."""
        if self.truncated:
            return self._draw_positive(mu, phi, rng)
        return draw_poisson(mu if self.kind == 0 else rng.gamma(*self._gamma(mu, phi)), rng)

    def _draw_positive(self, mu: Vector, phi: Vector, rng: np.random.Generator) -> NDArray[Any]:
        """Draw counts that aren't zero.

        Counts pile up over a unit of time in jumps that come at a constant rate (of size 1,
        or of logarithmic distribution): draw the time of the first jump, which comes within
        the unit, its size, and what is added in the time left.
        """
        rate = -self.log_zero(mu, phi)
        first = -np.log1p(rng.random(len(mu)) * np.expm1(-rate))
        # With a rate of almost zero, the first jump comes anywhere.
        left = np.clip(1.0 - first / np.maximum(rate, np.finfo(float).tiny), 0.0, 1.0)
        if self.kind == 0:
            return 1 + draw_poisson(mu * left, rng)
        size, odds = self._gamma(mu, phi)
        jump = rng.logseries(np.minimum(odds / (1.0 + odds), _BELOW_ONE))
        return np.asarray(jump + draw_poisson(rng.gamma(size * left, odds), rng))

    def _gamma(self, mu: Vector, phi: Vector) -> tuple[Vector, Vector]:
        """Return shape and scale of the gamma distribution that the Poisson's mean has."""
        return (mu / phi, phi) if self.kind == 1 else (phi, mu / phi)


def draw_poisson(mu: Vector, rng: np.random.Generator) -> NDArray[Any]:
    """Draw counts; what vague priors make of a mean may be beyond any count."""
    mu = np.minimum(mu, np.finfo(float).max)
    drawn = rng.poisson(np.minimum(mu, _HUGE))
    return np.where(mu > _HUGE, mu, drawn) if (mu > _HUGE).any() else drawn
