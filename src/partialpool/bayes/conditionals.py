"""Coefficients of a Gaussian model given the covariance, for many draws of that at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.effect_order import EffectOrder, effect_columns
from partialpool.bayes.priors import Normal

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["conditionals"]

Array = NDArray[np.float64]
# With random effects, draws of the covariance that are used where one takes long, and numbers
# that may be worked through for more of them (some tenths of a second).
_FEWEST = 2000
_WORK = 1 << 22
# Random effects beside one factor's up to which dense algebra is faster than sparse.
_DENSE = 60
# Numbers held at once by a stack of matrices: 16 MB.
_AT_ONCE = 1 << 21


def conditionals(fit: BayesFit) -> Iterator[tuple[Array, Array]]:
    """Precision, and precision times mean, of the kept coefficients in stacks of draws.

    Given standard deviations, correlations and sigma the coefficients of a Gaussian model are
    normal: with y = X beta + Z b + e their precision is X'V^-1 X and that of the prior.

    Yields
    ------
    (s, p, p) and (s, p) arrays
        With many random effects not of all draws, but of 2,000 or more, evenly spaced.
    """
    rows = _Products.of(fit)
    prior, pull = _prior(fit)
    size = fit.draws.chains * fit.draws.draws
    used = max(_FEWEST, _WORK // rows.stack_size) if fit.design.random else size
    sigma, factors = _covariances(fit, min(size, used))
    at_once = max(1, _AT_ONCE // rows.stack_size)
    for start in range(0, len(sigma), at_once):
        part = slice(start, start + at_once)
        taken = rows.absorbed([f[part] for f in factors], sigma[part])
        found = (rows.A - taken) / sigma[part, None, None] ** 2
        yield found[:, :-1, :-1] + prior, found[:, :-1, -1] + pull


def _covariances(fit: BayesFit, used: int) -> tuple[Array, list[Array]]:
    """Draws of sigma (s,), and of every term's factor of its covariance matrix (s, k, k)."""
    own, size = fit.draws.parts["mean"], fit.draws.chains * fit.draws.draws
    at = np.unique(np.linspace(0, size - 1, used).astype(int))
    sd = [x.reshape(size, -1)[at] for x in own.sd]
    corr = [x.reshape(size, *x.shape[2:])[at] for x in own.corr]
    factors = [a[:, :, None] * np.linalg.cholesky(r) for a, r in zip(sd, corr, strict=True)]
    return fit.draws.scales["sigma"].ravel()[at], factors


@dataclass(frozen=True, slots=True, eq=False)
class _Products:
    """Weighted cross-products of the rows.

    Attributes
    ----------
    A : (p + 1, p + 1) array
        Of the columns and, last, the response.
    B : (q, p + 1) array
        Of the random effects' columns with these.
    C : (q, q) sparse matrix
        Of the random effects' columns.
    order
        How the random effects are laid out.
    """

    A: Array
    B: Array
    C: Any
    order: EffectOrder

    @classmethod
    def of(cls, fit: BayesFit) -> _Products:
        design, kept = fit.design, fit.statement.kept["mean"]
        w = design.row_weights
        y = design.y if design.offset is None else design.y - design.offset
        XY = np.column_stack([design.X[:, kept], np.where(w > 0, y, 0.0)])
        order = EffectOrder.of(design)
        Z = effect_columns(design)[:, order.places]
        WXY = w[:, None] * XY
        C = (Z.T @ Z.multiply(w[:, None])).tocsc()
        return cls(XY.T @ WXY, Z.T @ WXY, C, order)

    @property
    def stack_size(self) -> int:
        """Numbers that one draw takes."""
        width = len(self.A) + len(self.B) - self.order.q
        return max(self.order.q, width) * width

    def absorbed(self, factors: list[Array], sigma: Array) -> Array:
        """B'L (L'CL + sigma^2 I)^-1 L'B (s, p + 1, p + 1): what the random effects take."""
        if not factors:
            return np.zeros((len(sigma), *self.A.shape))
        order = self.order
        first = _diagonal([factors[i] for i in order.first])
        rest = [(factors[i], order.levels[i]) for i in order.rest]
        if len(self.B) - order.q > _DENSE:
            blocks = [(first, order.J), *rest]
            return np.stack([
                _absorbed_sparsely(self.C, self.B, [(f[s], J) for f, J in blocks], float(sigma[s]))
                for s in range(len(sigma))
            ])  # fmt: skip
        return self._in_two_steps(first, rest, sigma)

    def _in_two_steps(self, first: Array, rest: list[tuple[Array, int]], sigma: Array) -> Array:
        """First the effects of one factor, level by level, then those of the others."""
        q, J, K = self.order.q, self.order.J, first.shape[1]
        others = self.C[:q, q:].toarray()
        blocks = _blocks(self.C[:q, :q], J, K)
        taken = _absorbed_by_level(blocks, np.hstack([self.B[:q], others]), first, sigma)
        p = len(self.A)
        if not rest:
            return taken
        U = _turned(self.B[q:] - taken[:, p:, :p], rest)
        M = _turned(self.C[q:, q:].toarray() - taken[:, p:, p:], rest)
        M = _turned(M.transpose(0, 2, 1), rest)
        M += sigma[:, None, None] ** 2 * np.eye(M.shape[1])
        return taken[:, :p, :p] + U.transpose(0, 2, 1) @ np.linalg.solve(M, U)


def _absorbed_by_level(C: Array, B: Array, L: Array, sigma: Array) -> Array:
    J, K = C.shape[:2]
    if K == 1:
        # One number for each level, and all levels are one matrix product.
        square = L[:, :, 0] ** 2
        shrunk = square / (square * C[:, 0, 0] + sigma[:, None] ** 2)
        return np.asarray((B.T * shrunk[:, None]) @ B)
    turned = L[:, None].transpose(0, 1, 3, 2)
    M = turned @ C @ L[:, None] + sigma[:, None, None, None] ** 2 * np.eye(K)
    U = turned @ B.reshape(J, K, -1)
    stacked = (len(sigma), J * K, B.shape[1])
    solved = np.linalg.solve(M, U).reshape(stacked)
    return np.asarray(U.reshape(stacked).transpose(0, 2, 1) @ solved)


def _turned(matrices: Array, factors: list[tuple[Array, int]]) -> Array:
    """L'M for a stack of matrices M (s, q, c), L having a block for each of a term's levels."""
    out, start = [], 0
    for factor, levels in factors:
        k = factor.shape[1]
        rows = matrices[:, start : start + levels * k]
        shape = (len(rows), levels, k, rows.shape[2])
        turned = factor.transpose(0, 2, 1)[:, None] @ rows.reshape(shape)
        out.append(turned.reshape(rows.shape))
        start += levels * k
    return np.concatenate(out, axis=1)


def _absorbed_sparsely(C: Any, B: Array, factors: list[tuple[Array, int]], sigma: float) -> Array:
    from scipy import sparse
    from scipy.sparse.linalg import splu

    diagonal = [sparse.kron(sparse.identity(levels), factor) for factor, levels in factors]
    L = sparse.block_diag(diagonal, format="csc")
    U = np.asarray(L.T @ B)
    M = (L.T @ C @ L + sigma**2 * sparse.identity(len(B))).tocsc()
    return np.asarray(U.T @ splu(M, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0).solve(U))


def _blocks(C: Any, J: int, K: int) -> Array:
    """Diagonal blocks (J, K, K) of a sparse matrix that has no others."""
    found = C.tocoo()
    out = np.zeros((J, K, K))
    out[found.row // K, found.row % K, found.col % K] = found.data
    return out


def _diagonal(factors: list[Array]) -> Array:
    """Terms' factors as one block-diagonal factor (s, K, K)."""
    K = sum(f.shape[1] for f in factors)
    out, start = np.zeros((len(factors[0]), K, K)), 0
    for factor in factors:
        end = start + factor.shape[1]
        out[:, start:end, start:end] = factor
        start = end
    return out


def _prior(fit: BayesFit) -> tuple[Array, Array]:
    """Precision of the normal priors of the coefficients, and precision times mean."""
    priors, kept = fit.statement.priors.parts["mean"], fit.statement.kept["mean"]
    precision, pull = np.zeros((len(kept),) * 2), np.zeros(len(kept))
    for place, assigned in enumerate(priors.fixed):
        if isinstance(assigned.prior, Normal):
            row = np.eye(len(kept))[place]
            if place == 0 and priors.centred:
                row = fit.design.X[:, kept].mean(axis=0)
            precision += np.outer(row, row) / assigned.prior.sd**2
            pull += row * assigned.prior.mean / assigned.prior.sd**2
    return precision, pull
