"""Priors of standard deviations, dispersions and shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from partialpool.bayes.priors.base import Prior, Vector

__all__ = [
    "Exponential",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "LogNormal",
]


@dataclass(frozen=True)
class HalfNormal(Prior):
    """Absolute value of a normal variable with this standard deviation."""

    name: ClassVar[str] = "half_normal"
    support: ClassVar[str] = "positive"
    scale: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(np.abs(rng.normal(0.0, self.scale, size)))


@dataclass(frozen=True)
class HalfStudentT(Prior):
    """Absolute value of a Student's t variable times a scale."""

    name: ClassVar[str] = "half_student_t"
    support: ClassVar[str] = "positive"
    df: float
    scale: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(np.abs(self.scale * rng.standard_t(self.df, size)))


@dataclass(frozen=True)
class HalfCauchy(Prior):
    """Absolute value of a Cauchy variable times a scale."""

    name: ClassVar[str] = "half_cauchy"
    support: ClassVar[str] = "positive"
    scale: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(np.abs(self.scale * rng.standard_cauchy(size)))


@dataclass(frozen=True)
class Exponential(Prior):
    """Exponential distribution of mean 1 / rate."""

    name: ClassVar[str] = "exponential"
    support: ClassVar[str] = "positive"
    rate: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(rng.exponential(1.0 / self.rate, size))


@dataclass(frozen=True)
class Gamma(Prior):
    """Gamma distribution of mean shape / rate."""

    name: ClassVar[str] = "gamma"
    support: ClassVar[str] = "positive"
    shape: float
    rate: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(rng.gamma(self.shape, 1.0 / self.rate, size))


@dataclass(frozen=True)
class InverseGamma(Prior):
    """Distribution of the reciprocal of a gamma variable of this shape and rate ``scale``."""

    name: ClassVar[str] = "inverse_gamma"
    support: ClassVar[str] = "positive"
    shape: float
    scale: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(self.scale / rng.gamma(self.shape, 1.0, size))


@dataclass(frozen=True)
class LogNormal(Prior):
    """Exponential of a normal variable with this mean and standard deviation."""

    name: ClassVar[str] = "log_normal"
    support: ClassVar[str] = "positive"
    mean: float
    sd: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(rng.lognormal(self.mean, self.sd, size))
