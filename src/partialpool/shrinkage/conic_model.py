"""An objective of norms as a smooth function and cones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.bound_cone import BoundCone
from partialpool.shrinkage.cones import Cone
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.losses import RootMeanSquare, Squares
from partialpool.shrinkage.norm_cone import NormCone
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem

__all__ = ["ConicModel", "conic_model"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ConicModel:
    """An objective as a smooth part and cones.

    Attributes
    ----------
    problem
        Rows and loss.
    cones
        The norms by name; the root of the mean square is one of them.
    quadratic
        Multipliers of half the coefficients' squares.
    fixed
        Cross-products, where they are the same everywhere.
    """

    problem: Problem
    cones: dict[str, Cone]
    quadratic: Vector
    fixed: Gram | None

    def gradient(self, theta: Vector) -> Vector:
        """Derivatives of the smooth part."""
        loss = self.problem.loss
        out = self.quadratic * theta
        if not isinstance(loss, RootMeanSquare):
            out = out + self.problem.rows.adjoint(loss.slope(self.problem.rows.eta(theta)))
        return out

    def gram(self, theta: Vector) -> tuple[Gram, float]:
        """Cross-products, and with which factor they are second derivatives of the smooth part."""
        loss = self.problem.loss
        if self.fixed is not None:
            return self.fixed, 0.0 if isinstance(loss, RootMeanSquare) else 2.0
        assert not isinstance(loss, RootMeanSquare)
        return loss.gram(self.problem.rows, self.problem.rows.eta(theta)), 1.0


def conic_model(problem: Problem, penalty: Penalty, unit: float) -> ConicModel:
    """Write an objective with cones.

    Parameters
    ----------
    problem, penalty
        The objective.
    unit
        A typical size of the deviations u.
    """
    layout, loss = problem.layout, problem.loss
    p, size = layout.p, layout.size
    cones: dict[str, Cone] = {}
    quadratic = np.zeros(size)
    squares = isinstance(loss, (Squares, RootMeanSquare))
    if isinstance(loss, RootMeanSquare):
        cones["loss"] = _loss_cone(problem, loss)
    if penalty.squared:
        quadratic[p:] = 2.0 * penalty.l2
        quadratic[:p][problem.main] = 2.0 * penalty.main_l2
    else:
        inner = np.zeros(size, dtype=bool)
        inner[p:] = True
        outer = np.zeros(size, dtype=bool)
        outer[:p] = problem.main
        for name, cost, where in (("l2", penalty.l2, inner), ("main", penalty.main_l2, outer)):
            if cost and where.any():
                cones[name] = _length_cone(cost, where, unit)
    if size > p:
        omega = problem.omega
        each = np.ones(size - p)
        if penalty.l1:
            cones["l1"] = BoundCone(penalty.l1, each, p, size, False, unit)
        if penalty.linf:
            typical = unit / float(np.exp(np.log(omega).mean()))
            cones["linf"] = BoundCone(penalty.linf, omega, p, size, True, typical)
    fixed = problem.rows.gram(loss.weights) if squares else None
    return ConicModel(problem, cones, quadratic, fixed)


def _loss_cone(problem: Problem, loss: RootMeanSquare) -> NormCone:
    root = np.sqrt(loss.weights)
    h = root * loss.y
    return NormCone(
        1.0,
        h,
        lambda theta: root * problem.rows.eta(theta),
        lambda z: problem.rows.adjoint(root * z),
        True,
        0.0,
        0.1 * max(float(np.linalg.norm(h)), 1e-300),
    )


def _length_cone(cost: float, where: NDArray[np.bool_], unit: float) -> NormCone:
    def adjoint(z: Vector) -> Vector:
        out = np.zeros(len(where))
        out[where] = -z
        return out

    return NormCone(
        cost,
        np.zeros(int(where.sum())),
        lambda theta: -theta[where],
        adjoint,
        False,
        where.astype(np.float64),
        unit,
    )
