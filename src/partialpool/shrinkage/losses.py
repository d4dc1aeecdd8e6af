"""What the linear predictor is compared by: losses as functions of it.

Weights of the rows are taken to sum to one, so that a mean is a weighted sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.metric import MetricRows
from partialpool.shrinkage.rows import Rows

__all__ = [
    "AnyRows",
    "Loss",
    "Multinomial",
    "RootMeanSquare",
    "Squares",
    "TwoClasses",
]

Vector = NDArray[np.float64]
AnyRows = Rows | ClassRows | MetricRows


@dataclass(frozen=True, slots=True, eq=False)
class Squares:
    """Weighted mean of squared residuals.

    Attributes
    ----------
    y : (n,) array
        Response, less the offset.
    weights : (n,) array
        Weights of the rows.
    """

    y: Vector
    weights: Vector

    def value(self, eta: Vector) -> float:
        """Sum a (y - eta)^2."""
        return float(self.weights @ (self.y - eta) ** 2)

    def slope(self, eta: Vector) -> Vector:
        """-2 a (y - eta)."""
        return -2.0 * self.weights * (self.y - eta)

    def gram(self, rows: AnyRows, eta: Vector) -> Gram:
        """2 [X Z]'diag(a)[X Z]; the same for every linear predictor."""
        return rows.gram(2.0 * self.weights)

    def conjugate(self, slope: Vector) -> float:
        """Slope'y + sum slope^2 / (4 a)."""
        return float(slope @ self.y + 0.25 * (slope @ (slope / self.weights)))


@dataclass(frozen=True, slots=True, eq=False)
class RootMeanSquare:
    """Root of the weighted mean of squared residuals.

    Attributes
    ----------
    y : (n,) array
        Response, less the offset.
    weights : (n,) array
        Weights of the rows.
    """

    y: Vector
    weights: Vector

    def value(self, eta: Vector) -> float:
        """sqrt(sum a (y - eta)^2)."""
        return float(np.sqrt(self.weights @ (self.y - eta) ** 2))

    def slope(self, eta: Vector) -> Vector:
        """-a (y - eta) / value; zero where there is no residual."""
        size = self.value(eta)
        return -self.weights * (self.y - eta) / (size if size > 0 else 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class TwoClasses:
    """Weighted mean of log(1 + exp(-(2 y - 1) eta)).

    Attributes
    ----------
    y : (n,) array
        0 or 1.
    weights : (n,) array
        Weights of the rows.
    offset : (n,) array or float
        Known part of the linear predictor.
    """

    y: Vector
    weights: Vector
    offset: Vector | float = 0.0

    def value(self, eta: Vector) -> float:
        """Mean logistic loss."""
        signed = (1.0 - 2.0 * self.y) * (eta + self.offset)
        return float(self.weights @ np.logaddexp(0.0, signed))

    def probability(self, eta: Vector) -> Vector:
        """Probability of a 1 (n,)."""
        half = 0.5 * (eta + self.offset)
        return np.asarray(0.5 * (1.0 + np.tanh(half)))

    def slope(self, eta: Vector) -> Vector:
        """A (mu - y), without cancellation where mu is close to y."""
        sign = 1.0 - 2.0 * self.y
        return self.weights * sign * _logistic(sign * (eta + self.offset))

    def gram(self, rows: AnyRows, eta: Vector) -> Gram:
        """[X Z]'diag(a mu (1 - mu))[X Z]."""
        size = np.abs(eta + self.offset)
        odds = np.exp(-size)
        return rows.gram(self.weights * odds / (1.0 + odds) ** 2)

    def conjugate(self, slope: Vector) -> float:
        """Sum of a (m log m + (1 - m) log(1 - m)), m being |slope| / a."""
        share = slope * (1.0 - 2.0 * self.y) / self.weights
        if share.min() < -1e-12 or share.max() > 1 + 1e-12:
            return np.inf
        share = np.clip(share, 0.0, 1.0)
        entropy = _x_log_x(share) + _x_log_x(1.0 - share)
        return float(self.weights @ entropy - np.sum(slope * self.offset))


@dataclass(frozen=True, slots=True, eq=False)
class Multinomial:
    """Weighted mean of minus the log-probability of each row's class.

    Attributes
    ----------
    y : (n, K) array
        1 in the column of the row's class, else 0.
    weights : (n,) array
        Weights of the rows.
    """

    y: Vector
    weights: Vector

    def value(self, eta: Vector) -> float:
        """Mean of log sum exp(eta) - eta of the class."""
        return float(self.weights @ (_log_sum(eta) - np.sum(self.y * eta, axis=1)))

    def probability(self, eta: Vector) -> Vector:
        """Probabilities (n, K)."""
        return np.asarray(np.exp(eta - _log_sum(eta)[:, None]))

    def slope(self, eta: Vector) -> Vector:
        """A (mu - y), (n, K)."""
        return self.weights[:, None] * (self.probability(eta) - self.y)

    def gram(self, rows: AnyRows, eta: Vector) -> Gram:
        """Second derivatives, with a term that fixes the sum of the shared coefficients."""
        assert isinstance(rows, (ClassRows, MetricRows))
        return rows.class_gram(self.weights, self.probability(eta))

    def conjugate(self, slope: Vector) -> float:
        """Sum of a times the negative entropy of mu = y + slope / a."""
        mu = self.y + slope / self.weights[:, None]
        if mu.min() < -1e-12 or np.abs(mu.sum(axis=1) - 1).max() > 1e-9:
            return np.inf
        return float(self.weights @ _x_log_x(np.clip(mu, 0.0, 1.0)).sum(axis=1))


# All but the root have second derivatives everywhere, and a conjugate.
Loss: TypeAlias = Squares | RootMeanSquare | TwoClasses | Multinomial


def _logistic(x: Vector) -> Vector:
    # exp of a negative number only: no overflow, and small values keep their digits.
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1.0, small) / (1.0 + small))


def _log_sum(eta: Vector) -> Vector:
    most = eta.max(axis=1)
    return np.asarray(most + np.log(np.exp(eta - most[:, None]).sum(axis=1)))


def _x_log_x(x: Vector) -> Vector:
    return np.asarray(x * np.log(np.where(x > 0, x, 1.0)))
