"""What inference needs of a fit."""

from __future__ import annotations

from typing import Protocol

from partialpool.design import Design
from partialpool.named import NamedVector
from partialpool.solve import Solution

__all__ = ["Fit"]


class Fit(Protocol):
    """A Gaussian fit: its design, its optimum, its fixed effects."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    @property
    def solution(self) -> Solution:
        """Estimates in the user's units."""

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects, NaN for columns left out."""
