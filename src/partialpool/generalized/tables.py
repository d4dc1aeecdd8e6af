"""A generalized fit as data frames: its parameters, its one-line portrait, its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.frames import make_frame
from partialpool.generalized.fitted import outcomes, pearson_or_nan
from partialpool.generalized.summary.limits import predictor_limit
from partialpool.inference.wald import check_level, quantiles
from partialpool.named import NamedVector
from partialpool.results.summary import two_sided
from partialpool.results.tables import (
    Row,
    as_columns,
    beside_the_model,
    fixed_rows,
    positions,
    random_rows,
)

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["augment", "coefficients", "glance", "tidy"]


def coefficients(fit: GlmmFit) -> Any:
    """Tabulate the coefficients of all parts.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Returns
    -------
    native frame
        ``component`` (the part), ``term``, ``estimate`` and ``std_error`` on the scale of the
        part's linear predictor, ``statistic`` (z) and ``p_value``. What ran to the end of its
        range is infinite there, and has no standard error.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> list(coefficients(fit)["component"])
    ['mean', 'mean', 'mean', 'dispersion']
    """
    parts, rows = zip(*_fixed(fit), strict=True)
    columns = as_columns(rows)
    del columns["effect"], columns["group"]
    return make_frame(_with_p({"component": np.array(parts, dtype=object)} | columns), fit.kind)


def tidy(fit: GlmmFit, conf_int: bool = False, level: float = 0.95) -> Any:
    """Tabulate the parameters, one in each row.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    conf_int
        Add the ends of Wald intervals, ``conf_low`` and ``conf_high``.
    level
        Their confidence level.

    Returns
    -------
    native frame
        ``effect`` ("fixed" or "ran_pars"), ``component`` (the part), ``group`` (empty for fixed
        effects), ``term``, ``estimate``, ``std_error``, ``statistic`` and ``p_value`` (NaN for
        ``ran_pars``). Everything is on the scale of the part's linear predictor; what ran to the
        end of its range is infinite there, and has no standard error.

    Examples
    --------
    >>> import partialpool as pp
    >>> cbpp = pp.load_dataset("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> list(tidy(pp.glmm(formula, cbpp, family="binomial"))["term"])
    ['Intercept', 'period[T.2]', 'period[T.3]', 'period[T.4]', 'sd__Intercept']
    """
    random = [(p.name, row) for p in fit.predictors for row in random_rows(p.varcorr)]
    parts, rows = zip(*_fixed(fit), *random, strict=True)
    columns = _with_p(as_columns(rows))
    check_level(level)
    if conf_int:
        half = quantiles(np.full(len(rows), np.inf), level) * columns["std_error"]
        columns["conf_low"] = columns["estimate"] - half
        columns["conf_high"] = columns["estimate"] + half
    effect = {"effect": columns.pop("effect"), "component": np.array(parts, dtype=object)}
    return make_frame(effect | columns, fit.kind)


def glance(fit: GlmmFit) -> Any:
    """Tabulate the whole fit in one row.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Returns
    -------
    native frame
        ``nobs``, ``npar`` (parameters), ``df_residual``, ``objective`` (minus twice the
        log-likelihood), ``loglik``, ``aic``, ``bic``, ``family``, ``link``, ``criterion``,
        ``converged`` and ``singular``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> glance(fit)["family"][0]
    'poisson'
    """
    columns = {
        "nobs": np.array([fit.nobs]),
        "npar": np.array([fit.df]),
        "df_residual": np.array([fit.df_residual]),
        "objective": np.array([fit.objective]),
        "loglik": np.array([fit.loglik]),
        "aic": np.array([fit.aic]),
        "bic": np.array([fit.bic]),
        "family": np.array([fit.family.name], dtype=object),
        "link": np.array([fit.family.link.name], dtype=object),
        "criterion": np.array([fit.criterion], dtype=object),
        "converged": np.array([fit.converged]),
        "singular": np.array([fit.singular]),
    }
    return make_frame(columns, fit.kind)


def augment(fit: GlmmFit) -> Any:
    """Tabulate the rows used in the fit, with what the fit says about each.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Returns
    -------
    native frame
        The response (the proportion, where there are trials; the category, where there are
        categories); the columns of the mean's fixed effects save the intercept; the grouping
        factors; then ``row`` (position in the data as given), ``linear_predictor`` (the
        mean's), ``fitted`` (the mean), ``residual`` and ``pearson``. A column of the model
        that has one of these names gets a trailing underscore.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ HEIGHT + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> list(augment(fit).columns)[3:]
    ['row', 'linear_predictor', 'fitted', 'residual', 'pearson']
    """
    response: NDArray[Any] = outcomes(fit)
    if fit.response.levels is not None:
        codes = fit.response.values.astype(np.int64)
        response = np.array(fit.response.levels, dtype=object)[codes]
    said = {
        "row": positions(fit.design),
        "linear_predictor": fit.linear_predictor,
        "fitted": fit.fitted,
        "residual": fit.residuals("response"),
        "pearson": pearson_or_nan(fit),
    }
    return make_frame(beside_the_model(fit.design, response, said), fit.kind)


def _fixed(fit: GlmmFit) -> Iterator[tuple[str, Row]]:
    for part in fit.parts:
        for row in fixed_rows(*_estimates(fit, part)):
            yield part, row


def _estimates(fit: GlmmFit, part: str) -> tuple[NamedVector, NamedVector]:
    """Coefficients and standard errors; infinity and NaN of one that ran to its range's end."""
    beta, error = fit.fixef_of(part), fit.stderr_of(part)
    end = predictor_limit(fit, part)
    if end is None:
        return beta, error
    return NamedVector(beta.names, np.array([end])), NamedVector(error.names, np.array([np.nan]))


def _with_p(columns: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    p = np.array([two_sided(z) for z in columns["statistic"].tolist()])
    return columns | {"p_value": p}
