"""A Bayesian fit as data frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.credible import IntervalKind, interval_ends
from partialpool.bayes.diagnostics import Diagnosis, diagnose
from partialpool.bayes.draws import parameter_names
from partialpool.bayes.predict import fitted
from partialpool.families import Ordinal
from partialpool.frames import make_frame
from partialpool.inference.parameters import parameter_columns
from partialpool.results.tables import beside_the_model, positions

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["ParameterTable", "augment", "glance", "parameter_table", "prior_summary", "tidy"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ParameterTable:
    """Moments, limits and diagnostics of P parameters, (P,) each."""

    names: tuple[str, ...]
    mean: Array
    sd: Array
    lower: Array
    upper: Array
    tails: tuple[float, float]
    diagnosis: Diagnosis


def parameter_table(
    fit: BayesFit, level: float = 0.95, interval: IntervalKind = "eti"
) -> ParameterTable:
    """Summarise every parameter but the random effects.

    Raises
    ------
    DataError
        If ``level`` is no probability, or ``interval`` no kind of interval.
    """
    values = fit.parameters
    stacked = np.stack(list(values.values()), axis=-1)
    lower, upper = interval_ends(stacked, level, interval)
    return ParameterTable(
        tuple(values),
        stacked.mean(axis=(0, 1)),
        stacked.std(axis=(0, 1), ddof=1),
        lower,
        upper,
        ((1 - level) / 2, (1 + level) / 2),
        diagnose(stacked),
    )


def tidy(fit: BayesFit, level: float = 0.95, interval: IntervalKind = "eti") -> Any:
    """Tabulate the parameters, one in each row.

    Parameters
    ----------
    fit
        A Bayesian fit.
    level
        Probability of the intervals.
    interval
        ``"eti"``, with equal tails, or ``"hdi"``, of highest density, the shortest.

    Returns
    -------
    native frame
        ``effect`` ("fixed" or "ran_pars"), ``component`` (the linear predictor), ``group``,
        ``term``, ``estimate`` (posterior mean), ``std_error`` (posterior standard deviation),
        ``conf_low``, ``conf_high``, ``mcse`` (Monte Carlo error of the mean), ``ess_bulk``,
        ``ess_tail`` and ``rhat``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> list(tidy(fit)["term"])[:3]
    ['Intercept', 'Days', 'sd__Intercept']
    """
    table = parameter_table(fit, level, interval)
    columns = {
        **parameter_columns(parameter_names(fit.designs, fit.draws)),
        "estimate": table.mean,
        "std_error": table.sd,
        "conf_low": table.lower,
        "conf_high": table.upper,
        "mcse": table.diagnosis.mcse_mean,
        "ess_bulk": table.diagnosis.ess_bulk,
        "ess_tail": table.diagnosis.ess_tail,
        "rhat": table.diagnosis.rhat,
    }
    return make_frame(columns, fit.design.spec.kind)


def glance(fit: BayesFit) -> Any:
    """Tabulate the whole fit in one row.

    Returns
    -------
    native frame
        ``nobs``, ``chains``, ``draws`` (in each), ``engine``, ``divergences``, ``min_ess_bulk``,
        ``min_ess_tail`` and ``max_rhat``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> glance(fit)[["nobs", "chains", "draws", "divergences"]].iloc[0].tolist()
    [180, 4, 1000, 0]
    """
    found = parameter_table(fit).diagnosis
    columns = {
        "nobs": np.array([fit.nobs]),
        "chains": np.array([fit.draws.chains]),
        "draws": np.array([fit.draws.draws]),
        "engine": np.array([fit.engine], dtype=object),
        "divergences": np.array([int(fit.draws.stats["diverging"].sum())]),
        "min_ess_bulk": np.array([np.nanmin(found.ess_bulk)]),
        "min_ess_tail": np.array([np.nanmin(found.ess_tail)]),
        "max_rhat": np.array([np.nanmax(found.rhat)]),
    }
    return make_frame(columns, fit.design.spec.kind)


def augment(fit: BayesFit) -> Any:
    """Tabulate the rows used in the fit, with what the posterior says about each.

    Returns
    -------
    native frame
        The response (the proportion of families with trials); the columns of the fixed-effects
        matrix save the intercept; the grouping factors; then ``row`` (position in the data as
        given), ``fitted`` (posterior mean), ``fitted_sd``, ``fixed`` (without random effects)
        and ``residual``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> list(augment(fit).columns)[3:]
    ['row', 'fitted', 'fitted_sd', 'fixed', 'residual']
    """
    mean, sd, fixed = fitted(fit)
    response = fit.statement.response.proportions
    if isinstance(fit.family, Ordinal):
        own = fit.statement.response
        response = own.scores[own.values.astype(np.intp)]
    said = {
        "row": positions(fit.design),
        "fitted": mean,
        "fitted_sd": sd,
        "fixed": fixed,
        "residual": response - mean,
    }
    return make_frame(beside_the_model(fit.design, response, said), fit.design.spec.kind)


def prior_summary(fit: BayesFit) -> Any:
    """Tabulate the priors.

    Returns
    -------
    native frame
        ``parameter``, ``prior`` and ``source``: "given" or "default". With an intercept and
        other columns the intercept's prior is of the linear predictor at their means.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"),
    ...              priors={"Days": "normal(10, 10)"}, seed=1)
    >>> prior_summary(fit)
          parameter                      prior   source
    0              Intercept     normal(298.51, 140.43)  default
    1                   Days             normal(10, 10)    given
    2  sd(Subject.Intercept)  half_student_t(3, 56.172)  default
    3       sd(Subject.Days)  half_student_t(3, 19.557)  default
    4          corr(Subject)                     lkj(1)  default
    5                  sigma      exponential(0.017802)  default
    """
    assigned = fit.statement.priors.everything()
    columns = {
        "parameter": np.array([a.parameter for a in assigned], dtype=object),
        "prior": np.array([str(a.prior) for a in assigned], dtype=object),
        "source": np.array(["given" if a.own else "default" for a in assigned], dtype=object),
    }
    return make_frame(columns, fit.design.spec.kind)
