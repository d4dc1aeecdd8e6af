"""Smooth losses with a quadratic penalty added, by Newton's method."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FactorisationError, ModelError, PartialPoolWarning
from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.factor import Factor
from partialpool.shrinkage.losses import RootMeanSquare
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.quadratic import deviations_only
from partialpool.shrinkage.sparse_factor import make_system

__all__ = ["NewtonPoint", "minimise", "pool_completely"]

Vector = NDArray[np.float64]

# Decrease that the last step may still promise, of a loss that is at most log 2 by guessing.
_TOLERANCE = 1e-15
_MOST = 100
# A loss that is reached only where every row is sure of its class.
_CERTAIN = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class NewtonPoint:
    """Where loss plus a quadratic is least.

    Attributes
    ----------
    theta
        Coefficients.
    tau2
        ||u||^2.
    slope
        Its derivative in kappa.
    factor
        The second derivatives, factored.
    steps
        Newton steps.
    """

    theta: Vector
    tau2: float
    slope: float
    factor: Factor
    steps: int


def minimise(problem: Problem, penalty: Vector, start: Vector) -> NewtonPoint:
    """Minimise a smooth loss plus a quadratic penalty.

    Parameters
    ----------
    problem
        Rows and loss.
    penalty
        Multipliers of half the coefficients' squares.
    start
        Coefficients to begin with.

    Raises
    ------
    ModelError
        If the second derivatives can't be factored.
    """
    loss = problem.loss
    assert not isinstance(loss, RootMeanSquare)
    theta, eta = start, problem.rows.eta(start)
    value = loss.value(eta) + 0.5 * float(theta @ (penalty * theta))
    factor, steps = None, 0
    while steps < _MOST:
        gradient = problem.rows.adjoint(loss.slope(eta)) + penalty * theta
        try:
            factor = make_system(loss.gram(problem.rows, eta)).factor(1.0, penalty)
        except FactorisationError:
            _say_separated(factor)
            break
        steps += 1
        move = factor.solve(-gradient)
        promise = -0.5 * float(gradient @ move)
        if promise <= _TOLERANCE:
            theta = theta + move  # for nothing: the gradient vanishes to its last digits
            break
        theta, eta, value = _search(problem, theta, move, value, promise, penalty)
    assert factor is not None
    if value < _CERTAIN and not penalty[: problem.layout.p].all():
        _say_separated(factor)
    inner = deviations_only(problem.layout, theta)
    slope = -2.0 * float(inner @ factor.solve(inner))
    return NewtonPoint(theta, float(inner @ inner), slope, factor, steps)


def _say_separated(factor: Factor | None) -> None:
    """Rows that are sure of their class have no curvature: the coefficients have no end."""
    if factor is None:
        raise ModelError(
            "the second derivatives of the loss are singular where the search begins. Look for "
            "columns of extreme size, or pass standardize=True."
        )
    warnings.warn(
        "the shared columns separate the classes, so that their coefficients would grow without "
        "end; the search stopped where the classes are told apart. Penalise them with main_l2.",
        PartialPoolWarning,
        stacklevel=2,
    )


def pool_completely(problem: Problem, main: float = 0.0) -> Vector:
    """Coefficients of complete pooling: all deviations zero.

    Parameters
    ----------
    problem
        Rows and a smooth loss.
    main
        Multiplier of half the penalised shared coefficients' squares.
    """
    rows = problem.rows
    bare = replace(problem.bare, terms=())
    pooled = ClassRows(bare, rows.classes) if isinstance(rows, ClassRows) else bare
    shared = replace(problem, rows=pooled)
    p = problem.layout.p
    penalty = np.where(problem.main, main, 0.0)
    theta = np.zeros(problem.layout.size)
    if p:
        theta[:p] = minimise(shared, penalty, np.zeros(p)).theta
    return theta


def _search(
    problem: Problem,
    theta: Vector,
    move: Vector,
    value: float,
    promise: float,
    penalty: Vector,
) -> tuple[Vector, Vector, float]:
    """Halve the step until the objective falls."""
    length = 1.0
    while True:
        new = theta + length * move
        eta = problem.rows.eta(new)
        reached = problem.loss.value(eta) + 0.5 * float(new @ (penalty * new))
        # Rounding hides a fall that is smaller than the objective's last digits.
        if reached <= value - 1e-4 * length * promise + 1e-15 or length < 1e-8:
            return new, eta, reached
        length *= 0.5
