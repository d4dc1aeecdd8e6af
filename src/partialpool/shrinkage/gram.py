"""Cross-products of a penalised model's columns, by level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partialpool.shrinkage.layout import Layout

__all__ = ["Gram"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Gram:
    """[X Z]'[X Z] in blocks; Z'Z of one factor has a block for each level.

    Attributes
    ----------
    layout
        Order of the coefficients.
    C : (p, p) array
        X'X.
    A
        Z_l'Z_l of each term (q, k, k).
    B
        Z_l'X of each term (q, k, p).
    pairs
        Z_t'Z_u of two terms t < u, sparse.
    shared
        Which columns of X each term's are, where they all are columns of X.
    loose
        X'X over the rows that belong to no level of a term (p, p), or None if there are none.
    omega
        Weights of each term's levels (q,), by which Z was divided.
    """

    layout: Layout
    C: Vector
    A: tuple[Vector, ...]
    B: tuple[Vector, ...]
    pairs: Mapping[tuple[int, int], Any]
    shared: tuple[NDArray[np.int32] | None, ...]
    loose: tuple[Vector | None, ...]
    omega: tuple[Vector, ...]

    def multiply(self, theta: Vector) -> Vector:
        """[X Z]'[X Z] theta."""
        p = self.layout.p
        u = self.layout.deviations(theta)
        w = theta[:p]
        shared = self.C @ w
        own = []
        for A, B, b in zip(self.A, self.B, u, strict=True):
            shared = shared + np.tensordot(b, B, axes=([0, 1], [0, 1]))
            own.append(np.einsum("qij,qj->qi", A, b) + B @ w)
        for (s, t), product in self.pairs.items():
            own[s] += np.asarray(product @ u[t].ravel()).reshape(own[s].shape)
            own[t] += np.asarray(product.T @ u[s].ravel()).reshape(own[t].shape)
        return self.layout.join(shared, tuple(own))

    def in_metric(self, roots: Sequence[Vector]) -> Gram:
        """The cross-products for c with u = L c by level, given L of each term."""
        wide = [
            sparse.kron(sparse.identity(q), L, format="csr")
            for (q, _), L in zip(self.layout.shapes, roots, strict=True)
        ]
        return replace(
            self,
            A=tuple(np.ascontiguousarray(L.T @ A @ L) for A, L in zip(self.A, roots, strict=True)),
            B=tuple(np.ascontiguousarray(L.T @ B) for B, L in zip(self.B, roots, strict=True)),
            pairs={(s, t): (wide[s].T @ P @ wide[t]).tocsr() for (s, t), P in self.pairs.items()},
            shared=(None,) * len(roots),
        )

    def diagonal(self) -> Vector:
        """Diagonal of [X Z]'[X Z]."""
        own = tuple(np.einsum("qii->qi", A) for A in self.A)
        return self.layout.join(np.diagonal(self.C), own)
