"""Priors of numbers that may be anything: coefficients, and flat ones of anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from partialpool.bayes.priors.base import Prior, Vector
from partialpool.errors import ModelError

__all__ = ["Flat", "Normal", "StudentT"]


@dataclass(frozen=True)
class Flat(Prior):
    """No preference: density 1 everywhere (for standard deviations, on themselves).

    Examples
    --------
    >>> str(Flat())
    'flat()'
    """

    name: ClassVar[str] = "flat"
    support: ClassVar[str] = "any"

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Refuse to draw: a flat prior is no distribution."""
        raise ModelError(
            "a flat prior is no distribution, so that nothing can be drawn from it. Give every "
            "parameter a proper prior to see what the priors say."
        )


@dataclass(frozen=True)
class Normal(Prior):
    """Normal distribution.

    Examples
    --------
    >>> str(Normal(0, 2.5))
    'normal(0, 2.5)'
    """

    name: ClassVar[str] = "normal"
    support: ClassVar[str] = "real"
    mean: float
    sd: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(rng.normal(self.mean, self.sd, size))


@dataclass(frozen=True)
class StudentT(Prior):
    """Student's t distribution around a mean."""

    name: ClassVar[str] = "student_t"
    support: ClassVar[str] = "real"
    df: float
    mean: float
    scale: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(self.mean + self.scale * rng.standard_t(self.df, size))
