"""Which approximation of the marginal likelihood is maximised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Objective"]


@dataclass(frozen=True, slots=True)
class Objective:
    """An approximation of the marginal likelihood.

    Attributes
    ----------
    method
        ``"laplace"``, or ``"joint"``: the mean's coefficients are found with the random
        effects, given the covariances (lme4's ``nAGQ = 0``).
    quadrature
        Adaptive Gauss-Hermite nodes in each dimension; 1 is Laplace's approximation.
    reml
        Integrate the mean's coefficients out as well.
    information
        ``"observed"``, or ``"expected"`` in the determinant, as lme4 has it.
    penalty
        Standard deviation of a normal prior on the mean's coefficients but the intercept;
        None for no prior.
    """

    method: Literal["laplace", "joint"] = "laplace"
    quadrature: int = 1
    reml: bool = False
    information: Literal["observed", "expected"] = "observed"
    penalty: float | None = None

    @property
    def inner(self) -> bool:
        """Whether the mean's coefficients are found with the random effects."""
        return self.reml or self.method == "joint"

    @property
    def core(self) -> tuple[bool, bool, bool, int]:
        """As the core takes it."""
        return (self.inner, self.reml, self.information == "expected", self.quadrature)
