"""What inference needs of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.inference.seeds import Seed
from partialpool.named import NamedVector
from partialpool.solve import Solution

__all__ = [
    "Components",
    "DrawableModel",
    "Estimates",
    "Fit",
    "GaussianFit",
    "GaussianWaldFit",
    "LinearFit",
    "RefittableFit",
    "SearchedFit",
    "Spread",
    "WaldFit",
]


class Spread(Protocol):
    """Covariances that responses are drawn with."""

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""

    def factor(self, term: int) -> NDArray[np.float64]:
        """Relative factor Lambda (k, k) of a term: Var(b) = sigma^2 Lambda Lambda'."""


class DrawableModel(Protocol):
    """A design and parameters to draw responses from."""

    @property
    def design(self) -> Design:
        """Rows and columns."""

    @property
    def solution(self) -> Spread:
        """Covariances, in units of the response."""

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects, NaN for columns left out."""


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


class WaldFit(Protocol):
    """A fit whose fixed effects have a covariance."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def solution(self) -> object:
        """Estimates: those of a linear model have small-sample methods."""

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects, NaN for columns left out."""

    @property
    def vcov(self) -> NDArray[np.float64]:
        """Covariance of the fixed effects (p, p), NaN for columns left out."""


class SearchedFit(WaldFit, Protocol):
    """A fit that knows whether it is an optimum."""

    @property
    def converged(self) -> bool:
        """Whether the search ended at an optimum."""


class GaussianFit(Fit, Protocol):
    """A fit with a normal response."""

    @property
    def solution(self) -> Solution:
        """Estimates in the user's units."""


class GaussianWaldFit(GaussianFit, WaldFit, Protocol):
    """A fit with a normal response whose coefficients have a covariance."""


class Component(Protocol):
    """Covariance of one random term's effects."""

    @property
    def group(self) -> str:
        """Grouping factor."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the k effects."""

    @property
    def sd(self) -> NDArray[np.float64]:
        """Standard deviations (k,)."""

    @property
    def corr(self) -> NDArray[np.float64]:
        """Correlations (k, k)."""

    @property
    def structure(self) -> str:
        """Form of the covariance matrix."""

    @property
    def decay(self) -> float | None:
        """Rate or range of correlations that fall with distance."""


class Components(Protocol):
    """Covariances of all random terms."""

    @property
    def terms(self) -> Sequence[Component]:
        """In the order of the formula."""


class RefittableFit(Protocol):
    """A fit that can draw responses and be fitted to others."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def solution(self) -> Any:
        """Estimates in the user's units."""

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects, NaN for columns left out."""

    @property
    def varcorr(self) -> Components:
        """Standard deviations and correlations of the random effects."""

    def simulate(self, nsim: int = 1, seed: Seed = None, *, conditional: bool = False) -> Any:
        """Draw responses (n, nsim)."""

    def refit(self, y: Any) -> Any:
        """Fit the same model to another response."""


class LinearFit(GaussianWaldFit, RefittableFit, Protocol):
    """A linear mixed model that can be fitted again."""

    @property
    def converged(self) -> bool:
        """Whether the search ended at an optimum."""

    @property
    def solution(self) -> Solution:
        """Estimates in the user's units."""

    def with_design(self, design: Design) -> Self:
        """Fit the same model to other rows."""
