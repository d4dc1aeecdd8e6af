"""Rows of a penalised model: shared columns, and columns whose coefficients vary by level.

All deviations are measured as u = omega v, with the weight omega of their level: then every
norm of the penalty is a plain one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partialpool.core import LevelRows, codes, matrix, vector
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.layout import Layout

__all__ = ["Rows", "Term", "is_sparse", "make_term", "scaled_indicator"]

Vector = NDArray[np.float64]


def is_sparse(X: Any) -> bool:
    """Whether this is one of SciPy's sparse matrices."""
    return bool(sparse.issparse(X))


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Deviations of one grouping factor.

    Attributes
    ----------
    codes : (n,) array of int32
        Each row's level; -1 for a row that belongs to none.
    levels
        Number of levels q.
    basis : (n, k) array or sparse matrix
        Columns whose coefficients deviate.
    shared : (k,) array of int, or None
        Which columns of X these are, where they are all columns of X.
    omega : (q,) array
        Weight of each level's deviations in the penalty.
    handle
        The core's view of the rows, sorted by level; None for sparse columns.
    wide
        Z as one sparse matrix, for sparse columns; None for dense ones.
    """

    codes: NDArray[np.int32]
    levels: int
    basis: Any
    shared: NDArray[np.intp] | None
    omega: Vector
    handle: LevelRows | None
    wide: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and columns (q, k)."""
        return self.levels, self.basis.shape[1]

    def indicator(self) -> Any:
        """Z as one sparse matrix (n, q k)."""
        return _spread(self.codes, self.levels, self.basis) if self.wide is None else self.wide

    def values(self, v: Vector) -> Vector:
        """z_i'v of each row's level (n,)."""
        if self.handle is not None:
            return self.handle.values(self.basis, matrix(v))
        return np.asarray(self.indicator() @ v.ravel())

    def sums(self, a: Vector) -> Vector:
        """Z'a by level (q, k)."""
        if self.handle is not None:
            return self.handle.sums(self.basis, vector(a))
        return np.asarray(self.indicator().T @ a).reshape(self.shape)

    def products(self, X: Any, weights: Vector) -> Vector:
        """Z'diag(weights)X by level (q, k, p)."""
        if self.handle is not None and not is_sparse(X):
            return self.handle.products(self.basis, X, vector(weights))
        weighted = self.indicator().multiply(weights[:, None]).tocsr()
        product = weighted.T @ X
        dense = product.toarray() if is_sparse(product) else np.asarray(product)
        return np.ascontiguousarray(dense.reshape(*self.shape, -1))

    def squares(self, weights: Vector, with_x: Vector) -> Vector:
        """Z'diag(weights)Z by level (q, k, k), given the products with X."""
        if self.shared is not None:
            return np.ascontiguousarray(with_x[:, :, self.shared])
        if self.handle is not None:
            return self.handle.products(self.basis, self.basis, vector(weights))
        return _diagonal_blocks(self.indicator(), weights, self.shape)


def make_term(
    group: NDArray[np.int32], levels: int, basis: Any, shared: Any = None, omega: Any = None
) -> Term:
    """Prepare the deviations of one grouping factor.

    Parameters
    ----------
    group : (n,) array of int32
        Level of each row, -1 for none.
    levels
        Number of levels.
    basis : (n, k) array or sparse matrix
        Columns whose coefficients deviate.
    shared
        Which columns of X these are, where they are.
    omega : (q,) array, optional
        Weights of the levels; 1 by default.
    """
    thin = is_sparse(basis)
    known = codes(group)
    basis = sparse.csr_matrix(basis) if thin else matrix(basis)
    return Term(
        codes=known,
        levels=levels,
        basis=basis,
        shared=None if shared is None else np.asarray(shared, dtype=np.intp),
        omega=np.ones(levels) if omega is None else vector(omega),
        handle=None if thin else LevelRows(known, levels),
        wide=_spread(known, levels, basis) if thin else None,
    )


def _spread(codes: NDArray[np.int32], levels: int, basis: Any) -> Any:
    """Put each row's columns where those of its level stand."""
    n, k = basis.shape
    if is_sparse(basis):
        entries = basis.tocoo()
        known = codes[entries.row] >= 0
        columns = codes[entries.row].astype(np.int64) * k + entries.col
        parts = (entries.data[known], (entries.row[known], columns[known]))
        return sparse.csr_matrix(parts, shape=(n, levels * k))
    known = codes >= 0
    where = codes[known].astype(np.int64)[:, None] * k + np.arange(k)
    starts = np.concatenate([[0], np.cumsum(known * k)])
    rows = (np.ascontiguousarray(basis[known]).ravel(), where.ravel(), starts)
    return sparse.csr_matrix(rows, shape=(n, levels * k))


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Shared columns and the terms whose coefficients deviate by level.

    Attributes
    ----------
    X : (n, p) array or sparse matrix
        Columns with shared coefficients.
    terms
        Deviations, by grouping factor.
    """

    X: Any
    terms: tuple[Term, ...]

    @property
    def layout(self) -> Layout:
        """Order of the coefficients."""
        return Layout(self.X.shape[1], tuple(term.shape for term in self.terms))

    def weighted(self, omegas: tuple[Vector, ...]) -> Rows:
        """The same rows with other weights of the levels."""
        terms = (replace(t, omega=vector(o)) for t, o in zip(self.terms, omegas, strict=True))
        return replace(self, terms=tuple(terms))

    def eta(self, theta: Vector) -> Vector:
        """Linear predictor X w + Z u / omega (n,)."""
        out = np.asarray(self.X @ theta[: self.X.shape[1]], dtype=np.float64)
        for term, u in zip(self.terms, self.layout.deviations(theta), strict=True):
            out += term.values(u / term.omega[:, None])
        return out

    def adjoint(self, a: Vector) -> Vector:
        """X'a and Z'a / omega, one after the other."""
        sums = tuple(term.sums(a) / term.omega[:, None] for term in self.terms)
        return self.layout.join(np.asarray(self.X.T @ a), sums)

    def gram(self, weights: Vector) -> Gram:
        """Cross-products of all columns, in the coordinates of u."""
        B, A = [], []
        for term in self.terms:
            with_x = term.products(self.X, weights)
            A.append(term.squares(weights, with_x) / (term.omega**2)[:, None, None])
            B.append(with_x / term.omega[:, None, None])
        pairs: dict[tuple[int, int], Any] = {}
        if len(self.terms) > 1:
            wide = [scaled_indicator(term) for term in self.terms]
            for t, first in enumerate(wide):
                left = first.multiply(weights[:, None]).tocsr().T
                pairs |= {(t, u): (left @ wide[u]).tocsr() for u in range(t + 1, len(wide))}
        return Gram(
            self.layout,
            _cross(self.X, weights),
            tuple(A),
            tuple(B),
            pairs,
            tuple(None if t.shared is None else codes(t.shared) for t in self.terms),
            tuple(self._loose(term, weights) for term in self.terms),
            tuple(term.omega for term in self.terms),
        )

    def _loose(self, term: Term, weights: Vector) -> Vector | None:
        out = np.flatnonzero(term.codes < 0)
        return _cross(self.X[out], weights[out]) if len(out) else None


def scaled_indicator(term: Term) -> Any:
    """Z / omega as one sparse matrix (n, q k)."""
    scale = np.repeat(1.0 / term.omega, term.shape[1])
    return term.indicator().multiply(scale[None, :]).tocsr()


def _cross(X: Any, weights: Vector) -> Vector:
    if is_sparse(X):
        return np.asarray((X.multiply(weights[:, None]).T @ X).toarray())
    if len(weights) and weights.min() == weights.max():
        return np.asarray(weights[0] * (X.T @ X))
    # Pieces of the rows: a weighted copy of X would double the memory.
    out = np.zeros((X.shape[1], X.shape[1]))
    for start in range(0, X.shape[0], 65_536):
        piece = X[start : start + 65_536]
        out += (piece * weights[start : start + 65_536, None]).T @ piece
    return out


def _diagonal_blocks(wide: Any, weights: Vector, shape: tuple[int, int]) -> Vector:
    q, k = shape
    product = (wide.multiply(weights[:, None]).T @ wide).tocoo()
    out = np.zeros((q, k, k))
    out[product.row // k, product.row % k, product.col % k] = product.data
    return out
