"""The random part of a mixed-effects learner: what is left when the learner has spoken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design, replay
from partialpool.frames import Table
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.inference.rows import find_terms
from partialpool.named import NamedVector
from partialpool.results import VarCorr, variance_components
from partialpool.solve import Likelihood, Solution, reduce

__all__ = ["MlPart", "NewLevels", "Outlook", "RandomPart"]

Vector = NDArray[np.float64]
NewLevels = Literal["error", "population"]


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What the random part says of new rows.

    Attributes
    ----------
    mean : (m,) array
        Z b, with no effect where a level is new.
    variance : (m,) array
        Of the effects' error: conditional variance of known levels, full variance of new ones.
    new : (m,) array of bool
        Rows in which some level is new or missing.
    """

    mean: Vector
    variance: Vector
    new: NDArray[np.bool_]


class RandomPart(Protocol):
    """Estimates of the random terms, given the residuals of the learner."""

    @property
    def design(self) -> Design:
        """Its rows and random terms; the response is the learner's residual."""

    @property
    def sigma(self) -> float:
        """Residual standard deviation."""

    @property
    def loglik(self) -> float:
        """Marginal log-likelihood of the learner's residuals."""

    @property
    def varcorr(self) -> VarCorr:
        """Covariances of the random effects."""

    @property
    def fitted(self) -> Vector:
        """Z b for every row (n,)."""

    @property
    def leverages(self) -> Vector:
        """Derivative of each row's Z b in its response (n,)."""

    def effects(self, factor: str | None = None) -> Any:
        """Tabulate effects and their conditional standard deviations."""

    def values(self) -> tuple[Vector, ...]:
        """Return the effects (J, k) of every term."""

    def outlook(self, table: Table, random: Wanted, new_levels: NewLevels) -> Outlook:
        """Predict new rows."""


@dataclass(frozen=True, slots=True, eq=False)
class MlPart:
    """A random part at the maximum of the likelihood.

    Attributes
    ----------
    design
        Rows and random terms.
    solution
        The optimum.
    """

    design: Design
    solution: Solution

    def __reduce__(self) -> tuple[Any, ...]:
        # The core's cross-products aren't copied: they are made again, and no search is needed.
        solution = self.solution
        return _restore, (self.design, solution.likelihood, np.array(solution.optimum.psi))

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects: none, since the learner stands in their place."""
        return NamedVector((), np.zeros(0))

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return self.solution.sigma

    @property
    def loglik(self) -> float:
        """Marginal log-likelihood of the learner's residuals."""
        return -0.5 * self.solution.optimum.objective

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
        return inference.hat_values(self)

    def values(self) -> tuple[Vector, ...]:
        """Return the effects (J, k) of every term."""
        return self.solution.effects(self.design)

    def effects(self, factor: str | None = None) -> Any:
        """See :func:`partialpool.inference.random_effects`."""
        return inference.random_effects(self, factor, cond_sd=True)

    def outlook(
        self, table: Table, random: Wanted = "all", new_levels: NewLevels = "population"
    ) -> Outlook:
        """Predict new rows from a table with the columns of the random terms."""
        out = inference.predict(self, table, random=random, new_levels=new_levels, se=True)
        terms = find_terms(self.design.random, random)
        rows = replay(self.design.spec, table, random=terms)
        new = np.zeros(rows.n, dtype=bool)
        for effects in rows.effects:
            new |= effects.codes < 0
        return Outlook(np.asarray(out["estimate"]), np.asarray(out["std_error"]) ** 2, new)


def _restore(design: Design, likelihood: Likelihood, psi: Vector) -> MlPart:
    reduced = reduce(design, likelihood.sigma)
    with reduced.algebra():
        optimum = reduced.problem.at(psi, likelihood.reml, likelihood.fixed)
    return MlPart(design, Solution(reduced, optimum, likelihood))
