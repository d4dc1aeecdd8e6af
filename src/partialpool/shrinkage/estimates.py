"""A penalised solution as the estimates that inference asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import NotAvailableError

__all__ = ["PenalizedEstimates"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PenalizedEstimates:
    """Coefficients of a penalised fit, and how they were found.

    Attributes
    ----------
    beta : (p,) array
        Shared coefficients; NaN for columns that the others determine.
    deviations
        Deviations v of each random term (J, k), in units of their coefficients.
    objective, bound
        The objective, and the dual problem's lower bound of it.
    kappa
        Multiplier of ||omega v||^2 that gives the same solution; NaN with other norms.
    iterations
        Penalised least squares problems solved.
    kind
        ``"interior"``, ``"no deviations"`` or ``"interpolation"``.
    metrics
        Metric of each set of deviations, where it was chosen.
    """

    beta: Vector
    deviations: tuple[Vector, ...]
    objective: float
    bound: float
    kappa: float
    iterations: int
    kind: str
    metrics: tuple[Vector, ...]

    @property
    def gap(self) -> float:
        """How far the objective may be from its least value, at most."""
        return self.objective - self.bound

    @property
    def sigma(self) -> float:
        """A penalised fit estimates no residual variance."""
        raise NotAvailableError(_NO_LIKELIHOOD)

    def effects(self, design: Design) -> tuple[Vector, ...]:
        """Deviations (J, k) of every random term."""
        return self.deviations

    def factor(self, term: int) -> Vector:
        """A penalised fit estimates no covariance."""
        raise NotAvailableError(_NO_LIKELIHOOD)

    def conditional(self, design: Design) -> tuple[Vector, ...]:
        """A penalised fit estimates no covariance."""
        raise NotAvailableError(_NO_LIKELIHOOD)


_NO_LIKELIHOOD = (
    "a penalised fit has no likelihood, so that it estimates no variances. Use fit.confint() for "
    "intervals by bootstrap, or partialpool.lmm for the mixed model."
)
