"""Which approximation of the likelihood is maximised, as a value and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["EXACT", "PQL", "Approximation", "Information", "Method"]

EXACT: Final = "exact likelihood"
PQL: Final = "penalised quasi-likelihood"
Method = Literal["laplace", "joint", "pql"]
Information = Literal["observed", "expected"]


@dataclass(frozen=True, slots=True)
class Approximation:
    """What was asked for.

    Attributes
    ----------
    method
        Laplace, with the coefficients found jointly with the random effects, or penalised
        quasi-likelihood.
    quadrature
        Nodes in each dimension, 1 for Laplace.
    reml
        Whether the mean's fixed effects are integrated out.
    information
        Observed or expected, in Laplace's determinant.
    penalty
        Standard deviation of a normal prior on the coefficients; None for no prior.
    free_scale
        Whether penalised quasi-likelihood estimates a scale that the family doesn't have.

    Examples
    --------
    >>> Approximation(quadrature=9).words
    'adaptive Gauss-Hermite quadrature, 9 nodes'
    """

    method: Method = "laplace"
    quadrature: int = 1
    reml: bool = False
    information: Information = "observed"
    penalty: float | None = None
    free_scale: bool = False

    @property
    def words(self) -> str:
        """What it is called."""
        if self.method == "pql":
            return PQL
        words = "Laplace approximation"
        if self.quadrature > 1:
            words = f"adaptive Gauss-Hermite quadrature, {self.quadrature} nodes"
        if self.method == "joint":
            words += ", coefficients found with the random effects"
        if self.information == "expected":
            words += ", expected information"
        if self.penalty is not None:
            words += f", prior SD {self.penalty:g} on coefficients"
        return words
