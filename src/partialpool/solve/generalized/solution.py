"""Estimates of a generalized model, in the user's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedEstimate, GeneralizedProblem, dense_algebra, matrix
from partialpool.families import ResponseFamily, Zero
from partialpool.solve.generalized.layout import Layout
from partialpool.solve.generalized.objective import Objective

__all__ = ["GeneralizedSolution", "PartRows"]

Vector = NDArray[np.float64]
PartRows = tuple[Vector, tuple[tuple[NDArray[np.int32], Vector], ...]]
"""Columns of new rows, and of every random term their levels and columns."""

# Curvature, in units of its own diagonal, below which there is none.
_FLAT = 1e-11
# Share of the largest curvature that differences leave as rounding, and the negative curvature,
# in units of the diagonal, that is none.
_NOISE, _BENT = 1e-9, 1e-3


@dataclass(frozen=True, eq=False)
class GeneralizedSolution:
    """Estimates of a generalized model, computed from the core's optimum when asked for.

    Not slotted: second derivatives cost as much as the fit and are kept once made.

    Attributes
    ----------
    layout
        Linear predictors and grouping factors.
    family, zero
        Distribution of the response.
    objective
        What was maximised.
    problem, estimate
        The core's handle, and where its search ended.
    evaluations
        Of the objective.
    converged
        Whether the search ended by its own rule.
    thresholds
        How many an ordinal model has, 0 for other models.
    """

    layout: Layout
    family: ResponseFamily
    zero: Zero
    objective: Objective
    problem: GeneralizedProblem
    estimate: GeneralizedEstimate
    evaluations: int
    converged: bool
    thresholds: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts that have coefficients."""
        names = tuple(part.name for part in self.layout.parts)
        return (*names, "thresholds") if self.thresholds else names

    @cached_property
    def beta(self) -> dict[str, Vector]:
        """Coefficients of every part, NaN for columns that others determine."""
        out = {}
        for group, name in enumerate(self.names):
            values = np.full(self._width(group), np.nan)
            values[self.problem.kept(group)] = self.problem.coefficients(self.estimate, group)
            out[name] = values
        return out

    @property
    def psi(self) -> Vector:
        """Covariance parameters, in the core's coordinates."""
        return self.estimate.psi

    @property
    def loglik(self) -> float:
        """Log-likelihood with all constants; restricted if the objective is."""
        return -0.5 * self.estimate.objective

    @property
    def df(self) -> int:
        """Number of estimated parameters."""
        kept = sum(len(self.problem.kept(group)) for group in range(len(self.names)))
        return kept + self.problem.n_psi

    @property
    def gradient_norm(self) -> float:
        """Largest derivative of the objective, in coordinates without units."""
        gradient = self.estimate.gradient
        return float(np.abs(gradient).max()) if gradient.size else 0.0

    @cached_property
    def hessian(self) -> Vector:
        """Second derivatives of the objective in the searched parameters, without units.

        Differences of the exact gradient; covariance parameters first.
        """
        with dense_algebra():
            return self.problem.hessian(self.estimate, self.objective.core)

    @cached_property
    def information(self) -> Vector:
        """Half the curvature of the objective in all coefficients given the covariances."""
        m = self.problem.n_psi
        if not self.objective.inner:
            return 0.5 * self.estimate.curvature[m:, m:]
        with dense_algebra():
            return self.problem.information(self.estimate, self.objective.core)

    @property
    def smallest_eigenvalue(self) -> float:
        """Of the second derivatives; NaN where the objective can't be evaluated around the end."""
        if not self.estimate.gradient.size:
            return float("inf")
        return float(np.linalg.eigvalsh(self.hessian)[0]) if self.hessian.size else float("nan")

    @property
    def bends_down(self) -> bool:
        """Whether the objective falls in some direction, as it doesn't around an optimum."""
        if not self.hessian.size:
            return False
        sizes = np.abs(np.diag(self.hessian))
        # Whatever the parameters' units; those without curvature have rounding errors instead.
        scale = np.sqrt(np.maximum(sizes, _NOISE * sizes.max()))
        return bool(np.linalg.eigvalsh(self.hessian / np.outer(scale, scale))[0] < -_BENT)

    @cached_property
    def promised(self) -> float:
        """Decrease of the objective that a Newton step from where the search ended promises.

        In directions without curvature a step of one is taken, a moderate one.
        """
        gradient = self.estimate.gradient
        if not self.hessian.size:
            return float("inf") if gradient.size else 0.0
        values, vectors = np.linalg.eigh(self.hessian)
        along = vectors.T @ gradient
        with np.errstate(divide="ignore"):
            step = np.minimum(np.abs(along) / np.maximum(values, 0.0), 1.0)
        return float(np.sum(step * np.abs(along) - 0.5 * np.maximum(values, 0.0) * step**2))

    @cached_property
    def mapped_covariance(self) -> Vector:
        """Covariance of the covariance parameters and all coefficients, in the core's units.

        NaN for what the objective is flat in.
        """
        m, p = self.problem.n_psi, len(self.problem.kept(0))
        searched = np.ones(m + len(self.information), dtype=bool)
        searched[m : m + p] = not self.objective.inner
        out = np.zeros((len(searched), len(searched)))
        h = self.hessian if self.hessian.size else np.zeros((searched.sum(), searched.sum()))
        out[np.ix_(searched, searched)] = _invert(0.5 * h)
        if self.objective.inner:
            # Given the other parameters, as lme4 has it with nAGQ = 0.
            inner = slice(m, m + p)
            out[inner, inner] = _invert(self.information[:p, :p])
        return out

    @cached_property
    def vcov(self) -> Vector:
        """Covariance of all coefficients, part by part; NaN for columns left out.

        NaN as well for coefficients about which the objective is flat.
        """
        groups = range(len(self.names))
        widths = [self._width(g) for g in groups]
        kept = np.concatenate(
            [sum(widths[:g]) + np.asarray(self.problem.kept(g), dtype=np.intp) for g in groups]
        )
        back = _block_diagonal([self.problem.matrix(g) for g in groups])
        mapped = self.mapped_covariance[self.problem.n_psi :, self.problem.n_psi :]
        values = back @ np.nan_to_num(mapped) @ back.T
        # NaN spreads to every coefficient that a flat direction moves, and to no other.
        flat = (np.abs(back) > 0) @ np.isnan(np.diag(mapped))
        values[flat, :] = values[:, flat] = np.nan
        out = np.full((sum(widths), sum(widths)), np.nan)
        out[np.ix_(kept, kept)] = values
        return out

    @cached_property
    def eta(self) -> dict[str, Vector]:
        """Fitted linear predictors of all rows; an ordinal model's thresholds stand in beta."""
        out = {}
        for part in self.layout.parts:
            values = part.X @ np.nan_to_num(self.beta[part.name])
            if part.offset is not None:
                values = values + part.offset
            for effects, b in zip(part.random, self.effects(part.name), strict=True):
                values = values + np.einsum("ij,ij->i", effects.basis, b[effects.factor.codes])
            out[part.name] = values
        if self.thresholds:
            out["thresholds"] = self.beta["thresholds"]
        return out

    def factor(self, part: str, term: int) -> Vector:
        """Lambda (k, k) of a random term: Var(b) = Lambda Lambda'."""
        _, position, _ = self.layout.positions(part)[term]
        return self.problem.factor(self.estimate, position)

    def effects(self, part: str) -> tuple[Vector, ...]:
        """Conditional modes b (J, k) of every random term of a part."""
        return tuple(
            self.problem.effects(self.estimate, block)[:, cut]
            for block, _, cut in self._positions(part)
        )

    def conditional(self, part: str) -> tuple[Vector, ...]:
        """Conditional covariances (J, k, k) of every random term of a part."""
        if not self._positions(part):
            return ()
        with dense_algebra():
            blocks = self.problem.conditional(self.estimate, self.objective.core)
        return tuple(blocks[block][:, cut, cut] for block, _, cut in self._positions(part))

    def variance(self, rows: Mapping[str, PartRows]) -> Vector:
        """Variance of the sum over parts of x'(beta^ - beta) + z'(b^ - b) for every row (m,).

        With what the covariances' own uncertainty adds.

        Parameters
        ----------
        rows
            By part: columns (m, p), and of every random term each row's level, -1 for none,
            and columns. Parts that are left out count as zero.
        """
        m = len(next(iter(rows.values()))[0])
        widths = [self._width(g) for g in range(len(self.names))]
        X = [
            matrix(rows[name][0]) if name in rows else np.zeros((m, width))
            for name, width in zip(self.names, widths, strict=True)
        ]
        effects = self.layout.new_effects({name: own[1] for name, own in rows.items()}, m)
        with dense_algebra():
            return self.problem.variances(
                self.estimate,
                self.objective.core,
                X,
                effects,
                matrix(np.nan_to_num(self.mapped_covariance)),
            )

    def _positions(self, part: str) -> list[tuple[int, int, slice]]:
        if part not in (p.name for p in self.layout.parts):
            return []
        return self.layout.positions(part)

    def _width(self, group: int) -> int:
        if group == len(self.layout.parts):
            return self.thresholds
        return len(self.layout.parts[group].columns)


def _invert(h: Vector) -> Vector:
    """Invert second derivatives, NaN for parameters along which they vanish."""
    if not h.size:
        return h
    # Free of the parameters' units: a scale is no reason to call a direction flat.
    scale = np.sqrt(np.maximum(np.abs(np.diag(h)), 1e-300))
    values, vectors = np.linalg.eigh(h / np.outer(scale, scale))
    good = values > _FLAT
    inverse = np.where(good, 1.0 / np.where(good, values, 1.0), 0.0)
    out = (vectors * inverse) @ vectors.T / np.outer(scale, scale)
    flat = np.any(np.abs(vectors[:, ~good]) > 1e-3, axis=1)
    out[flat, :] = out[:, flat] = np.nan
    return np.asarray(out, dtype=np.float64)


def _block_diagonal(blocks: list[Vector]) -> Vector:
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)))
    r = c = 0
    for block in blocks:
        out[r : r + block.shape[0], c : c + block.shape[1]] = block
        r, c = r + block.shape[0], c + block.shape[1]
    return out
