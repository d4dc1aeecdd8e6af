"""Akaike's criterion of a generalized model for predicting the groups that were seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.core import dense_algebra, matrix
from partialpool.errors import NotAvailableError
from partialpool.inference import ConditionalAic
from partialpool.solve.generalized import GeneralizedSolution

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["conditional_aic"]

Array = NDArray[np.float64]
# Share of the largest variance below which a direction of the random effects has none.
_VANISHED = 1e-10


def conditional_aic(fit: GlmmFit) -> ConditionalAic:
    """Compute the conditional Akaike criterion of a generalized mixed model.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Raises
    ------
    NotAvailableError
        By penalised quasi-likelihood.

    Notes
    -----
    The degrees of freedom are the trace of the hat matrix of the penalised working model at the
    modes: the number of coefficients of all parts, and of the random effects their number less
    trace(Sigma^-1 V), where V is their covariance given the response with the coefficients' own
    uncertainty; predictors without random effects are taken as known in it. Covariance parameters
    are taken as known as well, which favours models with more random effects a little (Säfken et
    al. 2021, Journal of Statistical Software 99(8), correct that by refits for Poisson and binary
    responses).

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> found = conditional_aic(fit)
    >>> round(found.df, 1)
    13.3

    References
    ----------
    Yu & Yau (2012), Computational Statistics & Data Analysis 56, 629-644; Säfken, Kneib, van
    Waveren & Greven (2014), Electronic Journal of Statistics 8, 201-225.
    """
    solution = fit.solution
    if not isinstance(solution, GeneralizedSolution):
        raise NotAvailableError(
            "the conditional AIC needs a likelihood, and method='pql' has none. Fit the model with "
            "method='laplace'."
        )
    with dense_algebra():
        loglik = solution.problem.conditional_loglik(solution.estimate, solution.objective.core)
    coefficients = sum(len(solution.problem.kept(g)) for g in range(len(solution.names)))
    df = coefficients + sum(_effective(solution, *at) for at in _terms(solution))
    return ConditionalAic(-2.0 * loglik + 2.0 * df, float(loglik), df)


def _terms(solution: GeneralizedSolution) -> Iterator[tuple[str, int]]:
    for part in solution.layout.parts:
        yield from ((part.name, term) for term in range(len(part.random)))


def _effective(solution: GeneralizedSolution, part: str, term: int) -> float:
    """Degrees of freedom of a term: for every level its rank less trace(Sigma^+ V)."""
    index = [p.name for p in solution.layout.parts].index(part)
    effects = solution.layout.parts[index].random[term]
    factor = solution.factor(part, term)
    values, vectors = np.linalg.eigh(factor @ factor.T)
    if not values.max() > 0:
        return 0.0
    kept = values > _VANISHED * max(float(values.max()), 1e-300)
    levels = np.unique(solution.layout.rows(effects.factor.codes)).astype(np.int32)
    J, rank = len(levels), int(kept.sum())
    # trace(Sigma^+ V) is the sum of variances of rows along its scaled axes.
    axes = (vectors[:, kept] / np.sqrt(values[kept])).T
    codes, basis = np.repeat(levels, rank), np.tile(axes, (J, 1))
    return J * rank - float(_variances(solution, part, term, codes, basis).sum())


def _with_effects(solution: GeneralizedSolution) -> NDArray[np.bool_]:
    """Whether a core's coefficient belongs to a predictor with random effects."""
    mixed = [bool(part.random) for part in solution.layout.parts]
    mixed += [True] * bool(solution.thresholds)
    sizes = [solution.problem.matrix(g).shape[1] for g in range(len(mixed))]
    return np.repeat(mixed, sizes)


def _variances(
    solution: GeneralizedSolution, part: str, term: int, codes: NDArray[np.int32], basis: Array
) -> Array:
    """Variance of z'b given the covariance parameters, the coefficients uncertain."""
    parts, n = solution.layout.parts, len(codes)
    none = np.full(n, -1, dtype=np.int32)
    given = {p.name: [(none, np.zeros((n, len(e.columns)))) for e in p.random] for p in parts}
    given[part][term] = (codes, basis)
    widths = [len(p.columns) for p in parts] + [solution.thresholds] * bool(solution.thresholds)
    with dense_algebra():
        return solution.problem.variances(
            solution.estimate,
            solution.objective.core,
            [np.zeros((n, width)) for width in widths],
            solution.layout.new_effects(given, n),
            matrix(_covariance_of_coefficients(solution)),
        )


def _covariance_of_coefficients(solution: GeneralizedSolution) -> Array:
    """Covariance of the parameters of the search, those of the random effects taken as known."""
    m, information = solution.problem.n_psi, solution.information
    uncertain = np.flatnonzero(_with_effects(solution))
    out = np.zeros((m + len(information), m + len(information)))
    out[np.ix_(m + uncertain, m + uncertain)] = np.linalg.pinv(
        information[np.ix_(uncertain, uncertain)], hermitian=True
    )
    return out
