"""Posterior moments in the form that tables and summaries of every fit read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.draws import PartDraws
from partialpool.design import Design

__all__ = ["PosteriorEstimates"]

Array = NDArray[np.float64]
# Levels whose draws are worked on at once.
_LEVELS = 500


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorEstimates:
    """What a posterior says about the random effects of one linear predictor.

    Attributes
    ----------
    draws
        Of that predictor.
    """

    draws: PartDraws

    @property
    def sigma(self) -> float:
        """Unit of the standard deviations: they are absolute."""
        return 1.0

    def factor(self, term: int) -> Array:
        """Factor of the covariance with mean standard deviations and mean correlations."""
        sd = self.draws.sd[term].mean(axis=(0, 1))
        corr = self.draws.corr[term].mean(axis=(0, 1))
        return np.asarray(sd[:, None] * np.linalg.cholesky(corr))

    def effects(self, design: Design) -> tuple[Array, ...]:
        """Posterior means (J, k) of every random term's effects."""
        return tuple(b.mean(axis=(0, 1), dtype=np.float64) for b in self.draws.effects)

    def conditional(self, design: Design) -> tuple[Array, ...]:
        """Posterior covariances (J, k, k) of every level's effects."""
        return tuple(
            np.concatenate([_covariances(b[:, :, j : j + _LEVELS]) for j in _starts(b)])
            for b in self.draws.effects
        )


def _starts(b: Array) -> range:
    return range(0, b.shape[2], _LEVELS)


def _covariances(b: Array) -> Array:
    """Covariances (J, k, k) of a block of levels, in double precision."""
    b = b.astype(np.float64)
    centred = b - b.mean(axis=(0, 1))
    size = b.shape[0] * b.shape[1] - 1
    return np.asarray(np.einsum("cdjk,cdjl->jkl", centred, centred, optimize=True) / size)
