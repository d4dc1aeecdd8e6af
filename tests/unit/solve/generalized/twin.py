"""The generalized model written out in full: dense matrices and plain Newton steps.

Only the log-density of a row and its derivatives come from the package; they have tests of
their own. Everything is in the user's units: factors Lambda and coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.families import Ordinal
from partialpool.solve.generalized import Objective
from partialpool.solve.generalized.densities import density_maker, threshold_columns
from tests.dense import dense_columns
from tests.unit.solve.generalized.models import Example

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


class Twin:
    """A model at given factors (one per term, in the core's order) and coefficients."""

    def __init__(
        self,
        example: Example,
        objective: Objective,
        factors: Sequence[Matrix],
        coefficients: Sequence[Vector],
    ) -> None:
        self.example, self.objective = example, objective
        n = len(example.response.values)
        rows = np.arange(n)
        make = density_maker(example.response, example.family, example.zero)
        self.density, self.constant = make(rows, rows)
        self.d = self.density.predictors
        X = [part.X for part in example.parts]
        groups = list(range(len(X)))
        if isinstance(example.family, Ordinal):
            X, groups = [X[0], *threshold_columns(example.response)], [0, 1, 1]
        self.X, self.groups = X, groups
        self.beta = [np.asarray(b, dtype=float) for b in coefficients]
        offsets = [part.offset for part in example.parts] + [None] * self.d
        self.offset = [np.zeros(n) if o is None else o for o in offsets[: self.d]]
        terms = [
            (a, example.parts[a].random[t])
            for block in example.layout.blocks
            for a, t in block.terms
        ]
        self.Z = [
            np.hstack(
                [np.zeros((n, 0))]
                + [
                    (part == a) * self._columns(e, L)
                    for (part, e), L in zip(terms, factors, strict=True)
                ]
            )
            for a in range(self.d)
        ]

    @staticmethod
    def _columns(effects, L: Matrix) -> Matrix:
        """Columns of the spherical effects u, b = L u."""
        return dense_columns(effects.factor.codes, effects.basis @ L, len(effects.factor.levels))

    def eta(self, u: Vector, inner: Vector) -> list[Vector]:
        beta = [inner, *self.beta[1:]]
        return [
            self.offset[a] + self.X[a] @ beta[self.groups[a]] + self.Z[a] @ u for a in range(self.d)
        ]

    def penalised(self, u: Vector, inner: Vector) -> tuple[float, Vector, Matrix]:
        """-2 log-density + u'u + the prior's part; half its slope and curvature in (u, inner)."""
        value, first, second, _ = self.density.evaluate(
            [np.ascontiguousarray(e) for e in self.eta(u, inner)], 2, True
        )
        p = len(inner)
        columns = [
            np.hstack([z, self.X[a] if a == 0 else np.zeros((len(z), p))])
            for a, z in enumerate(self.Z)
        ]
        x = np.concatenate([u, inner])
        prior = np.diag(np.concatenate([np.ones(len(u)), self.precision]))
        slope = prior @ x - sum(c.T @ first[a] for a, c in enumerate(columns))
        curvature = prior.copy()
        for b in range(self.d):
            for a in range(self.d):
                i, j = min(a, b), max(a, b)
                curvature -= columns[a].T @ (second[j * (j + 1) // 2 + i][:, None] * columns[b])
        return -2 * value.sum() + x @ prior @ x, slope, curvature

    @property
    def precision(self) -> Vector:
        columns, sd = self.example.parts[0].columns, self.objective.penalty
        return np.array([0.0 if sd is None else (c != "Intercept") / sd**2 for c in columns])

    def mode(self) -> tuple[float, Vector, Vector, Matrix]:
        """Newton steps with halving until nothing moves."""
        q, inner = self.Z[0].shape[1], self.beta[0].copy()
        moving = np.r_[np.ones(q, bool), np.full(len(inner), self.objective.inner)]
        x = np.concatenate([np.zeros(q), inner])
        value, slope, curvature = self.penalised(x[:q], x[q:])
        for _ in range(100):
            step = np.zeros(len(x))
            step[moving] = np.linalg.solve(curvature[np.ix_(moving, moving)], -slope[moving])
            while True:
                new = self.penalised((x + step)[:q], (x + step)[q:])
                if new[0] <= value + 1e-10 * abs(value):
                    break
                step /= 2
            x, (value, slope, curvature) = x + step, new
            if np.abs(step).max(initial=0.0) < 1e-11:
                break
        return value, x[:q], x[q:], curvature

    def laplace(self) -> float:
        """Minus twice the approximate log-likelihood."""
        value, u, inner, curvature = self.mode()
        q = len(u)
        out = value - 2 * self.constant
        if self.objective.information == "expected":
            weights, _ = self.density.expected(
                [np.ascontiguousarray(e) for e in self.eta(u, inner)]
            )
            return out + np.linalg.slogdet(np.eye(q) + self.Z[0].T * weights @ self.Z[0])[1]
        if self.objective.reml:
            return out + np.linalg.slogdet(curvature)[1] - len(inner) * np.log(2 * np.pi)
        return out + np.linalg.slogdet(curvature[:q, :q])[1]

    def log_rows(self, u: Vector) -> Matrix:
        """Log-density of every row (m, n) where u (m, q) are effects."""
        out = []
        for one in np.atleast_2d(u):
            eta = [np.ascontiguousarray(e) for e in self.eta(one, self.beta[0])]
            out.append(self.density.evaluate(eta, 0, True)[0])
        return np.array(out)
