"""The norms of an objective as cones, with the scaling of Nesterov and Todd.

Each cone holds slacks s = h - G x and dual variables z. Its own auxiliary variables (the bound
of a norm) are eliminated in closed form, so that only the coefficients theta are left.

References
----------
Nesterov & Todd (1997), Mathematics of Operations Research 22(1), 1-42.
Vandenberghe (2010), The CVXOPT linear and quadratic cone program solvers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Added", "Cone", "ScaledCone", "State", "Step"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Where a cone's variables are.

    Attributes
    ----------
    x
        Its auxiliary variables.
    s, z
        Slacks and dual variables, inside the cone.
    """

    x: Vector
    s: Vector
    z: Vector

    def moved(self, step: Step, length: float) -> State:
        """Go along a step."""
        return State(self.x + length * step.x, self.s + length * step.s, self.z + length * step.z)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A direction for a cone's variables."""

    x: Vector
    s: Vector
    z: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """What a cone adds to the matrix of theta.

    Attributes
    ----------
    rows
        A multiple of the weighted cross-products.
    diagonal
        A diagonal, or 0.
    vector
        g of the rank-one term -weight g g'.
    weight
        Its weight.
    """

    rows: float
    diagonal: Vector | float
    vector: Vector
    weight: float


class Cone(Protocol):
    """What the interior point method asks of a cone."""

    @property
    def cost(self) -> float:
        """What a unit of the norm costs."""

    @property
    def degree(self) -> int:
        """Number of complementarity conditions."""

    def start(self, theta: Vector) -> State:
        """Begin inside the cone."""

    def gradient(self, state: State) -> Vector:
        """G'z for theta."""

    def primal(self, theta: Vector, state: State) -> Vector:
        """G x + s - h."""

    def dual(self, state: State) -> Vector:
        """Stationarity of the auxiliary variables."""

    def reach(self, state: State) -> float:
        """What residuals are measured against."""

    def scaled(self, state: State) -> ScaledCone:
        """Scale at a point."""


class ScaledCone(Protocol):
    """A cone at one point."""

    def added(self) -> Added:
        """What it adds to the matrix of theta."""

    def right(self, b: Vector, dual: Vector) -> Vector:
        """What it takes from the right side."""

    def step(self, move: Vector, primal: Vector, b: Vector, dual: Vector) -> Step:
        """Its variables' step, given theta's."""

    def predictor(self) -> Vector:
        """W d of the affine direction."""

    def corrector(self, step: Step, mu: float) -> Vector:
        """W d that aims at mu, with Mehrotra's correction."""

    def longest(self, step: Step) -> float:
        """The longest step that stays inside."""
