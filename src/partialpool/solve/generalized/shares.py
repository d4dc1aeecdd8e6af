"""What every row and every level adds to the gradient of the objective."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.core import dense_algebra, vector
from partialpool.families import Response
from partialpool.solve.generalized.densities import merges, take
from partialpool.solve.generalized.solution import GeneralizedSolution
from partialpool.solve.generalized.solving import known_coefficients, make_problem
from partialpool.solve.generalized.terms import core_terms

__all__ = ["gradient_by_cluster"]

Vector = NDArray[np.float64]
Codes = NDArray[np.int64]


def gradient_by_cluster(
    solution: GeneralizedSolution, response: Response, codes: Codes, n_clusters: int
) -> Vector:
    """Split the gradient of the objective at the optimum into the shares of clusters.

    Parameters
    ----------
    solution
        The optimum, of an objective that all coefficients are searched in.
    response
        Of all rows.
    codes : (n,) array
        The cluster of every row, which holds whole levels of all grouping factors.
    n_clusters
        How many there are.

    Returns
    -------
    (n_clusters, m) array
        Derivatives in the covariance parameters and the core's coefficients. As no effect is
        shared between clusters, Laplace's approximation and quadrature are products over them,
        and these are the derivatives of each cluster's own -2 log-likelihood; those of a prior
        (``penalty``) belong to none.

    References
    ----------
    Wood, Pya & Säfken (2016), Journal of the American Statistical Association 111, section 3,
    before the sum over rows and levels.
    """
    layout = solution.layout
    used = take(response, layout.kept)
    problem, estimate = solution.problem, solution.estimate
    if merges(used, solution.family, solution.zero):
        # Rows that are alike but for the response became one, and may be of several clusters.
        problem = make_problem(
            layout, used, solution.family, solution.zero, solution.objective, merge=False
        )
        beta = known_coefficients(solution.beta)
        with dense_algebra():
            estimate = problem.at(vector(solution.psi), beta, solution.objective.core)
    with dense_algebra():
        rows, levels = problem.shares(estimate, solution.objective.core)
    own = layout.rows(codes)
    m = problem.n_psi
    out = np.zeros((n_clusters, m + rows.shape[1]))
    np.add.at(out[:, m:], own, rows)
    random = {part.name: part.random for part in layout.parts}
    for term, shares in zip(core_terms(layout), levels, strict=True):
        cluster_of = np.zeros(len(shares), dtype=np.int64)
        cluster_of[layout.rows(random[term.part][term.term].factor.codes)] = own
        np.add.at(out[:, term.first : term.first + shares.shape[1]], cluster_of, shares)
    return out
