"""Solve (scale [X Z]'[X Z] + diagonal) theta = b, level by level.

The factor with most effects is eliminated level by level; the shared columns and the other
factors stay in a border, dense where it fits and sparse where it doesn't.

References
----------
Henderson (1975), Biometrics 31(2), 423-447.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from partialpool.core import LevelFactor, matrix, vector
from partialpool.errors import FactorisationError
from partialpool.shrinkage.gram import Gram

__all__ = ["DenseSystem", "Factor", "System", "border_factor"]

Vector = NDArray[np.float64]

# Up to this many border columns the core sums over levels itself; BLAS is faster from there on.
_NARROW = 48


class Factor(Protocol):
    """A factored system."""

    @property
    def logdet(self) -> float:
        """Logarithm of its determinant."""

    def solve(self, b: Vector) -> Vector:
        """Solve for one right side."""


class System(Protocol):
    """A system whose penalty changes while its cross-products stay."""

    def factor(self, scale: float, diagonal: Vector) -> Factor:
        """Factor scale [X Z]'[X Z] + diagonal."""


@dataclass(frozen=True, slots=True, eq=False)
class DenseSystem:
    """A system whose border is one dense matrix.

    Attributes
    ----------
    gram
        The cross-products.
    first
        Position of the term that is eliminated level by level; -1 without terms.
    border : (m, m) array
        Cross-products of the shared columns and the other terms, in the layout's order.
    B : (q, k, m) array
        Those of the first term with the border.
    """

    gram: Gram
    first: int
    border: Vector
    B: Vector

    @property
    def places(self) -> NDArray[np.intp]:
        """Where the border's columns stand in the layout."""
        everything = np.arange(self.gram.layout.size)
        return everything if self.first < 0 else np.delete(everything, self._own)

    @property
    def _own(self) -> slice:
        return self.gram.layout.term(self.first)

    def factor(self, scale: float, diagonal: Vector) -> DenseFactor:
        """Factor scale [X Z]'[X Z] + diagonal."""
        places = self.places
        M = scale * self.border
        if self.first < 0:
            M[np.diag_indices_from(M)] += diagonal[places]
            return DenseFactor(self, None, border_factor(M))
        shape = self.gram.layout.shapes[self.first]
        narrow = len(M) <= _NARROW
        shared = self._shared(narrow)
        levels = LevelFactor(
            self.gram.A[self.first],
            self.B,
            matrix(diagonal[self._own].reshape(shape)),
            shared,
            self.gram.omega[self.first],
            scale,
            narrow,
        )
        if not levels.ok:
            raise FactorisationError("a level's part of the penalised system isn't positive.")
        self._eliminate(M, levels, scale, shared)
        M[np.diag_indices_from(M)] += diagonal[places]
        return DenseFactor(self, levels, border_factor(M))

    def _eliminate(
        self, M: Vector, levels: LevelFactor, scale: float, shared: NDArray[np.int32] | None
    ) -> None:
        if len(M) > _NARROW:
            V = levels.V.reshape(-1, len(M))
            M -= V.T @ V
            return
        outer = levels.outer
        if shared is None:
            M -= outer
            return
        # What is left of the term's own columns was summed as such; rows without a level add
        # their products.
        own = np.zeros(len(M), dtype=bool)
        own[shared] = True
        loose = self.gram.loose[self.first]
        left = outer if loose is None else outer + scale * loose
        M[:] = np.where(own[:, None] | own[None, :], left, M - outer)

    def _shared(self, narrow: bool) -> NDArray[np.int32] | None:
        """Border columns that are the first term's own, where sums over levels can use that."""
        alone = len(self.gram.layout.shapes) == 1 or self.gram.loose[self.first] is None
        return self.gram.shared[self.first] if narrow and alone else None


@dataclass(frozen=True, slots=True, eq=False)
class DenseFactor:
    """Factor of a :class:`DenseSystem`.

    Attributes
    ----------
    system
        What was factored.
    levels
        Cholesky factors of the first term's levels; None without terms.
    root : (m, m) array
        Lower Cholesky factor of what is left of the border.
    """

    system: DenseSystem
    levels: LevelFactor | None
    root: Vector

    @property
    def logdet(self) -> float:
        """Logarithm of the determinant."""
        own = 0.0 if self.levels is None else self.levels.logdet
        return own + 2.0 * float(np.log(np.diagonal(self.root)).sum())

    def solve(self, b: Vector) -> Vector:
        """Solve for one right side."""
        if self.levels is None:
            return _both_halves(self.root, b)
        layout, first, places = self.system.gram.layout, self.system.first, self.system.places
        half, met = self.levels.forward(matrix(b[layout.term(first)].reshape(layout.shapes[first])))
        out = np.empty(layout.size)
        out[places] = _both_halves(self.root, b[places] - met)
        out[layout.term(first)] = self.levels.backward(half, vector(out[places])).ravel()
        return out


def border_factor(M: Vector) -> Vector:
    """Lower Cholesky factor of a border.

    Raises
    ------
    FactorisationError
        If it is not positive definite.
    """
    if not len(M):
        return M
    try:
        return np.asarray(linalg.cholesky(M, lower=True, check_finite=False))
    except linalg.LinAlgError as error:
        raise FactorisationError("the penalised system is not positive definite.") from error


def _both_halves(root: Vector, b: Vector) -> Vector:
    if not len(b):
        return b
    return np.asarray(linalg.cho_solve((root, True), b, check_finite=False))


def dense_system(gram: Gram, first: int) -> DenseSystem:
    """Lay a system out with a dense border."""
    layout = gram.layout
    if first < 0:
        return DenseSystem(gram, first, gram.C, np.zeros((0, 0, layout.p)))
    others = [t for t in range(len(layout.shapes)) if t != first]
    q, k = layout.shapes[first]
    parts = [gram.B[first], *(_dense(gram, first, t).reshape(q, k, -1) for t in others)]
    rows: list[list[Any]] = [[gram.C, *(_flat(gram.B[t]).T for t in others)]]
    for s in others:
        own = [_block_diagonal(gram.A[s]) if s == t else _dense(gram, s, t) for t in others]
        rows.append([_flat(gram.B[s]), *own])
    B = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    return DenseSystem(gram, first, np.block(rows), np.ascontiguousarray(B))


def _flat(B: Vector) -> Vector:
    return B.reshape(-1, B.shape[2])


def _dense(gram: Gram, s: int, t: int) -> Vector:
    pair = gram.pairs[s, t] if s < t else gram.pairs[t, s].T
    return np.asarray(pair.toarray())


def _block_diagonal(A: Vector) -> Vector:
    q, k, _ = A.shape
    out = np.zeros((q, k, q, k))
    out[np.arange(q), :, np.arange(q), :] = A
    return out.reshape(q * k, q * k)
