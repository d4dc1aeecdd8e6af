"""What a fit needs of its solution, and one linear predictor of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.families import ResponseFamily, Zero
from partialpool.named import NamedVector
from partialpool.results import VarCorr, describe_aliases, variance_components

__all__ = ["LinearPredictor", "PartEstimates", "RowEffects", "Solved", "part_slice"]

Vector = NDArray[np.float64]
RowEffects = tuple[tuple[NDArray[np.int32], Vector], ...]
"""Of every random term of a part: each row's level, -1 for none, and the term's columns."""


class Solved(Protocol):
    """Estimates of a generalized model."""

    @property
    def family(self) -> ResponseFamily:
        """Distribution and link."""

    @property
    def zero(self) -> Zero:
        """What the zero-inflation part adds."""

    @property
    def beta(self) -> Mapping[str, Vector]:
        """Coefficients of every part, NaN for columns that others determine."""

    @property
    def vcov(self) -> Vector:
        """Covariance of all coefficients, stacked part by part; NaN for those left out."""

    @property
    def eta(self) -> Mapping[str, Vector]:
        """Fitted linear predictors of the rows."""

    @property
    def loglik(self) -> float:
        """Log-likelihood with all constants."""

    @property
    def df(self) -> int:
        """Number of estimated parameters."""

    @property
    def evaluations(self) -> int:
        """Evaluations of the objective."""

    @property
    def converged(self) -> bool:
        """Whether the search ended by its own rule."""

    @property
    def gradient_norm(self) -> float:
        """Largest derivative of the objective in the search's own parameters."""

    @property
    def smallest_eigenvalue(self) -> float:
        """Of the objective's second derivatives in the same parameters."""

    @property
    def bends_down(self) -> bool:
        """Whether they are negative in some direction, by more than rounding."""

    @property
    def promised(self) -> float:
        """Decrease of the objective that a Newton step still promises."""

    def factor(self, part: str, term: int) -> Vector:
        """Lambda (k, k) of a random term: Var(b) = Lambda Lambda'."""

    def effects(self, part: str) -> tuple[Vector, ...]:
        """Conditional modes b (J, k) of every random term of a part."""

    def conditional(self, part: str) -> tuple[Vector, ...]:
        """Conditional covariances (J, k, k) of every random term of a part."""

    def variance(self, rows: Mapping[str, tuple[Vector, RowEffects]]) -> Vector:
        """Variance of the sum over parts of x'(beta^ - beta) + z'(b^ - b) for every row (m,)."""


@dataclass(frozen=True, slots=True, eq=False)
class PartEstimates:
    """The random effects of one part, as :mod:`partialpool.inference` asks for them."""

    name: str
    solved: Solved

    @property
    def sigma(self) -> float:
        """The unit of the random effects: they are in units of the linear predictor."""
        return 1.0

    def factor(self, term: int) -> Vector:
        """Lambda (k, k) of a random term."""
        return self.solved.factor(self.name, term)

    def effects(self, design: Design) -> tuple[Vector, ...]:
        """Conditional modes of every random term."""
        return self.solved.effects(self.name)

    def conditional(self, design: Design) -> tuple[Vector, ...]:
        """Conditional covariances of every random term."""
        return self.solved.conditional(self.name)


@dataclass(frozen=True, slots=True, eq=False)
class LinearPredictor:
    """One linear predictor of a generalized model: what its formula became.

    Attributes
    ----------
    name
        ``"mean"``, ``"dispersion"`` or ``"zero_inflation"``.
    design
        Rows, columns and random terms.
    solved
        Estimates of the whole model.
    """

    name: str
    design: Design
    solved: Solved

    @property
    def solution(self) -> PartEstimates:
        """Its random effects."""
        return PartEstimates(self.name, self.solved)

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects; NaN for columns that the others determine."""
        return NamedVector(self.design.columns, self.solved.beta[self.name])

    @property
    def vcov(self) -> Vector:
        """Covariance of the fixed effects (p, p); NaN for columns left out."""
        cut = part_slice(self.solved, self.name)
        return self.solved.vcov[cut, cut]

    @property
    def stderr(self) -> NamedVector:
        """Standard errors of the fixed effects."""
        return NamedVector(self.design.columns, np.sqrt(np.diag(self.vcov)))

    @property
    def aliased(self) -> dict[str, str]:
        """Columns left out because the others determine them, and what they equal."""
        gone = np.isnan(self.solved.beta[self.name])
        if not gone.any():
            return {}
        X = self.design.X
        coefficients = np.asarray(np.linalg.lstsq(X[:, ~gone], X[:, gone], rcond=None)[0], float)
        kept, aliased = np.flatnonzero(~gone).tolist(), np.flatnonzero(gone).tolist()
        return describe_aliases(self.design, kept, aliased, coefficients)

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Columns left out because no row identifies them."""
        return self.design.not_applicable

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations of the random effects, in units of eta."""
        return variance_components(self.design, self.solution)


def part_slice(solved: Solved, part: str) -> slice:
    """Find a part's coefficients among all that are stacked."""
    start = 0
    for name, beta in solved.beta.items():
        if name == part:
            return slice(start, start + len(beta))
        start += len(beta)
    raise AssertionError(f"no part {part}")
