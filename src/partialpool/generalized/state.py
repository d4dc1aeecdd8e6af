"""What of a solution has to be kept to make it again without a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.families import Response, ResponseFamily, Zero
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.estimates import Solved
from partialpool.generalized.quasi import QuasiSolution, restore_quasi
from partialpool.generalized.solving import make_objective, make_parts
from partialpool.solve.generalized import GeneralizedSolution, restore_generalized

__all__ = ["SolutionState", "restore", "state_of"]


@dataclass(frozen=True, slots=True, eq=False)
class SolutionState:
    """Where a search ended, as plain values.

    Attributes
    ----------
    family, zero
        Distribution of the response.
    evaluations, converged
        How the search ended.
    arrays
        ``psi``; the coefficients ``beta.mean`` and so on; by penalised quasi-likelihood the
        ``point`` of the last working response instead.
    """

    family: ResponseFamily
    zero: Zero
    evaluations: int
    converged: bool
    arrays: Mapping[str, NDArray[Any]]


def state_of(solution: Solved) -> SolutionState:
    """Take down what a solution is made of."""
    if isinstance(solution, QuasiSolution):
        arrays = {"psi": np.asarray(solution.working.optimum.psi), "point": solution.point}
    else:
        assert isinstance(solution, GeneralizedSolution)
        arrays = {"psi": np.asarray(solution.psi)}
        arrays |= {f"beta.{name}": values for name, values in solution.beta.items()}
    return SolutionState(
        solution.family, solution.zero, solution.evaluations, solution.converged, arrays
    )


def restore(
    designs: Mapping[str, Design], response: Response, asked: Approximation, state: SolutionState
) -> Solved:
    """Make a solution again: one evaluation of the likelihood.

    Raises
    ------
    ValueError
        If the arrays don't fit the rows and columns.
    """
    n, arrays = len(designs["mean"].y), state.arrays
    if asked.method == "pql":
        if arrays["point"].shape != (n,):
            raise ValueError("the working response doesn't fit its rows")
        return restore_quasi(
            designs["mean"],
            response,
            state.family,
            asked,
            arrays["point"],
            arrays["psi"],
            state.evaluations,
            state.converged,
        )
    parts = make_parts(designs, state.family, state.zero, n)
    beta = {name[5:]: b for name, b in arrays.items() if name.startswith("beta.")}
    for part in parts:
        if beta[part.name].shape != (part.X.shape[1],):
            raise ValueError(f"the coefficients of {part.name!r} don't fit its columns")
    return restore_generalized(
        parts,
        response,
        state.family,
        state.zero,
        response.weights,
        make_objective(asked),
        arrays["psi"],
        beta,
        state.evaluations,
        state.converged,
    )
