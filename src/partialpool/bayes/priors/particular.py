"""Priors of correlation matrices and Tweedie powers, and numbers that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from partialpool.bayes.priors.base import Prior, Vector
from partialpool.errors import ModelError

__all__ = ["LKJ", "Constant", "Uniform"]


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
