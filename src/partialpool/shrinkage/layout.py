"""Where shared coefficients and deviations stand in one long vector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Order of the coefficients: the shared ones, then each term's deviations by level.

    Attributes
    ----------
    p
        Number of shared coefficients.
    shapes
        Levels and columns (q, k) of each term.
    """

    p: int
    shapes: tuple[tuple[int, int], ...]

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self.p + sum(q * k for q, k in self.shapes)

    def term(self, t: int) -> slice:
        """Where a term's deviations stand."""
        start = self.p + sum(q * k for q, k in self.shapes[:t])
        return slice(start, start + self.shapes[t][0] * self.shapes[t][1])

    def deviations(self, theta: Vector) -> tuple[Vector, ...]:
        """Views of each term's deviations (q, k)."""
        return tuple(theta[self.term(t)].reshape(s) for t, s in enumerate(self.shapes))

    def join(self, w: Vector, u: tuple[Vector, ...]) -> Vector:
        """Put shared coefficients and deviations one after the other."""
        return np.concatenate([np.asarray(w, dtype=np.float64), *(b.ravel() for b in u)])

    def repeated(self, classes: int) -> Layout:
        """The layout with as many of each column as there are classes, side by side."""
        return Layout(self.p * classes, tuple((q, k * classes) for q, k in self.shapes))
