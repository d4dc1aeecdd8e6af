"""Likelihood ratio tests that leave out one fixed term at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, DesignSpec
from partialpool.errors import ModelError
from partialpool.frames import make_frame
from partialpool.inference.hypotheses.fixed_terms import FixedTerm, fixed_terms
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import Likelihood, solve, solve_by

__all__ = ["drop_columns", "drop_tests", "droppable", "without_term"]


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
        ``term`` (the first row, empty, is the model itself), ``aic``, ``statistic``
        (likelihood ratio), ``df`` (parameters that go) and ``p_value``.

    Raises
    ------
    ModelError
        If the model has no terms to leave out.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("weight ~ treatment * sex + litsize + (1 | litter)",
    ...              pp.load_dataset("ratpup"))
    >>> list(fit.drop_tests()["term"])
    ['', 'litsize', 'treatment:sex']
    """
    design = fit.design
    free = droppable(design.spec)
    ml = Likelihood(False, fit.solution.likelihood.sigma)
    full = solve_by(design, fit.solution, ml)
    solved = [full, *(solve(without_term(design, term), ml) for term in free)]
    variances = full.reduced.problem.n_params + (ml.sigma is None)
    objective = np.array([s.optimum.objective for s in solved])
    parameters = np.array([len(s.reduced.problem.kept) + variances for s in solved])
    return make_frame(drop_columns(free, objective, parameters), design.spec.kind)


def droppable(spec: DesignSpec) -> list[FixedTerm]:
    """List the terms that no interaction contains.

    Raises
    ------
    ModelError
        If there are none.
    """
    terms = fixed_terms(spec)
    free = [t for t in terms if not any(o.is_relative_of(t) for o in terms)]
    if not free:
        raise ModelError("the model has no fixed terms besides the intercept, so none to drop.")
    return free


def drop_columns(
    free: list[FixedTerm], objective: NDArray[np.float64], parameters: NDArray[np.int64]
) -> dict[str, NDArray[Any]]:
    """Compare the first model with each of the others, which lack one term."""
    from scipy.special import chdtrc  # a tenth of a second, only here

    ratio = np.maximum(objective - objective[0], 0.0)
    df = parameters[0] - parameters
    p = np.array([chdtrc(d, x) if d else np.nan for d, x in zip(df, ratio, strict=True)])
    return {
        "term": np.array(["", *(t.name for t in free)], dtype=object),
        "aic": objective + 2.0 * parameters,
        "statistic": np.where(df > 0, ratio, np.nan),
        "df": df,
        "p_value": p,
    }


def without_term(design: Design, term: FixedTerm) -> Design:
    """Return the design without the columns of a term."""
    kept = np.setdiff1d(np.arange(len(design.columns)), term.columns)
    return replace(
        design,
        X=np.ascontiguousarray(design.X[:, kept]),
        columns=tuple(design.columns[i] for i in kept),
    )
