"""Likelihood ratio tests that leave out one fixed term at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.frames import make_frame
from partialpool.inference.hypotheses.fixed_terms import FixedTerm, fixed_terms
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import Likelihood, Solution, solve, solve_by

__all__ = ["drop_tests"]


def drop_tests(fit: GaussianFit) -> Any:
    """Compare the model with each one that lacks a fixed term, by maximum likelihood.

    A term that an interaction contains isn't left out without it.

    Parameters
    ----------
    fit
        A fitted linear mixed model; one by REML is fitted again.

    Returns
    -------
    native frame
        ``term`` (the first row, empty, is the model itself), ``df`` (parameters that go),
        ``aic``, ``statistic`` (likelihood ratio) and ``p_value``.

    Raises
    ------
    ModelError
        If the model has no terms to leave out.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("weight ~ treatment * sex + litsize + (1 | litter)",
    ...              pp.load_dataset("ratpup"))
    >>> list(drop_tests(fit)["term"])
    ['', 'litsize', 'treatment:sex']
    """
    from scipy.special import chdtrc  # a tenth of a second, only here

    design = fit.design
    terms = fixed_terms(design.spec)
    free = [t for t in terms if not any(o.is_relative_of(t) for o in terms)]
    if not free:
        raise ModelError("the model has no fixed terms besides the intercept, so none to drop.")
    ml = Likelihood(False, fit.solution.likelihood.sigma)
    full = solve_by(design, fit.solution, ml)
    smaller = [_without(fit, term, ml) for term in free]
    objective = np.array([s.optimum.objective for s in (full, *smaller)])
    rank = np.array([len(s.reduced.problem.kept) for s in (full, *smaller)])
    variances = full.reduced.problem.n_params + (ml.sigma is None)
    ratio = np.maximum(objective - objective[0], 0.0)
    df = rank[0] - rank
    p = np.array([chdtrc(d, x) if d else np.nan for d, x in zip(df, ratio, strict=True)])
    columns: dict[str, NDArray[Any]] = {
        "term": np.array(["", *(t.name for t in free)], dtype=object),
        "df": df,
        "aic": objective + 2.0 * (rank + variances),
        "statistic": np.where(df > 0, ratio, np.nan),
        "p_value": p,
    }
    return make_frame(columns, design.spec.kind)


def _without(fit: GaussianFit, term: FixedTerm, likelihood: Likelihood) -> Solution:
    design = fit.design
    kept = np.setdiff1d(np.arange(len(design.columns)), term.columns)
    smaller = replace(
        design,
        X=np.ascontiguousarray(design.X[:, kept]),
        columns=tuple(design.columns[i] for i in kept),
    )
    return solve(smaller, likelihood)
