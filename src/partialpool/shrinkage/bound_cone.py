"""Bounds of single deviations, each with its own or all with one: the l1 and the maximum norm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.cones import Added, ScaledCone, State, Step

__all__ = ["BoundCone"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class BoundCone:
    """cost times the sum of bounds t with |u| <= omega t: one each (l1), or one for all (linf).

    Slacks and dual variables are those of omega t - u, then of omega t + u.

    Attributes
    ----------
    cost
        What a unit of bound costs.
    omega
        Weights of the deviations in their bound.
    p, size
        Number of shared coefficients, and of all.
    common
        Whether there is one bound for all.
    unit
        A bound to begin with where there is none.
    """

    cost: float
    omega: Vector
    p: int
    size: int
    common: bool
    unit: float

    @property
    def degree(self) -> int:
        """Number of inequalities."""
        return 2 * len(self.omega)

    def _sum(self, a: Vector) -> Vector:
        return np.array([float(self.omega @ a)]) if self.common else self.omega * a

    def start(self, theta: Vector) -> State:
        """Begin inside the cone."""
        u = theta[self.p :]
        needed = np.abs(u) / self.omega
        x = 1.2 * needed + self.unit
        if self.common:
            x = np.array([float(x.max())])
        bound = self.omega * x
        each = self.cost / (2.0 * (self.omega.sum() if self.common else self.omega))
        z = np.full(len(u), each) if self.common else each
        return State(x, np.concatenate([bound - u, bound + u]), np.concatenate([z, z]))

    def gradient(self, state: State) -> Vector:
        """G'z for theta."""
        above, below = np.split(state.z, 2)
        out = np.zeros(self.size)
        out[self.p :] = above - below
        return out

    def primal(self, theta: Vector, state: State) -> Vector:
        """G x + s - h."""
        u, bound = theta[self.p :], self.omega * state.x
        return np.asarray(state.s + np.concatenate([u - bound, -u - bound]))

    def reach(self, state: State) -> float:
        """What residuals are measured against."""
        return max(float(np.linalg.norm(state.s)), self.unit)

    def dual(self, state: State) -> Vector:
        """Stationarity of the bounds: cost less what the dual variables pay."""
        above, below = np.split(state.z, 2)
        return self.cost - self._sum(above + below)

    def scaled(self, state: State) -> ScaledCone:
        """Scale at a point."""
        return _ScaledBound(self, state)


@dataclass(frozen=True, slots=True, eq=False)
class _ScaledBound:
    cone: BoundCone
    state: State

    @property
    def _slopes(self) -> tuple[Vector, Vector]:
        above, below = np.split(self.state.z / self.state.s, 2)
        return above, below

    def added(self) -> Added:
        cone = self.cone
        above, below = self._slopes
        diagonal, vector = np.zeros(cone.size), np.zeros(cone.size)
        if not cone.common:
            diagonal[cone.p :] = 4.0 * above * below / (above + below)
            return Added(0.0, diagonal, vector, 0.0)
        diagonal[cone.p :] = above + below
        vector[cone.p :] = cone.omega * (above - below)
        return Added(0.0, diagonal, vector, 1.0 / float(cone.omega**2 @ (above + below)))

    def _bound(self, u: Vector | float, b: Vector, dual: Vector) -> Vector:
        """Step of the bounds, given that of the deviations."""
        above, below = self._slopes
        over, under = np.split(b, 2)
        pull = self.cone._sum((above - below) * u + above * over + below * under) - dual
        if self.cone.common:
            return np.asarray(pull / float(self.cone.omega**2 @ (above + below)))
        return np.asarray(pull / (self.cone.omega**2 * (above + below)))

    def right(self, b: Vector, dual: Vector) -> Vector:
        cone = self.cone
        above, below = self._slopes
        over, under = np.split(b, 2)
        out = np.zeros(cone.size)
        bound = self._bound(0.0, b, dual)
        out[cone.p :] = above * over - below * under - cone.omega * (above - below) * bound
        return out

    def step(self, move: Vector, primal: Vector, b: Vector, dual: Vector) -> Step:
        u = move[self.cone.p :]
        x = self._bound(u, b, dual)
        bound = self.cone.omega * x
        moved = np.concatenate([u - bound, -u - bound])
        z = (self.state.z / self.state.s) * (moved + b)
        return Step(x, -primal - moved, z)

    def predictor(self) -> Vector:
        return -self.state.s

    def corrector(self, step: Step, mu: float) -> Vector:
        s, z = self.state.s, self.state.z
        return np.asarray((mu - s * z - step.s * step.z) / z)

    def longest(self, step: Step) -> float:
        worst = max(float((-step.s / self.state.s).max()), float((-step.z / self.state.z).max()))
        return 1.0 / worst if worst > 0 else np.inf
