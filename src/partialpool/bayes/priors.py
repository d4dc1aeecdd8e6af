"""Prior distributions, as values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError

__all__ = [
    "LKJ",
    "PRIORS",
    "Constant",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "LogNormal",
    "Normal",
    "Prior",
    "StudentT",
    "Uniform",
]

Vector = NDArray[np.float64]
_ANY: tuple[str, ...] = ("mean",)


@dataclass(frozen=True)
class Prior(ABC):
    """A prior distribution.

    Attributes
    ----------
    name
        Its name in a specification such as ``"normal(0, 5)"``.
    support
        ``"real"`` for coefficients, ``"positive"`` for standard deviations and dispersions,
        ``"power"`` for that of a Tweedie variance, ``"correlation"`` for correlation matrices,
        ``"number"`` for what isn't estimated, ``"any"``.
    """

    name: ClassVar[str]
    support: ClassVar[str]

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            positive = field.name not in _ANY
            if not number or not np.isfinite(value) or (positive and value <= 0):
                wanted = "a positive number" if positive else "a number"
                raise ModelError(
                    f"{field.name} of the prior {self.name} must be {wanted}, found {value!r}."
                )

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{x:.5g}' for x in astuple(self))})"

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers.

        Raises
        ------
        ModelError
            If the prior is flat, and so no distribution.
        """


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
class Constant(Prior):
    """A known value, of ``sigma`` or another single number.

    Examples
    --------
    >>> str(Constant(1))
    'constant(1)'
    """

    name: ClassVar[str] = "constant"
    support: ClassVar[str] = "number"
    value: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Repeat the value."""
        return np.full(size, float(self.value))


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


@dataclass(frozen=True)
class Uniform(Prior):
    """Uniform distribution of a Tweedie power, between two numbers from 1 to 2.

    Raises
    ------
    ModelError
        If they aren't.
    """

    name: ClassVar[str] = "uniform"
    support: ClassVar[str] = "power"
    low: float
    high: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1.0 <= self.low < self.high <= 2.0:
            raise ModelError(
                "uniform(low, high) is for a Tweedie power: its ends must be two numbers from 1 to "
                f"2, the first smaller, found {self.low:.6g} and {self.high:.6g}. Of standard "
                "deviations half_normal or half_student_t says what a bound is meant to say."
            )

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw numbers."""
        return np.asarray(rng.uniform(self.low, self.high, size))


@dataclass(frozen=True)
class LKJ(Prior):
    """Correlation matrices with density proportional to ``det(R) ** (eta - 1)``.

    Uniform for eta = 1; larger values prefer weak correlations. Of a structure with one
    correlation the same density, on its range; of a Toeplitz term with k effects that density of
    the partial autocorrelations, which needs eta above 1 - 1 / (k - 1).

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989-2001.
    """

    name: ClassVar[str] = "lkj"
    support: ClassVar[str] = "correlation"
    eta: float

    def draw(self, rng: np.random.Generator, size: Any) -> Vector:
        """Draw the correlation of two effects; :meth:`matrices` draws matrices."""
        return np.asarray(2.0 * rng.beta(self.eta, self.eta, size) - 1.0)

    def matrices(self, rng: np.random.Generator, k: int, size: int) -> Vector:
        """Draw correlation matrices (size, k, k), by their partial correlations."""
        lower = np.zeros((size, k, k))
        lower[:, 0, 0] = 1.0
        for r in range(1, k):
            rest = np.ones(size)
            for c in range(r):
                shape = self.eta + 0.5 * (k - 2 - c)
                z = 2.0 * rng.beta(shape, shape, size) - 1.0
                lower[:, r, c] = z * np.sqrt(rest)
                rest = rest * (1.0 - z * z)
            lower[:, r, r] = np.sqrt(rest)
        return np.asarray(lower @ lower.transpose(0, 2, 1))


PRIORS: dict[str, type[Prior]] = {
    kind.name: kind
    for kind in (
        Flat,
        Constant,
        Normal,
        StudentT,
        HalfNormal,
        HalfStudentT,
        HalfCauchy,
        Exponential,
        Gamma,
        InverseGamma,
        LogNormal,
        Uniform,
        LKJ,
    )
}
"""Every prior by its name."""
