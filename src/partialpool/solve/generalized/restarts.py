"""A second search where the first may have taken groups for zeros or overdispersion."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedEstimate, GeneralizedProblem, dense_algebra, vector
from partialpool.families import ResponseFamily, Zero
from partialpool.solve.generalized.layout import Layout
from partialpool.solve.generalized.objective import Objective

__all__ = ["search_again"]

# In units of the linear predictor; what the core's first search starts with.
_DEVIATION = 0.5
# Decrease of the deviance that is more than two ends of one search differ by.
_BETTER = 1e-6
_OVERDISPERSED = (
    "nbinom1",
    "nbinom2",
    "truncated_nbinom1",
    "truncated_nbinom2",
    "betabinomial",
)


def search_again(
    problem: GeneralizedProblem,
    layout: Layout,
    first: GeneralizedEstimate,
    start: Sequence[NDArray[np.float64]],
    family: ResponseFamily,
    zero: Zero,
    objective: Objective,
    tolerance: float,
    most: int,
) -> tuple[GeneralizedEstimate, int]:
    """Search from a second point where the first search ended with a variance of zero.

    The first starts from the optimum without random effects, where added zeros and the dispersion
    may stand for what differs between groups: an optimum of its own, which needn't be the best.
    The second starts from constant predictors. Only of scalar random effects, and only in
    models that have something to take for them.

    Parameters
    ----------
    problem, layout
        The rows, and how their predictors lie.
    first
        Where the first search ended.
    start
        Coefficients of constant predictors.
    family, zero, objective
        What is maximised.
    tolerance, most
        As for the first search.

    Returns
    -------
    GeneralizedEstimate, int
        The better of the two, and the evaluations of both.
    """
    confusable = zero != "none" or family.name in _OVERDISPERSED
    scalar = problem.n_psi == sum(len(block.terms) for block in layout.blocks)
    if not (confusable and scalar and first.converged and np.any(first.psi == 0.0)):
        return first, first.evaluations
    with dense_algebra():
        second = problem.improve(
            vector(np.full(problem.n_psi, _DEVIATION)), list(start), objective.core, tolerance, most
        )
    evaluations = first.evaluations + second.evaluations
    if second.converged and second.objective < first.objective - _BETTER:
        return second, evaluations
    return first, evaluations
