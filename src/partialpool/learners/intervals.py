"""How far predictions are off: conformal scores of rows, and of groups, that were held out."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from partialpool.learners.part import RandomPart

__all__ = [
    "Calibration",
    "Scores",
    "equal_scores",
    "group_scores",
    "score_groups",
    "score_rows",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Sizes of standardised errors in order, and the weight of each.

    Attributes
    ----------
    sizes : (n,) array
        In increasing order.
    weights : (n,) array
        Their probabilities; with one more observation of probability ``spare`` they sum to 1.
    spare
        Of the observation to come.
    """

    sizes: Vector
    weights: Vector
    spare: float

    def quantile(self, level: float) -> float:
        """Return the size that an observation to come stays below with probability ``level``.

        Where too few groups are known for the level, the largest size known, or the normal
        quantile if that is larger.
        """
        reached = np.cumsum(self.weights)
        place = int(np.searchsorted(reached, level - 1e-12))
        if place < len(self.sizes):
            return float(self.sizes[place])
        return max(float(self.sizes[-1]), NormalDist().inv_cdf(0.5 + level / 2))


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Scores of rows of known groups, and of rows of new ones.

    Attributes
    ----------
    known
        Errors of rows predicted by the other rows, those of their own group included.
    new
        Errors of rows predicted by the other groups.
    """

    known: Scores
    new: Scores


def score_rows(part: RandomPart, residuals: Vector) -> Scores:
    """Score the errors of rows of known groups.

    Parameters
    ----------
    part
        The random part.
    residuals : (n,) array
        Response less predictions by a learner that hasn't seen the row.

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, section 4.1.
    """
    # With known covariances, leaving a row out divides its residual by 1 - h.
    left = np.maximum(1.0 - part.leverages, 1e-12)
    own = _roots(part) * (residuals - part.fitted) / (part.sigma * np.sqrt(left))
    return equal_scores(own)


def score_groups(part: RandomPart, residuals: Vector, codes: NDArray[np.int32]) -> Scores:
    """Score the errors of rows of new groups.

    Parameters
    ----------
    part
        The random part.
    residuals : (n,) array
        Response less predictions by a learner that hasn't seen the row's group.
    codes : (n,) array of int
        Each row's group.

    References
    ----------
    Dunn, Wasserman & Ramdas (2023), Journal of the American Statistical Association 118,
    2491-2502, section 3.3: groups weigh the same, whatever their size.
    """
    spread = np.sqrt(part.sigma**2 / _roots(part) ** 2 + _prior_variance(part))
    return group_scores(residuals / spread, codes)


def group_scores(errors: Vector, codes: NDArray[np.int32]) -> Scores:
    """Score standardised errors of rows whose groups weigh the same."""
    sizes = np.bincount(codes)
    groups = len(sizes)
    return _scores(errors, 1.0 / ((groups + 1) * sizes[codes]), 1.0 / (groups + 1))


def equal_scores(errors: Vector) -> Scores:
    """Score standardised errors of rows that weigh the same."""
    equal = 1.0 / (len(errors) + 1)
    return _scores(errors, np.full(len(errors), equal), equal)


def _roots(part: RandomPart) -> Vector:
    weights = part.design.weights
    return np.ones(len(part.design.y)) if weights is None else np.sqrt(weights)


def _scores(errors: Vector, weights: Vector, spare: float) -> Scores:
    order = np.argsort(np.abs(errors), kind="stable")
    return Scores(np.abs(errors)[order], weights[order], spare)


def _prior_variance(part: RandomPart) -> Vector:
    """Variance of Z b for every row, were its levels new."""
    total = np.zeros(len(part.design.y))
    for effects, term in zip(part.design.random, part.varcorr.terms, strict=True):
        total += np.einsum("ir,rc,ic->i", effects.basis, term.cov, effects.basis)
    return total
