"""A fit as data frames: its parameters, its one-line portrait, its rows.

The three tables of R's broom.mixed, in the kind of frame that the data came in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.frames import make_frame
from partialpool.inference import DDF, coefficient_tests
from partialpool.inference.fitted import linear_part
from partialpool.inference.wald import check_level
from partialpool.results.tables import (
    Row,
    as_columns,
    beside_the_model,
    fixed_rows,
    positions,
    random_rows,
)

if TYPE_CHECKING:
    from partialpool.linear.fit import LmmFit

__all__ = ["augment", "glance", "tidy"]


def tidy(fit: LmmFit, conf_int: bool = False, level: float = 0.95, ddf: DDF | None = None) -> Any:
    """Tabulate the parameters, one in each row.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    conf_int
        Add the ends of Wald intervals, ``conf_low`` and ``conf_high``.
    level
        Their confidence level.
    ddf
        ``"satterthwaite"`` (the default), ``"kenward-roger"`` (whose standard errors are
        adjusted), ``"residual"`` or ``"z"``.

    Returns
    -------
    native frame
        ``effect`` ("fixed" or "ran_pars"), ``group`` (empty for fixed effects), ``term``,
        ``estimate``, ``std_error``, ``statistic`` (t), ``df`` and ``p_value`` (NaN for
        ``ran_pars``). Random effects are ``sd__Days`` in units of the response,
        ``cor__Intercept.Days``, and ``sd__Observation`` in group "Residual".

    Raises
    ------
    DataError
        If the level or the method is none.
    ModelError
        For Kenward-Roger of a fit by maximum likelihood.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.tidy()["term"])
    ['Intercept', 'Days', 'sd__Intercept', 'cor__Intercept.Days', 'sd__Days', 'sd__Observation']
    """
    check_level(level)
    tests = coefficient_tests(fit, ddf)
    random = [*random_rows(fit.varcorr), Row("ran_pars", "Residual", "sd__Observation", fit.sigma)]
    columns = as_columns([*fixed_rows(fit.fixef, fit.stderr), *random])
    said = {
        "std_error": tests.std_error,
        "statistic": tests.statistic,
        "df": tests.df,
        "p_value": tests.p_value,
    }
    if conf_int:
        said["conf_low"], said["conf_high"] = tests.interval(level)
    absent = np.full(len(random), np.nan)
    columns |= {name: np.concatenate([values, absent]) for name, values in said.items()}
    return make_frame(columns, fit.design.spec.kind)


def glance(fit: LmmFit) -> Any:
    """Tabulate the whole fit in one row.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Returns
    -------
    native frame
        ``nobs``, ``npar`` (parameters), ``df_residual``, ``sigma`` (units of the response),
        ``objective`` (minus twice the log-likelihood, or the REML criterion),
        ``loglik``, ``aic``, ``bic``, ``reml``, ``converged`` and ``singular``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> float(fit.glance()["loglik"][0].round(4))
    -871.8141
    """
    columns = {
        "nobs": np.array([fit.nobs]),
        "npar": np.array([fit.df]),
        "df_residual": np.array([fit.df_residual]),
        "sigma": np.array([fit.sigma]),
        "objective": np.array([fit.objective]),
        "loglik": np.array([fit.loglik]),
        "aic": np.array([fit.aic]),
        "bic": np.array([fit.bic]),
        "reml": np.array([fit.reml]),
        "converged": np.array([fit.converged]),
        "singular": np.array([fit.singular]),
    }
    return make_frame(columns, fit.design.spec.kind)


def augment(fit: LmmFit) -> Any:
    """Tabulate the rows used in the fit, with what the fit says about each.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Returns
    -------
    native frame
        The response; the columns of the fixed-effects matrix save the intercept; the
        grouping factors; then ``row`` (position in the data as given), ``fitted``,
        ``fixed`` (the part of ``fitted`` without random effects), ``residual`` and
        ``leverage``. A column of the model that has one of these names gets a
        trailing underscore.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.augment().columns)
    ['Reaction', 'Days', 'Subject', 'row', 'fitted', 'fixed', 'residual', 'leverage']
    """
    design = fit.design
    said = {
        "row": positions(design),
        "fitted": fit.fitted,
        "fixed": linear_part(design.X, fit.fixef.values, design.offset),
        "residual": fit.residuals("response"),
        "leverage": fit.hatvalues(),
    }
    return make_frame(beside_the_model(design, design.y, said), design.spec.kind)
