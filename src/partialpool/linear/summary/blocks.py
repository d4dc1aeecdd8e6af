"""Lay a summary out as titled tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partialpool.results.summary import (
    MOST_CORRELATED,
    Blocks,
    Grid,
    cell,
    coefficient_table,
    correlation_table,
    decimals,
    variances,
)

if TYPE_CHECKING:
    from partialpool.linear.summary.values import Explained, Summary

__all__ = ["blocks"]

_TITLES = {
    "REML": "Linear mixed model fitted by REML",
    "ML": "Linear mixed model fitted by maximum likelihood",
    "least squares": "Linear model fitted by least squares",
}


def blocks(summary: Summary) -> Blocks:
    """Lay a summary out."""
    levels = ", ".join(f"{name} {n:,}" for name, n in summary.groups)
    facts = [("Formula", summary.formula), ("Rows", f"{summary.nobs:,}")]
    facts += [("Groups", levels)] if levels else []
    grids = [_criteria(summary), _residuals(summary)]
    grids += [_fit(summary, summary.explained) if summary.explained else _random(summary)]
    grids += [coefficient_table(summary.coefficients, "t", _about_t(summary))]
    if 1 < len(summary.correlation) <= MOST_CORRELATED:
        grids += [correlation_table(summary.coefficients, summary.correlation)]
    sentences = (*summary.notes, *summary.optimum)
    return Blocks(_TITLES[summary.method], tuple(facts), tuple(grids), sentences)


def _criteria(summary: Summary) -> Grid:
    values = (summary.objective, summary.loglik, summary.aic, summary.bic)
    criterion = "REML criterion" if summary.reml else "-2 logLik"
    header = (criterion, "logLik", "AIC", "BIC", "Parameters")
    numbers = (*(cell(v, 4) for v in values), f"{summary.df:,}")
    if summary.explained is not None:
        # Of least squares these would not be the degrees of freedom of its t values.
        return Grid("", header, (numbers,))
    return Grid("", (*header, "Residual df"), ((*numbers, f"{summary.df_residual:,}"),))


def _residuals(summary: Summary) -> Grid:
    numbers = tuple(cell(v, 4) for v in summary.scaled_residuals)
    return Grid("Scaled residuals", ("Min", "1Q", "Median", "3Q", "Max"), (numbers,))


def _fit(summary: Summary, explained: Explained) -> Grid:
    sd = float(summary.components[-1].sd[0])
    fixed = " (given)" if summary.sigma_fixed else ""
    origin = "" if explained.centred else " R2 is measured from zero: there is no intercept."
    return Grid(
        "Fit",
        (f"Residual SD{fixed}", "R2", "Adjusted R2"),
        ((cell(sd, decimals([sd])), cell(explained.r_squared, 4), cell(explained.adjusted, 4)),),
        note=f"SD in units of {summary.response}.{origin}",
    )


def _random(summary: Summary) -> Grid:
    unit = f"units of {summary.response}"
    return variances(summary.components, unit, sigma_fixed=summary.sigma_fixed)


def _about_t(summary: Summary) -> str:
    if summary.ddf == "residual":
        rank = sum(c.state == "estimated" for c in summary.coefficients)
        return f"t = estimate / std. error, on {summary.nobs - rank:,} degrees of freedom."
    if not summary.ddf:
        return (
            "t = estimate / std. error. With factors this large the degrees of freedom take as "
            "long as the fit: fit.summary(ddf='satterthwaite') computes them and the p-values."
        )
    if summary.ddf == "normal":
        if summary.sigma_fixed:
            return "With a known residual SD t is a z value; p-values are of a normal distribution."
        return "t = estimate / std. error, taken for a z value: p-values of a normal distribution."
    return f"t = estimate / std. error; degrees of freedom by {summary.ddf}."
