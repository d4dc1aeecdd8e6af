"""Likelihood ratio tests that leave out one term of the mean at a time."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.errors import ConvergenceWarning, ModelError
from partialpool.frames import make_frame
from partialpool.generalized.approximation import PQL
from partialpool.generalized.solving import solve_designs
from partialpool.inference.hypotheses.drop import drop_columns, droppable, without_term
from partialpool.results.summary import wording

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["drop_tests"]


def drop_tests(fit: GlmmFit) -> Any:
    """Compare the model with each one that lacks a fixed term of the mean.

    A term that an interaction contains isn't left out without it.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Returns
    -------
    native frame
        ``term`` (the first row, empty, is the model itself), ``df`` (parameters that go),
        ``aic``, ``statistic`` (likelihood ratio) and ``p_value``.

    Raises
    ------
    ModelError
        If there are no terms to leave out, or no likelihood that could be compared.

    Warns
    -----
    ConvergenceWarning
        If one of the searches ended at no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> drop_tests(fit)[["term", "df", "statistic"]].round(2)
         term  df  statistic
    0           0        NaN
    1  period   3      25.61
    """
    if fit.criterion == PQL or fit.reml:
        how = fit.criterion if fit.criterion == PQL else "REML (reml=True)"
        raise ModelError(
            f"the fit is by {how}, whose values don't compare between models with other "
            "fixed effects. Fit it with method='laplace' and reml=False, or take fit.anova()."
        )
    free = droppable(fit.design.spec)
    solved = [fit.solution]
    for term in free:
        designs = {**fit.designs, "mean": without_term(fit.design, term)}
        solved.append(
            solve_designs(designs, fit.response, fit.family, fit.solution.zero, fit.approximation)
        )
    lost = [name for name, s in zip(("", *free), solved, strict=True) if not s.converged]
    if lost:
        without = wording.listed([f"without {name!r}" if name else "itself" for name in lost])
        warnings.warn(
            f"the search for the model {without} ended at no optimum, so that likelihood ratios "
            "with it mean little.",
            ConvergenceWarning,
            stacklevel=2,
        )
    objective = np.array([-2.0 * s.loglik for s in solved])
    parameters = np.array([s.df for s in solved], dtype=np.int64)
    return make_frame(drop_columns(free, objective, parameters), fit.kind)
