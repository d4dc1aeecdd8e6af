"""Deviations in the coordinates of a metric: u = L c by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.layout import Layout
from partialpool.shrinkage.rows import Rows

__all__ = ["MetricRows", "contract", "expand"]

Vector = NDArray[np.float64]


def expand(layout: Layout, roots: Sequence[Vector], c: Vector) -> Vector:
    """U = L c by level."""
    out = c.copy()
    for t, L in enumerate(roots):
        here = layout.term(t)
        out[here] = (c[here].reshape(layout.shapes[t]) @ L.T).ravel()
    return out


def contract(layout: Layout, roots: Sequence[Vector], s: Vector) -> Vector:
    """L's by level, for derivatives s in u."""
    return expand(layout, [L.T for L in roots], s)


@dataclass(frozen=True, slots=True, eq=False)
class MetricRows:
    """The same rows for c.

    Attributes
    ----------
    rows
        The rows for u.
    roots
        L of each term.
    """

    rows: Rows | ClassRows | MetricRows
    roots: tuple[Vector, ...]

    @property
    def layout(self) -> Layout:
        """Order of the coefficients."""
        return self.rows.layout

    def eta(self, theta: Vector) -> Vector:
        """Linear predictor."""
        return self.rows.eta(expand(self.layout, self.roots, theta))

    def adjoint(self, a: Vector) -> Vector:
        """X'a and L'Z'a."""
        return contract(self.layout, self.roots, self.rows.adjoint(a))

    def gram(self, weights: Vector) -> Gram:
        """Cross-products for c."""
        return self.rows.gram(weights).in_metric(self.roots)

    def class_gram(self, weights: Vector, mu: Vector) -> Gram:
        """Second derivatives of the multinomial loss for c."""
        assert isinstance(self.rows, ClassRows)
        return self.rows.class_gram(weights, mu).in_metric(self.roots)
