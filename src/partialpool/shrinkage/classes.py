"""Rows whose every coefficient has a value for each of several classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.layout import Layout
from partialpool.shrinkage.rows import Rows

__all__ = ["ClassRows"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ClassRows:
    """The same columns for K classes; the coefficients of a column stand side by side.

    Attributes
    ----------
    rows
        The columns.
    classes
        Number of classes K.
    """

    rows: Rows
    classes: int

    @property
    def layout(self) -> Layout:
        """Order of the coefficients."""
        return self.rows.layout.repeated(self.classes)

    def of_class(self, theta: Vector, c: int) -> Vector:
        """Coefficients of one class, in the layout of the rows."""
        return theta[c :: self.classes]

    def eta(self, theta: Vector) -> Vector:
        """Linear predictors (n, K)."""
        each = [
            self.rows.eta(np.ascontiguousarray(theta[c :: self.classes]))
            for c in range(self.classes)
        ]
        return np.column_stack(each)

    def adjoint(self, a: Vector) -> Vector:
        """X'a and Z'a / omega of an array (n, K)."""
        out = np.empty(self.layout.size)
        for c in range(self.classes):
            out[c :: self.classes] = self.rows.adjoint(np.ascontiguousarray(a[:, c]))
        return out

    def class_gram(self, weights: Vector, mu: Vector) -> Gram:
        """Second derivatives of the multinomial loss at the probabilities mu (n, K).

        Adding one number to a coefficient of all classes changes no probability: for the shared
        coefficients a term is added that keeps their sum over classes where it is.
        """
        K, layout = self.classes, self.rows.layout
        p = layout.p
        C = np.zeros((p, K, p, K))
        A = [np.zeros((q, k, K, k, K)) for q, k in layout.shapes]
        B = [np.zeros((q, k, K, p, K)) for q, k in layout.shapes]
        parts: dict[tuple[int, int], list[Any]] = {}
        for a in range(K):
            for b in range(a, K):
                share = (mu[:, a] if a == b else 0.0) - mu[:, a] * mu[:, b]
                gram = self.rows.gram(weights * share)
                for r, s in {(a, b), (b, a)}:
                    C[:, r, :, s] = gram.C
                    for t in range(len(A)):
                        A[t][:, :, r, :, s] = gram.A[t]
                        B[t][:, :, r, :, s] = gram.B[t]
                    for key, pair in gram.pairs.items():
                        unit = sparse.coo_matrix(np.outer(np.arange(K) == r, np.arange(K) == s))
                        parts.setdefault(key, []).append(sparse.kron(pair, unit, format="csr"))
        scale = np.einsum("iaia->i", C) / K**2
        C[np.arange(p), :, np.arange(p), :] += scale[:, None, None]
        return Gram(
            self.layout,
            C.reshape(p * K, p * K),
            tuple(x.reshape(x.shape[0], x.shape[1] * K, -1) for x in A),
            tuple(x.reshape(x.shape[0], x.shape[1] * K, p * K) for x in B),
            {key: sum(pieces[1:], pieces[0]) for key, pieces in parts.items()},
            # The term that fixes the sums stands in C alone, so that C - A has to be formed.
            (None,) * len(A),
            (None,) * len(A),
            tuple(term.omega for term in self.rows.terms),
        )

    def gram(self, weights: Vector) -> Gram:
        """Cross-products with the same weights for every class."""
        ones = np.ones((len(weights), self.classes))
        return self.class_gram(weights, ones / self.classes)
