"""What inference needs of a fit."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.named import NamedVector
from partialpool.solve import Solution

__all__ = ["Estimates", "Fit", "GaussianFit", "WaldFit"]


class Estimates(Protocol):
    """What is known about the random effects of one linear predictor."""

    @property
    def sigma(self) -> float:
        """Unit of the random effects' standard deviations; 1 without a residual one."""

    def factor(self, term: int) -> NDArray[np.float64]:
        """Relative factor Lambda (k, k) of a term: Var(b) = sigma^2 Lambda Lambda'."""

    def effects(self, design: Design) -> tuple[NDArray[np.float64], ...]:
        """Conditional means b (J, k) of every random term."""

    def conditional(self, design: Design) -> tuple[NDArray[np.float64], ...]:
        """Conditional covariances over sigma^2 (J, k, k) of every random term."""


class Fit(Protocol):
    """One linear predictor: its design, its estimates, its fixed effects."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def solution(self) -> Estimates:
        """Estimates in the user's units."""

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects, NaN for columns left out."""


class WaldFit(Fit, Protocol):
    """A fit whose fixed effects have a covariance."""

    @property
    def vcov(self) -> NDArray[np.float64]:
        """Covariance of the fixed effects (p, p), NaN for columns left out."""


class GaussianFit(WaldFit, Protocol):
    """A fit with a normal response."""

    @property
    def solution(self) -> Solution:
        """Estimates in the user's units."""
