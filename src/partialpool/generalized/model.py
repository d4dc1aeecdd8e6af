"""From formulas and a table to a fitted generalized linear mixed model."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any, Literal

from partialpool.design import build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.errors import ConvergenceWarning, ModelError
from partialpool.families import ResponseFamily, resolve
from partialpool.formula import Formula, parse, parse_part
from partialpool.frames import read_schema
from partialpool.generalized.approximation import Approximation, Information, Method
from partialpool.generalized.checks import (
    check_information,
    check_options,
    check_parts,
    check_quadrature,
    wants_free_scale,
)
from partialpool.generalized.fit import GlmmFit
from partialpool.generalized.solving import solve_designs
from partialpool.generalized.summary import about_optimum

__all__ = ["glmm"]

# Parameters whose second derivatives cost a fraction of the search.
_FEW = 10


def glmm(
    formula: str,
    data: Any,
    *,
    family: str | ResponseFamily | type[ResponseFamily],
    method: Method = "laplace",
    quadrature: int = 1,
    reml: bool = False,
    weights: Any = None,
    offset: Any = None,
    zero_inflation: str | None = None,
    dispersion: str | None = None,
    penalty: float | None = None,
    missing: Literal["error", "drop"] = "error",
    applicable: Any = None,
    information: Information = "observed",
) -> GlmmFit:
    """Fit a generalized linear mixed model by maximum likelihood.

    Parameters
    ----------
    formula
        As in lme4: ``"cbind(successes, failures) ~ x + (1 | g)"``; random terms as for
        :func:`partialpool.lmm`. Without random terms, a generalized linear model.
    data
        A table, or what is read as one: see :func:`partialpool.lmm`.
    family
        A name (``"binomial"``, ``"poisson"``, ``"nbinom2"``, ``"gamma"``, ``"ordinal"``, ...)
        or a value such as ``pp.families.Binomial("probit")``.
    method
        ``"laplace"``: the Laplace approximation of the likelihood, with exact gradient.
        ``"joint"``: coefficients and random effects maximised together given the covariances
        (lme4's ``nAGQ=0``): faster, slightly biased. ``"pql"``: penalised quasi-likelihood.
    quadrature
        Nodes of adaptive Gauss-Hermite quadrature in each dimension; 1 is Laplace. More need
        one grouping factor with up to three effects.
    reml
        Integrate the mean's fixed effects out as well, as REML does in linear models.
    weights
        Prior weights, which multiply the log-density; with a proportion as response, the
        numbers of trials. A column, an expression or an array.
    offset
        Known part of the mean's linear predictor: a column, an expression or an array.
    zero_inflation
        One-sided formula of the log odds of a zero: ``"~ x + (1 | g)"``. Poisson and negative
        binomial counts get extra zeros, truncated ones become a hurdle model.
    dispersion
        One-sided formula of the log dispersion, for families with one. With ``method="pql"``,
        ``"~ 1"`` gives binomial and Poisson models a free scale, as R's ``glmmPQL`` does.
    penalty
        Standard deviation of a weak normal prior on the mean's coefficients but the intercept,
        against separation; in units of the linear predictor per unit of the column.
    missing
        ``"error"``, or ``"drop"`` to leave rows with missing values out and report them.
    applicable
        Where covariates apply: ``{"wait": "line == 'B'"}``, boolean arrays, a boolean frame,
        or ``"auto"`` to read it off the missing values.
    information
        ``"observed"``: the Laplace approximation. ``"expected"``: that of lme4's ``glmer``, for
        comparison; the two differ where the link isn't canonical.

    Returns
    -------
    GlmmFit
        The fitted model; printing it gives a summary.

    Raises
    ------
    FormulaError
        If a formula can't be read.
    DataError
        If the data don't fit it, or the response can't be of the family.
    ModelError
        If the model can't be identified on these data, or arguments don't go together.

    Warns
    -----
    ConvergenceWarning
        If the search ended at no optimum, in the words of the summary.

    Examples
    --------
    >>> import partialpool as pp
    >>> cbpp = pp.load_dataset("cbpp")
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)", cbpp,
    ...               family="binomial")
    >>> round(fit.objective, 4)
    184.0526

    References
    ----------
    Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25:
    penalised quasi-likelihood, section 2. Pinheiro & Chao (2006), Journal of Computational and
    Graphical Statistics 15, 58-81: Laplace and adaptive quadrature. Kristensen et al. (2016),
    Journal of Statistical Software 70(5), section 2: the exact gradient of Laplace's
    approximation.
    """
    check_options(method, quadrature, reml, information, penalty, missing)
    resolved = resolve(family)
    formulas = _formulas(formula, zero_inflation, dispersion, read_schema(data).names)
    zero = resolved.zero_for("zero_inflation" in formulas)
    check_parts(resolved, formulas, method)
    free_scale = method == "pql" and wants_free_scale(resolved, formulas)
    if free_scale:
        del formulas["dispersion"]
    parts = build_parts(
        formulas,
        data,
        read=partial(read_generalized_response, family=resolved, zero=zero),
        weights=weights,
        offset=offset,
        missing=missing,
        applicable=applicable,
        thresholds="thresholds" in resolved.own_parts,
    )
    check_quadrature(parts.designs, int(quadrature))
    check_information(resolved, zero, parts.designs, information)
    asked = Approximation(method, int(quadrature), bool(reml), information, penalty, free_scale)
    solution = solve_designs(parts.designs, parts.response, resolved, zero, asked)
    fit = GlmmFit(parts.designs, parts.response, asked, solution)
    # The certificate takes second derivatives, which of many parameters cost as much as the fit:
    # there it is looked at only where the search itself found no end.
    looked_at = fit.df <= _FEW or not solution.converged
    if looked_at and not fit.converged:
        warnings.warn(" ".join(about_optimum(fit)), ConvergenceWarning, stacklevel=2)
    return fit


def _formulas(
    formula: str, zero_inflation: str | None, dispersion: str | None, columns: tuple[str, ...]
) -> dict[str, Formula]:
    mean = parse(formula, columns)
    formulas = {"mean": mean}
    if dispersion is not None:
        formulas["dispersion"] = _part("dispersion", dispersion, mean, columns)
    if zero_inflation is not None:
        zero = parse_part(zero_inflation, mean.response, columns)
        # R's "~ 0": no zero inflation.
        if _has_columns(zero):
            formulas["zero_inflation"] = zero
    return formulas


def _part(name: str, text: str, mean: Formula, columns: tuple[str, ...]) -> Formula:
    formula = parse_part(text, mean.response, columns)
    if not _has_columns(formula):
        raise ModelError(
            f"{name}={text!r} has no columns. Write '~ 1' for one number, or leave {name}= out."
        )
    return formula


def _has_columns(formula: Formula) -> bool:
    return formula.fixed != "0" or bool(formula.random) or bool(formula.offsets)
