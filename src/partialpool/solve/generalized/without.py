"""The optimum without some rows, from the one with them."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from partialpool.core import (
    STRUCTURE_CODES,
    CoreForm,
    covariance_size,
    dense_algebra,
    structure_name,
    vector,
)
from partialpool.errors import ModelError
from partialpool.families import Response
from partialpool.formula.structures import SQUARED
from partialpool.solve.generalized.densities import take
from partialpool.solve.generalized.layout import lay_out
from partialpool.solve.generalized.solution import GeneralizedSolution
from partialpool.solve.generalized.solving import known_coefficients, make_problem
from partialpool.solve.generalized.terms import core_terms

__all__ = ["solve_without"]

Vector = NDArray[np.float64]
_TOLERANCE = 1e-9
_MOST_EVALUATIONS = 300


def solve_without(
    solution: GeneralizedSolution, response: Response, gone: NDArray[np.bool_]
) -> GeneralizedSolution:
    """Estimate the same model without some rows, from the estimates with them.

    Parameters
    ----------
    solution
        The optimum of all rows.
    response
        Of all rows.
    gone : (n,) array
        The rows that are left out.

    Raises
    ------
    ModelError
        If the rows that stay don't determine the same parameters.
    """
    weights = np.ones(len(gone)) if response.weights is None else response.weights
    weights = np.where(gone, 0.0, weights)
    fewer = dataclasses.replace(response, weights=weights)
    layout = lay_out(solution.layout.parts, weights)
    if layout.kept is not None and not len(layout.kept):
        raise ModelError("no rows are left.")
    used = take(fewer, layout.kept)
    problem = make_problem(layout, used, solution.family, solution.zero, solution.objective)
    groups = range(len(solution.names))
    same = problem.deficient[0] < 0 and all(
        list(problem.kept(g)) == list(solution.problem.kept(g)) for g in groups
    )
    if not same:
        raise ModelError("a column is constant in the rows that are left, or the sum of others.")
    draft = dataclasses.replace(solution, layout=layout, problem=problem)
    with dense_algebra():
        estimate = problem.improve(
            vector(_mapped(solution, draft)),
            known_coefficients(solution.beta),
            solution.objective.core,
            _TOLERANCE,
            _MOST_EVALUATIONS,
        )
    if not (estimate.converged and np.isfinite(estimate.objective)):
        raise ModelError("the likelihood of the rows that are left has no maximum.")
    return dataclasses.replace(
        draft, estimate=estimate, evaluations=estimate.evaluations, converged=estimate.converged
    )


def _mapped(solution: GeneralizedSolution, to: GeneralizedSolution) -> Vector:
    """The covariance parameters in the coordinates of another problem."""
    psi = np.array(solution.psi)
    for term in core_terms(solution.layout):
        own = slice(term.first, term.first + covariance_size(term.code, term.k))
        old, new = (s.problem.term_matrix(term.position) for s in (solution, to))
        psi[own] = _turned(term.code, term.k, psi[own], old, new)
    return psi


def _turned(code: CoreForm, k: int, psi: Vector, old: Vector, new: Vector) -> Vector:
    ratio = np.diag(old) / np.diag(new)
    out = psi.copy()
    if code == STRUCTURE_CODES["unstructured"] and k > 1:
        lower = np.zeros((k, k))
        lower.T[np.triu_indices(k)] = psi
        root = np.linalg.solve(new, old) @ lower
        upper: Vector = np.asarray(np.linalg.qr(root.T, mode="r"))
        signs = np.where(np.diag(upper) < 0, -1.0, 1.0)
        return np.asarray((signs[:, None] * upper)[np.triu_indices(k)])
    if structure_name(code) in SQUARED:
        out[:k] *= np.sqrt(ratio)
    elif code == STRUCTURE_CODES["diagonal"] or k == 1:
        out *= ratio
    else:
        out[0] *= ratio[0]
    return out
