"""A fit as data frames: its parameters, its one-line portrait, its rows.

The three tables of R's broom.mixed, in the kind of frame that the data came in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.frames import make_frame
from partialpool.inference.fitted import linear_part

if TYPE_CHECKING:
    from partialpool.linear.fit import LmmFit, VarCorrTerm

__all__ = ["augment", "glance", "tidy"]

_Row = tuple[str, str, str, float, float, float]


def tidy(fit: LmmFit) -> Any:
    """Tabulate the parameters, one in each row.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Returns
    -------
    native frame
        ``effect`` ("fixed" or "ran_pars"), ``group`` (empty for fixed effects), ``term``,
        ``estimate``, ``std_error`` and ``statistic`` (NaN for ``ran_pars``). Random
        effects are ``sd__Days`` in units of the response, ``cor__Intercept.Days``, and
        ``sd__Observation`` in group "Residual".

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(tidy(fit)["term"])
    ['Intercept', 'Days', 'sd__Intercept', 'cor__Intercept.Days', 'sd__Days', 'sd__Observation']
    """
    rows = [*_fixed(fit), *_random(fit)]
    effect, group, term, estimate, std_error, statistic = zip(*rows, strict=True)
    columns = {
        "effect": np.array(effect, dtype=object),
        "group": np.array(group, dtype=object),
        "term": np.array(term, dtype=object),
        "estimate": np.array(estimate),
        "std_error": np.array(std_error),
        "statistic": np.array(statistic),
    }
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
        ``nobs``, ``df``, ``df_residual``, ``sigma`` (units of the response),
        ``objective`` (minus twice the log-likelihood, or the REML criterion),
        ``loglik``, ``aic``, ``bic``, ``reml``, ``converged`` and ``singular``.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> float(glance(fit)["loglik"][0].round(4))
    -871.8141
    """
    columns = {
        "nobs": np.array([fit.nobs]),
        "df": np.array([fit.df]),
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
        ``hat`` (leverage). A column of the model that has one of these names gets a
        trailing underscore.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(augment(fit).columns)
    ['Reaction', 'Days', 'Subject', 'row', 'fitted', 'fixed', 'residual', 'hat']
    """
    design = fit.design
    kept = np.arange(design.rows.n_given) if design.rows.kept is None else design.rows.kept
    said = {
        "row": kept,
        "fitted": fit.fitted,
        "fixed": linear_part(design.X, fit.fixef.values, design.offset),
        "residual": fit.residuals("response"),
        "hat": fit.hatvalues(),
    }
    columns = {}
    taken = {name for name, _ in _model_columns(fit)}
    for name, values in _model_columns(fit):
        columns[_free(name, said, taken)] = values
    return make_frame(columns | said, design.spec.kind)


def _free(name: str, said: Collection[str], taken: Collection[str]) -> str:
    """Return a model column's name, with underscores until it is nobody else's."""
    if name not in said:
        return name
    while name in said or name in taken:
        name += "_"
    return name


def _fixed(fit: LmmFit) -> Iterator[_Row]:
    for name, estimate in fit.fixef.items():
        std_error = float(fit.stderr[name])
        statistic = estimate / std_error if std_error > 0 else np.nan
        yield "fixed", "", name, estimate, std_error, statistic


def _random(fit: LmmFit) -> Iterator[_Row]:
    for term in fit.varcorr.terms:
        for name, value in _parameters(term):
            yield "ran_pars", term.group, name, value, np.nan, np.nan
    yield "ran_pars", "Residual", "sd__Observation", fit.sigma, np.nan, np.nan


def _parameters(term: VarCorrTerm) -> Iterator[tuple[str, float]]:
    """Standard deviations and correlations in the order of the lower triangle."""
    uncorrelated = term.structure in ("diagonal", "homdiag")
    for j, column in enumerate(term.columns):
        yield f"sd__{column}", float(term.sd[j])
        for i in range(j + 1, 0 if uncorrelated else len(term.columns)):
            yield f"cor__{column}.{term.columns[i]}", float(term.corr[i, j])


def _model_columns(fit: LmmFit) -> Iterator[tuple[str, NDArray[Any]]]:
    design = fit.design
    yield design.formula.response, design.y
    for name, values in zip(design.columns, design.X.T, strict=True):
        if name != "Intercept":
            yield name, values
    for effects in design.random:
        yield effects.factor.name, effects.factor.levels[effects.factor.codes]
