"""The length of an affine function as a second-order cone.

References
----------
Nesterov & Todd (1997), Mathematics of Operations Research 22(1), 1-42.
Vandenberghe (2010), The CVXOPT linear and quadratic cone program solvers, section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FactorisationError
from partialpool.shrinkage.cones import Added, ScaledCone, State, Step

__all__ = ["NormCone"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NormCone:
    """cost times the length of h - M theta.

    Attributes
    ----------
    cost
        What a unit of length costs.
    h
        Constant part.
    forward, adjoint
        M theta and M'z.
    rows
        Whether M'M are the cross-products of the rows; otherwise it is ``diagonal``.
    diagonal
        Diagonal of M'M, or 0.
    unit
        A length to begin with where there is none.
    """

    cost: float
    h: Vector
    forward: Callable[[Vector], Vector]
    adjoint: Callable[[Vector], Vector]
    rows: bool
    diagonal: Vector | float
    unit: float

    @property
    def degree(self) -> int:
        """One: a cone of lengths counts once."""
        return 1

    def start(self, theta: Vector) -> State:
        """Begin inside the cone."""
        tail = self.h - self.forward(theta)
        size = float(np.linalg.norm(tail))
        head = 1.5 * size + 0.1 * self.unit
        return State(
            np.array([head]),
            np.concatenate([[head], tail]),
            np.concatenate([[self.cost], -0.5 * self.cost * tail / max(size, self.unit)]),
        )

    def gradient(self, state: State) -> Vector:
        """G'z for theta."""
        return self.adjoint(state.z[1:])

    def primal(self, theta: Vector, state: State) -> Vector:
        """G x + s - h."""
        out = state.s.copy()
        out[0] -= state.x[0]
        out[1:] += self.forward(theta) - self.h
        return out

    def reach(self, state: State) -> float:
        """What residuals are measured against."""
        return max(float(np.linalg.norm(self.h)), float(np.linalg.norm(state.s)), self.unit)

    def dual(self, state: State) -> Vector:
        """Stationarity of the bound: cost - z_0."""
        return np.array([self.cost - state.z[0]])

    def scaled(self, state: State) -> ScaledCone:
        """Scale at a point."""
        return _ScaledNorm.at(self, state)


@dataclass(frozen=True, slots=True, eq=False)
class _ScaledNorm:
    cone: NormCone
    state: State
    w: Vector
    eta: float
    lam: Vector

    @classmethod
    def at(cls, cone: NormCone, state: State) -> _ScaledNorm:
        root_s, root_z = _root(state.s), _root(state.z)
        s, z = state.s / root_s, state.z / root_z
        gamma = np.sqrt(0.5 * (1.0 + float(s @ z)))
        w = np.concatenate([[s[0] + z[0]], s[1:] - z[1:]]) / (2.0 * gamma)
        # Rounding must not take w off the hyperboloid.
        w[0] = np.sqrt(1.0 + float(w[1:] @ w[1:]))
        scaled = cls(cone, state, w, float(np.sqrt(root_s / root_z)), w)
        return replace(scaled, lam=scaled.apply(state.z))

    def apply(self, x: Vector) -> Vector:
        return self.eta * self._turn(x, 1.0)

    def apply_inverse(self, x: Vector) -> Vector:
        return self._turn(x, -1.0) / self.eta

    def _turn(self, x: Vector, sign: float) -> Vector:
        inner = float(self.w[1:] @ x[1:])
        out = x.copy()
        out[0] = self.w[0] * x[0] + sign * inner
        out[1:] += (sign * x[0] + inner / (1.0 + self.w[0])) * self.w[1:]
        return out

    @property
    def _head(self) -> float:
        return float(2.0 * self.w[0] ** 2 - 1.0)

    def added(self) -> Added:
        d = self.eta**-2
        return Added(
            d if self.cone.rows else 0.0,
            0.0 if self.cone.rows else d * self.cone.diagonal,
            self.cone.adjoint(self.w[1:]),
            2.0 * d / self._head,
        )

    def right(self, b: Vector, dual: Vector) -> Vector:
        return self.cone.adjoint(self._tail(b[1:], dual))

    def _tail(self, e: Vector, dual: Vector) -> Vector:
        inner = float(self.w[1:] @ e) + self.w[0] * self.eta**2 * dual[0]
        return np.asarray((e - (2.0 / self._head) * inner * self.w[1:]) / self.eta**2)

    def step(self, move: Vector, primal: Vector, b: Vector, dual: Vector) -> Step:
        moved = self.cone.forward(move)
        e = moved + b[1:]
        z = np.concatenate([dual, self._tail(e, dual)])
        inner = float(self.w[1:] @ e)
        head = (self.eta**2 * dual[0] + 2.0 * self.w[0] * inner) / self._head
        x = b[0] - head
        s = -primal
        s[0] += x
        s[1:] -= moved
        return Step(np.array([x]), s, z)

    def predictor(self) -> Vector:
        return -self.state.s

    def corrector(self, step: Step, mu: float) -> Vector:
        ds, dz = self.apply_inverse(step.s), self.apply(step.z)
        target = -_jordan(self.lam, self.lam) - _jordan(ds, dz)
        target[0] += mu
        return self.apply(_divide(self.lam, target))

    def longest(self, step: Step) -> float:
        return min(
            _longest(self.lam, self.apply_inverse(step.s)), _longest(self.lam, self.apply(step.z))
        )


def _root(x: Vector) -> float:
    size = float(np.linalg.norm(x[1:]))
    return float(np.sqrt(max(x[0] - size, 1e-300) * (x[0] + size)))


def _jordan(x: Vector, y: Vector) -> Vector:
    out = np.asarray(x[0] * y + y[0] * x)
    out[0] = float(x @ y)
    return out


def _divide(lam: Vector, x: Vector) -> Vector:
    """Solve lam o y = x."""
    det = _root(lam) ** 2
    inner = float(lam[1:] @ x[1:])
    out = np.empty_like(x)
    out[0] = (lam[0] * x[0] - inner) / det
    out[1:] = (x[1:] - out[0] * lam[1:]) / lam[0]
    return out


def _longest(lam: Vector, d: Vector) -> float:
    root = _root(lam)
    if not root > 0.0:
        raise FactorisationError("a cone's variables have reached its boundary.")
    bar = lam / root
    head = float(bar[0] * d[0] - bar[1:] @ d[1:])
    tail = d[1:] - ((head + d[0]) / (bar[0] + 1.0)) * bar[1:]
    out = (float(np.linalg.norm(tail)) - head) / root
    return 1.0 / out if out > 0 else np.inf
