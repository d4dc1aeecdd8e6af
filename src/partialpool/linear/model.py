"""From a formula and a table to a fitted linear mixed model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any, Literal

import numpy as np

from partialpool.design import build
from partialpool.errors import ConvergenceWarning, DataError
from partialpool.formula import combine, parse
from partialpool.frames import read_schema
from partialpool.linear.estimates import LinearEstimates
from partialpool.linear.fit import LmmFit
from partialpool.results.summary import wording
from partialpool.solve import Likelihood, solve

__all__ = ["check_likelihood", "lmm", "warn_of_no_optimum"]


def lmm(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    missing: Literal["error", "drop"] = "error",
    applicable: Any = None,
    sigma: float | None = None,
    groups: str | None = None,
    re_formula: str | None = None,
    vc_formula: Mapping[str, str] | None = None,
) -> LmmFit:
    """Fit a linear mixed model by REML or maximum likelihood.

    Parameters
    ----------
    formula
        As in lme4: ``"Reaction ~ Days + (Days | Subject)"``. Random terms: ``(x | g)``
        correlated, ``(x || g)`` independent, ``(1 | a/b)`` nested, and as in glmmTMB
        ``diag(x | g)``, ``cs(f | g)``, ``homcs``, ``homdiag``, ``ar1(0 + factor(t) | g)``,
        ``hetar1``, ``toep``, ``homtoep``, ``ou(0 + t | g)``, ``exp(0 + x + y | g)``, ``gau``,
        ``mat``.
        Without random terms, least squares.
    data
        A pandas or polars frame, a pyarrow table or a dict of arrays. Of a file's name, a
        pattern of names, a folder of Parquet files, a polars LazyFrame, a pyarrow Dataset or a
        DuckDB relation, only the columns that the model names are read.
    reml
        Restricted maximum likelihood (the default) or maximum likelihood.
    weights
        Prior weights w: a column, an expression such as ``"w / mean(w)"`` or an array. The
        residual variance of a row is sigma^2 / w; rows of weight zero don't count.
    offset
        Known part of the mean: a column, an expression or an array.
    missing
        ``"error"``, or ``"drop"`` to leave rows with missing values out and report them.
    applicable
        Where covariates apply: ``{"wait": "line == 'B'"}``, boolean arrays, a boolean frame,
        or ``"auto"`` to read it off the missing values.
    sigma
        Residual standard deviation if it is known, in units of the response.
    groups, re_formula, vc_formula
        As in statsmodels' ``mixedlm``, for a formula without random terms.

    Returns
    -------
    LmmFit
        The fitted model; printing it gives a summary.

    Raises
    ------
    FormulaError
        If the formula can't be read.
    DataError
        If the data don't fit it.
    ModelError
        If the model can't be identified on these data.

    Warns
    -----
    ConvergenceWarning
        If the search ended at no optimum, in the words of the summary.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.fixef
    Intercept  251.405
    Days        10.4673
    >>> round(fit.objective, 4)
    1743.6283

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), Journal of Statistical Software 67(1).
    """
    check_likelihood(reml, missing, sigma)
    if groups is not None or re_formula is not None or vc_formula is not None:
        formula = combine(formula, groups, re_formula, vc_formula)
    design = build(
        parse(formula, read_schema(data).names),
        data,
        weights=weights,
        offset=offset,
        missing=missing,
        applicable=applicable,
    )
    # Least squares is reported by its ordinary likelihood, as in R's lm.
    fit = LmmFit(design, solve(design, Likelihood(bool(reml and design.random), sigma)))
    warn_of_no_optimum(fit)
    return fit


def warn_of_no_optimum(fit: LinearEstimates) -> None:
    """Warn, at the line that fits, if the search ended at no optimum."""
    if not fit.converged:
        sentences = wording.optimum(fit.certificate, fit.design.random)
        warnings.warn(" ".join(sentences), ConvergenceWarning, stacklevel=3)


def check_likelihood(reml: bool, missing: str, sigma: float | None) -> None:
    """Check the arguments that say what is maximised, and over which rows.

    Raises
    ------
    DataError
        Naming the first that is wrong.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"missing must be 'error' or 'drop', found {missing!r}.")
    if not isinstance(reml, (bool, np.bool_)):
        raise DataError(
            f"reml must be True (restricted likelihood) or False (likelihood), found {reml!r}."
        )
    if sigma is not None:
        _check_sigma(sigma)


def _check_sigma(sigma: float) -> None:
    number = isinstance(sigma, Real) and not isinstance(sigma, bool)
    if not (number and 0 < float(sigma) < np.inf):
        raise DataError(
            f"sigma must be a positive number in units of the response, found {sigma!r}."
        )
