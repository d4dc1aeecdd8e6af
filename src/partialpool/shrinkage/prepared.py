"""A problem read once, ready for any penalty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.losses import RootMeanSquare, Squares
from partialpool.shrinkage.newton import NewtonPoint, minimise, pool_completely
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.quadratic import penalty_diagonal
from partialpool.shrinkage.ridge import LeastSquares, prepare_least_squares

__all__ = ["Found", "Prepared", "largest_penalty", "newton", "prepare"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A problem read once, for any number of penalties with the same squared ``main_l2``.

    Attributes
    ----------
    problem
        Rows and loss.
    squares
        Its cross-products where the loss is one of squares, else None.
    pooled
        Coefficients of complete pooling.
    main
        ``main_l2`` if its norm is squared, else 0.
    scale
        The largest second derivative of the loss in a deviation.
    """

    problem: Problem
    squares: LeastSquares | None
    pooled: Vector
    main: float
    scale: float

    @property
    def unit(self) -> float:
        """A typical size of the deviations."""
        loss = self.problem.loss
        if self.squares is None:
            return 1.0 / float(np.sqrt(self.scale))
        size = max(self.squares.rr, 1e-12 * float(loss.weights @ loss.y**2))
        return float(np.sqrt(size / self.scale)) or 1.0


def prepare(problem: Problem, penalty: Penalty) -> Prepared:
    """Read the rows of a problem.

    Parameters
    ----------
    problem
        Rows and loss.
    penalty
        Whose squared ``main_l2`` belongs to complete pooling.
    """
    main = penalty.main_l2 if penalty.squared else 0.0
    loss = problem.loss
    if isinstance(loss, (Squares, RootMeanSquare)):
        squares = prepare_least_squares(problem, main)
        return Prepared(problem, squares, squares.start, main, squares.scale)
    # Without a penalty the shared coefficients may have no end: a mix begins at zero.
    pooled = (
        pool_completely(problem, 2.0 * main) if penalty.ridge else np.zeros(problem.layout.size)
    )
    gram = loss.gram(problem.rows, problem.rows.eta(pooled))
    inner = gram.diagonal()[problem.layout.p :]
    return Prepared(problem, None, pooled, main, float(inner.max()) if inner.size else 1.0)


def largest_penalty(prepared: Prepared) -> float:
    """The smallest l2 at which all deviations are zero, with plain norms and nothing else."""
    problem, p = prepared.problem, prepared.problem.layout.p
    if prepared.squares is not None:
        ls = prepared.squares
        return float(np.linalg.norm(ls.b[p:])) / float(np.sqrt(ls.rr)) if ls.rr > 0 else 0.0
    slope = problem.loss.slope(problem.rows.eta(prepared.pooled))
    return float(np.linalg.norm(problem.rows.adjoint(slope)[p:]))


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Coefficients, and what is known of them before they are certified; see Solution."""

    theta: Vector
    kappa: float
    iterations: int
    kind: str = "interior"
    metrics: tuple[Vector, ...] = ()
    parts: Mapping[str, Vector] = field(default_factory=dict)
    slope: Vector | None = None


def newton(prepared: Prepared, kappa: float, start: Vector) -> NewtonPoint:
    """Minimise a smooth loss plus kappa / 2 ||u||^2."""
    problem = prepared.problem
    main = np.where(problem.main, 2.0 * prepared.main, 0.0)
    return minimise(problem, penalty_diagonal(problem.layout, kappa, main), start)
