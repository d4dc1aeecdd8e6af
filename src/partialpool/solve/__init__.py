"""Structured penalised least squares: from a design to estimates."""

from __future__ import annotations

from partialpool.solve.blocks import Block, arrange
from partialpool.solve.problem import Reduced, reduce
from partialpool.solve.refits import Refits, solve_many
from partialpool.solve.sensitivity import (
    Sensitivity,
    chart_directions,
    information,
    linear_directions,
    sensitivity,
    unprofiled_hessian,
)
from partialpool.solve.solution import (
    Likelihood,
    Solution,
    solve,
    solve_again,
    solve_by,
    solve_reduced,
)

__all__ = [
    "Block",
    "Likelihood",
    "Reduced",
    "Refits",
    "Sensitivity",
    "Solution",
    "arrange",
    "chart_directions",
    "information",
    "linear_directions",
    "reduce",
    "sensitivity",
    "solve",
    "solve_again",
    "solve_by",
    "solve_many",
    "solve_reduced",
    "unprofiled_hessian",
]
