"""The random part after a step of expectation and maximisation, as in merf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design, replay
from partialpool.frames import Table
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.inference.rows import find_terms, refuse_new_levels
from partialpool.learners.em import EmState
from partialpool.learners.part import NewLevels, Outlook
from partialpool.named import NamedVector
from partialpool.results import VarCorr, variance_components

__all__ = ["EmEstimates", "EmPart"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EmEstimates:
    """A step's estimates, as :mod:`partialpool.inference` asks for them.

    Attributes
    ----------
    state
        After the step.
    """

    state: EmState

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return float(np.sqrt(self.state.sigma2))

    def factor(self, term: int) -> Vector:
        """Relative factor Lambda (k, k): D = sigma^2 Lambda Lambda'."""
        values, vectors = np.linalg.eigh(self.state.D / self.state.sigma2)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        # The LQ factor, since a covariance that lost a dimension has no Cholesky factor.
        lower = np.linalg.qr(root.T)[1].T
        return np.asarray(lower * np.where(np.diag(lower) < 0, -1.0, 1.0))

    def effects(self, design: Design) -> tuple[Vector, ...]:
        """Effects (J, k) of the term."""
        return (self.state.b,)

    def conditional(self, design: Design) -> tuple[Vector, ...]:
        """Conditional covariances over sigma^2 (J, k, k)."""
        return (self.state.precision_inverse,)


@dataclass(frozen=True, slots=True, eq=False)
class EmPart:
    """A random part after a step of expectation and maximisation: one term, unstructured.

    Attributes
    ----------
    design
        Rows and the random term.
    state
        Estimates.
    loglik
        Marginal log-likelihood of the learner's residuals at these estimates.
    """

    design: Design
    state: EmState
    loglik: float

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects: none, since the learner stands in their place."""
        return NamedVector((), np.zeros(0))

    @property
    def solution(self) -> EmEstimates:
        """The estimates."""
        return EmEstimates(self.state)

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return self.solution.sigma

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations of the random effects."""
        return variance_components(self.design, self.solution, self.sigma)

    @property
    def fitted(self) -> Vector:
        """Z b for every row (n,)."""
        return inference.fitted_values(self)

    @property
    def leverages(self) -> Vector:
        """Derivative of each row's Z b in its response (n,)."""
        term = self.design.random[0]
        weights = 1.0 if self.design.weights is None else self.design.weights
        return self._forms(term.factor.codes, term.basis) * weights

    def values(self) -> tuple[Vector, ...]:
        """Return the effects (J, k) of the term."""
        return (self.state.b,)

    def effects(self, factor: str | None = None) -> Any:
        """See :func:`partialpool.inference.random_effects`."""
        return inference.random_effects(self, factor, cond_sd=True)

    def outlook(
        self, table: Table, random: Wanted = "all", new_levels: NewLevels = "population"
    ) -> Outlook:
        """Predict new rows from a table with the columns of the random term."""
        terms = find_terms(self.design.random, random)
        rows = replay(self.design.spec, table, random=terms)
        if not terms:
            return Outlook(np.zeros(rows.n), np.zeros(rows.n), np.zeros(rows.n, dtype=bool))
        effects = rows.effects[0]
        if new_levels == "error":
            refuse_new_levels(self.design, {0: effects})
        new = effects.codes < 0
        b = np.where(new[:, None], 0.0, self.state.b[effects.codes])
        fresh = np.einsum("ir,rc,ic->i", effects.basis, self.state.D, effects.basis)
        known = self.state.sigma2 * self._forms(effects.codes, effects.basis)
        mean = np.einsum("ij,ij->i", effects.basis, b)
        return Outlook(mean, np.where(new, fresh, known), new)

    def _forms(self, codes: NDArray[np.int32], basis: Vector) -> Vector:
        """Z'K z for every row, as variance over sigma^2."""
        K = self.state.precision_inverse[codes]
        return np.asarray(np.einsum("ir,irc,ic->i", basis, K, basis))
