"""The same systems where the border is too large to be dense: nested and large crossed factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from partialpool.core import LevelFactor, matrix
from partialpool.errors import FactorisationError
from partialpool.shrinkage.factor import Factor, System, border_factor, dense_system
from partialpool.shrinkage.gram import Gram

__all__ = ["SparseFactor", "SparseSystem", "factor_nearly", "make_system"]

Vector = NDArray[np.float64]

# Numbers in a dense border and what it meets; above that it is kept sparse.
_LARGE = 20_000_000


def make_system(gram: Gram) -> System:
    """Choose how to lay a system out.

    Parameters
    ----------
    gram
        The cross-products.
    """
    shapes = gram.layout.shapes
    sizes = [q * k for q, k in shapes]
    if not sizes:
        return dense_system(gram, -1)
    first = int(np.argmax(sizes))
    rest = sum(sizes) - sizes[first]
    if rest == 0 or (sizes[first] + rest) * (rest + gram.layout.p) <= _LARGE:
        return dense_system(gram, first)
    return SparseSystem(gram, first)


def factor_nearly(system: System, gram: Gram, scale: float, diagonal: Vector) -> Factor:
    """Factor a system with as small an addition to its diagonal as it takes.

    Levels whose own columns depend on each other are singular beside a penalty that is far
    smaller than their squares. A refinement with the system itself takes the addition away again.

    Raises
    ------
    FactorisationError
        If the largest addition isn't enough.
    """
    own = scale * gram.diagonal() + diagonal
    for share in (0.0, 1e-14, 1e-12, 1e-10):
        try:
            return system.factor(scale, diagonal + share * own)
        except FactorisationError:
            continue
    raise FactorisationError("the penalised system is not positive definite.")


@dataclass(frozen=True, slots=True, eq=False)
class SparseSystem:
    """A system whose border of other factors is sparse, with the shared columns around it.

    Attributes
    ----------
    gram
        The cross-products.
    first
        Position of the term that is eliminated level by level.
    """

    gram: Gram
    first: int

    def factor(self, scale: float, diagonal: Vector) -> SparseFactor:
        """Factor scale [X Z]'[X Z] + diagonal."""
        gram, layout = self.gram, self.gram.layout
        inverse = self._invert_levels(scale, diagonal)
        met = scale * self._met()
        rest = self._rest(scale, diagonal) - met.T @ (inverse @ met)
        dense = rest.nnz > 0.2 * rest.shape[0] ** 2
        factored: Any
        if dense:
            factored = border_factor(np.asarray(rest.toarray()))
        else:
            try:
                factored = splu(rest.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0)
            except RuntimeError as error:
                raise FactorisationError("the penalised system is singular.") from error
        half = SparseFactor(self, inverse, met, factored, np.zeros((0, 0)), np.zeros((0, 0)))
        around = scale * self._around()
        solved = np.column_stack([half.solve_inner(c) for c in around.T]) if layout.p else around
        M = scale * gram.C + np.diag(diagonal[: layout.p]) - around.T @ solved
        return SparseFactor(self, inverse, met, factored, solved, border_factor(0.5 * (M + M.T)))

    def _others(self) -> list[int]:
        return [t for t in range(len(self.gram.layout.shapes)) if t != self.first]

    def order(self) -> NDArray[np.intp]:
        """Where the first term's deviations and then the others' stand in the layout."""
        everything = np.arange(self.gram.layout.size)
        terms = [self.first, *self._others()]
        return np.concatenate([everything[self.gram.layout.term(t)] for t in terms])

    def _invert_levels(self, scale: float, diagonal: Vector) -> Any:
        q, k = self.gram.layout.shapes[self.first]
        own = matrix(diagonal[self.gram.layout.term(self.first)].reshape(q, k))
        nothing = np.zeros((q, k, 0))
        levels = LevelFactor(
            self.gram.A[self.first],
            nothing,
            own,
            None,
            self.gram.omega[self.first],
            scale,
            False,
        )
        if not levels.ok:
            raise FactorisationError("a level's part of the penalised system isn't positive.")
        roots = np.linalg.inv(levels.L)
        inverses = np.einsum("qji,qjk->qik", roots, roots)
        return sparse.bsr_matrix((inverses, np.arange(q), np.arange(q + 1))).tocsr()

    def _met(self) -> Any:
        first = self.first
        pairs = self.gram.pairs
        parts = [pairs[first, t] if first < t else pairs[t, first].T for t in self._others()]
        return sparse.hstack(parts).tocsr()

    def _rest(self, scale: float, diagonal: Vector) -> Any:
        grid: list[list[Any]] = []
        for s in self._others():
            q = self.gram.layout.shapes[s][0]
            own = scale * self.gram.A[s]
            tiled = sparse.bsr_matrix((own, np.arange(q), np.arange(q + 1))).tocsr()
            row = []
            for t in self._others():
                if s == t:
                    row.append(tiled + sparse.diags(diagonal[self.gram.layout.term(s)]))
                else:
                    pair = self.gram.pairs[s, t] if s < t else self.gram.pairs[t, s].T
                    row.append(scale * pair)
            grid.append(row)
        return sparse.bmat(grid).tocsr()

    def _around(self) -> Vector:
        p = self.gram.layout.p
        terms = [self.first, *self._others()]
        return np.concatenate([self.gram.B[t].reshape(-1, p) for t in terms])


@dataclass(frozen=True, slots=True, eq=False)
class SparseFactor:
    """Factor of a :class:`SparseSystem`."""

    system: SparseSystem
    inverse: Any
    met: Any
    rest: Any
    around: Vector
    root: Vector

    @property
    def logdet(self) -> float:
        """Logarithm of the determinant."""
        blocks = self.inverse.tobsr(blocksize=(self.width, self.width)).data
        own = -float(np.linalg.slogdet(blocks)[1].sum())
        own += 2.0 * float(np.log(np.diagonal(self.root)).sum())
        if isinstance(self.rest, np.ndarray):
            return own + 2.0 * float(np.log(np.diagonal(self.rest)).sum())
        return own + float(np.log(np.abs(self.rest.U.diagonal())).sum())

    @property
    def width(self) -> int:
        """Columns of the term that is eliminated level by level."""
        return self.system.gram.layout.shapes[self.system.first][1]

    def solve_inner(self, b: Vector) -> Vector:
        """Solve for the deviations alone, in the system's order."""
        size = self.inverse.shape[0]
        own = self.inverse @ b[:size]
        right = b[size:] - self.met.T @ own
        if isinstance(self.rest, np.ndarray):
            rest = np.asarray(linalg.cho_solve((self.rest, True), right))
        else:
            rest = self.rest.solve(right)
        return np.concatenate([own - self.inverse @ (self.met @ rest), rest])

    def solve(self, b: Vector) -> Vector:
        """Solve for one right side."""
        p = self.system.gram.layout.p
        order = self.system.order()
        inner = self.solve_inner(b[order])
        out = np.empty(len(b))
        out[order] = inner
        if p:
            right = b[:p] - self.around.T @ b[order]
            out[:p] = linalg.cho_solve((self.root, True), right)
            out[order] -= self.around @ out[:p]
        return out
