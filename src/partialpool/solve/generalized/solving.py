"""From linear predictors and a response to estimates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedProblem, dense_algebra, vector
from partialpool.errors import DataError, ModelError
from partialpool.families import Ordinal, Response, ResponseFamily, Zero
from partialpool.solve.generalized.degenerate import (
    refuse_exact_fit,
    refuse_levels_of_one_row,
    refuse_multiples,
)
from partialpool.solve.generalized.densities import density_maker, merges, take, threshold_columns
from partialpool.solve.generalized.layout import Layout, Part, lay_out
from partialpool.solve.generalized.objective import Objective
from partialpool.solve.generalized.restarts import search_again
from partialpool.solve.generalized.separation import refuse_separated
from partialpool.solve.generalized.solution import GeneralizedSolution
from partialpool.solve.generalized.starting import link_unit, start

__all__ = ["known_coefficients", "make_problem", "restore_generalized", "solve_generalized"]

Vector = NDArray[np.float64]

# Decrease of the objective that the last step may still promise.
_TOLERANCE = 1e-9
_MAX_EVALUATIONS = 300
# exp(709) is the largest number there is.
_MOST_OFFSET = 700.0


def solve_generalized(
    parts: tuple[Part, ...],
    response: Response,
    family: ResponseFamily,
    zero: Zero,
    weights: Vector | None,
    objective: Objective,
) -> GeneralizedSolution:
    """Estimate a generalized linear mixed model.

    Parameters
    ----------
    parts
        Linear predictors, in the family's order; without the thresholds of an ordinal model.
    response, family, zero
        What is explained, and its distribution.
    weights : (n,) array, or None
        Prior weights, which multiply the log-density.
    objective
        What to maximise.

    Raises
    ------
    DataError
        If an offset overflows.
    ModelError
        If the model can't be identified on these rows, or has no maximum.

    References
    ----------
    Wood, Pya & Säfken (2016), Journal of the American Statistical Association 111, section 3,
    for the implicit differentiation of Laplace's approximation.
    """
    layout = lay_out(parts, weights)
    used = take(response, layout.kept)
    _refuse_extreme_offset(layout, used, family)
    refuse_levels_of_one_row(layout, used, family)
    problem = make_problem(layout, used, family, zero, objective)
    _refuse_dependent_basis(layout, problem)
    coefficients = start(layout, used, family, zero, problem)
    with dense_algebra():
        first = problem.optimise(coefficients, objective.core, _TOLERANCE, _MAX_EVALUATIONS)
    limits = _TOLERANCE, _MAX_EVALUATIONS
    estimate, evaluations = search_again(
        problem, layout, first, coefficients, family, zero, objective, *limits
    )
    if not np.isfinite(estimate.objective):
        raise ModelError(
            f"the likelihood of the {family.name} model can't be evaluated at any parameters that "
            f"were tried. {_cure(family)}"
        )
    solution = GeneralizedSolution(
        layout,
        family,
        zero,
        objective,
        problem,
        estimate,
        evaluations,
        estimate.converged,
        _n_thresholds(used, family),
    )
    refuse_exact_fit(solution, used)
    refuse_multiples(solution, used)
    refuse_separated(solution, used)
    return solution


def restore_generalized(
    parts: tuple[Part, ...],
    response: Response,
    family: ResponseFamily,
    zero: Zero,
    weights: Vector | None,
    objective: Objective,
    psi: Vector,
    beta: dict[str, Vector],
    evaluations: int,
    converged: bool,
) -> GeneralizedSolution:
    """Make the solution of a saved fit again, without a search.

    Parameters
    ----------
    parts, response, family, zero, weights, objective
        As for :func:`solve_generalized`.
    psi, beta
        The parameters that its search found.
    evaluations, converged
        How it ended.
    """
    layout = lay_out(parts, weights)
    used = take(response, layout.kept)
    problem = make_problem(layout, used, family, zero, objective)
    coefficients = known_coefficients(beta)
    with dense_algebra():
        estimate = problem.at(vector(psi), coefficients, objective.core)
    return GeneralizedSolution(
        layout,
        family,
        zero,
        objective,
        problem,
        estimate,
        evaluations,
        converged,
        _n_thresholds(used, family),
    )


def known_coefficients(beta: Mapping[str, Vector]) -> list[Vector]:
    """Return the coefficients of every part as the core takes them, without those left out."""
    return [vector(values[~np.isnan(values)]) for values in beta.values()]


def make_problem(
    layout: Layout,
    response: Response,
    family: ResponseFamily,
    zero: Zero,
    objective: Objective,
    merge: bool = True,
) -> GeneralizedProblem:
    """Hand the rows to the core; with ``merge`` those that are alike become one if they can."""
    ordinal = isinstance(family, Ordinal)
    predictors = 3 if ordinal else len(family.parts(zero))
    thresholds = threshold_columns(response) if ordinal else None
    return GeneralizedProblem(
        [link_unit(family, response), *[1.0] * (predictors - 1)],
        layout.core_parts(thresholds),
        layout.core_offsets(predictors),
        layout.core_effects(),
        merge and merges(response, family, zero),
        _precisions(layout, objective),
        density_maker(response, family, zero),
    )


def _precisions(layout: Layout, objective: Objective) -> list[Vector]:
    if objective.penalty is None:
        return []
    columns = layout.parts[0].columns
    return [vector([(c != "Intercept") / objective.penalty**2 for c in columns])]


def _cure(family: ResponseFamily) -> str:
    low, high = family.eta_range
    if np.isinf(low) and np.isinf(high):
        return "Look for values of extreme size in the columns and the offset."
    return (
        f"With the {family.link.name} link its linear predictor has to stay between {low:g} and "
        f"{high:g} in every row, random effects included. Use the link {family.links[0]!r}, which "
        "has no such limits."
    )


def _n_thresholds(response: Response, family: ResponseFamily) -> int:
    return len(response.levels or ()) - 1 if isinstance(family, Ordinal) else 0


def _refuse_extreme_offset(layout: Layout, response: Response, family: ResponseFamily) -> None:
    offset = layout.parts[0].offset
    if offset is None or family.link.name not in ("log", "cloglog"):
        return
    used = layout.rows(offset)
    # What all rows have in common the intercept takes back.
    rows = np.flatnonzero(np.abs(used - np.median(used)) > _MOST_OFFSET)
    if len(rows) == 0:
        return
    given = rows if response.rows is None else response.rows[rows]
    far = used[rows[0]] - np.median(used)
    raise DataError(
        f"the offset is {used[rows[0]]:g} in row {given[0]}"
        + (f" and as extreme in {len(rows) - 1} more" if len(rows) > 1 else "")
        + f", beside a median of {np.median(used):g}: with the {family.link.name} link the mean is "
        f"a multiple of exp(offset), which {'over' if far > 0 else 'under'}flows. An offset is the "
        "logarithm of an exposure: pass offset='log(exposure)'."
    )


def _refuse_dependent_basis(layout: Layout, problem: GeneralizedProblem) -> None:
    block, position, column = problem.deficient
    if block < 0:
        return
    a, t = layout.blocks[block].terms[position]
    effects = layout.parts[a].random[t]
    name = effects.columns[column]
    others = ", ".join(repr(c) for c in effects.columns if c != name) or "nothing"
    raise ModelError(
        f"in the random term {effects.term.source} the column {name!r} is a combination of "
        f"{others} in all rows, so that their covariance can't be told apart. Remove it from the "
        "term, or write the term with || for independent effects."
    )
