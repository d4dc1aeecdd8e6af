"""Distances between positions, and how fast correlations fall with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.formula.structures import decay_name

__all__ = ["Decay", "decay_of", "distances_between"]

Array = NDArray[np.float64]
# Nearer than this share of the largest distance a correlation is too close to one to tell a rate.
_NEAR = 0.01
# The search starts where correlations have fallen to 1 / e over this share of it.
_SHARE = 0.25
# A rate that leaves neighbours less than this is none that a number can be told for.
_NOTHING = 1e-300


def distances_between(positions: Array) -> Array:
    """Euclidean distances between positions (k, d), as (k, k)."""
    return np.asarray(np.linalg.norm(positions[:, None] - positions[None], axis=2))


@dataclass(frozen=True, slots=True)
class Decay:
    """The parameter by which correlations fall with distance: a rate, or a range.

    Attributes
    ----------
    structure
        ``"ou"``: exp(-rate d); ``"exp"``: exp(-d / range); ``"gau"``: exp(-(d / range)^2);
        ``"mat32"``, ``"mat52"``: Matern's with smoothness 3/2 and 5/2 in x = d / range,
        (1 + x) exp(-x) and (1 + x + x^2 / 3) exp(-x).
    pair
        Two effects that it is read off.
    distance
        How far apart these are.
    unit
        Distance that is one to the core.
    """

    structure: str
    pair: tuple[int, int]
    distance: float
    unit: float

    @property
    def name(self) -> str:
        """``"rate"`` or ``"range"``."""
        return decay_name(self.structure)

    def value(self, corr: Any) -> Any:
        """Rate or range that gives the two effects their correlation."""
        x = _inverse(self.structure, np.clip(corr, _NOTHING, 1.0))
        with np.errstate(divide="ignore"):
            return x / self.distance if self.name == "rate" else self.distance / x

    def slope(self, corr: float) -> float:
        """Its derivative in the correlation."""
        x = float(_inverse(self.structure, np.clip(corr, _NOTHING, 1.0)))
        rate = 1.0 / _slope(self.structure, x)
        return rate / self.distance if self.name == "rate" else -self.distance * rate / x**2

    def correlations(self, distances: Array, value: float) -> Array:
        """Correlations at distances, of a rate or range."""
        x = distances * value if self.name == "rate" else distances / value
        return np.asarray(_correlation(self.structure, x))

    def coordinate(self, value: float) -> tuple[float, float]:
        """The core's parameter tau, of which tau^2 is over distance one, and its derivative."""
        if not value > 0.0:
            return (0.0, np.inf) if self.name == "rate" else (np.inf, np.nan)
        if self.name == "rate":
            tau = float(np.sqrt(value * self.unit))
            return tau, 0.5 * tau / value
        tau = float(np.sqrt(self.unit / value))
        return tau, -0.5 * tau / value


def decay_of(structure: str, positions: Array) -> Decay:
    """Choose where a rate or range is read off: at neighbours that aren't too near."""
    distances = distances_between(positions)
    largest = float(distances.max())
    far = np.where(distances < _NEAR * largest, np.inf, distances)
    row, column = np.unravel_index(int(np.argmin(far)), far.shape)
    return Decay(
        structure,
        (int(max(row, column)), int(min(row, column))),
        float(far[row, column]),
        _SHARE * largest,
    )


def _correlation(structure: str, x: Any) -> Any:
    if structure in ("ou", "exp"):
        return np.exp(-x)
    if structure == "gau":
        return np.exp(-x * x)
    return np.exp(-x) * (1.0 + x + (x * x / 3.0 if structure == "mat52" else 0.0))


def _slope(structure: str, x: float) -> float:
    if structure in ("ou", "exp"):
        return float(-np.exp(-x))
    if structure == "gau":
        return float(-2.0 * x * np.exp(-x * x))
    return float(-np.exp(-x) * (x if structure == "mat32" else (x + x * x) / 3.0))


def _inverse(structure: str, corr: Any) -> Any:
    """Where a correlation function has a value."""
    if structure in ("ou", "exp"):
        return -np.log(corr)
    if structure == "gau":
        return np.sqrt(-np.log(corr))
    low, high = np.zeros_like(corr, dtype=float), np.full_like(corr, 1000.0, dtype=float)
    for _ in range(80):
        middle = 0.5 * (low + high)
        above = _correlation(structure, middle) > corr
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return 0.5 * (low + high)
