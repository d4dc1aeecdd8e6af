"""Lay a summary out as titled tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partialpool.linear.summary.components import variances
from partialpool.linear.summary.grid import Blocks, Grid
from partialpool.linear.summary.numbers import cell, correlation_cell, decimals

if TYPE_CHECKING:
    from partialpool.linear.summary.values import Coefficient, Explained, Summary

__all__ = ["blocks"]

_TITLES = {
    "REML": "Linear mixed model fitted by REML",
    "ML": "Linear mixed model fitted by maximum likelihood",
    "least squares": "Linear model fitted by least squares",
}
# Beyond six coefficients the correlations hide more than they show.
_MOST_CORRELATED = 6


def blocks(summary: Summary) -> Blocks:
    """Lay a summary out."""
    levels = ", ".join(f"{name} {n:,}" for name, n in summary.groups)
    facts = [("Formula", summary.formula), ("Rows", f"{summary.nobs:,}")]
    facts += [("Groups", levels)] if levels else []
    grids = [_criteria(summary), _residuals(summary)]
    grids += [_fit(summary, summary.explained) if summary.explained else variances(summary)]
    grids += [_fixed(summary)]
    if 1 < len(summary.correlation) <= _MOST_CORRELATED:
        grids += [_correlations(summary)]
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


def _fixed(summary: Summary) -> Grid:
    rows = summary.coefficients
    errors = [c.std_error for c in rows if c.std_error > 0]
    # The smallest standard error sets the decimals, the largest estimate the width.
    large = [c.estimate for c in rows if abs(c.estimate) > min(errors, default=0.0)]
    places = decimals([*errors, *large])
    return Grid(
        "Fixed effects",
        ("", "Estimate", "Std. error", "t"),
        tuple(_coefficient(c, places) for c in rows),
        labels=1,
        note=_about_t(summary),
    )


def _coefficient(c: Coefficient, places: int | None) -> tuple[str, ...]:
    if c.state == "not applicable":
        return (c.name, "n/a", "n/a", "n/a")
    if c.state == "aliased":
        return (c.name, "aliased", "", "")
    return (c.name, cell(c.estimate, places), cell(c.std_error, places), cell(c.statistic, 2))


def _about_t(summary: Summary) -> str:
    if summary.explained is not None:
        rank = sum(c.state == "estimated" for c in summary.coefficients)
        return f"t = estimate / std. error, on {summary.nobs - rank:,} degrees of freedom."
    return (
        "t = estimate / std. error. No p-values: this version does not estimate the degrees "
        "of freedom that they need."
    )


def _correlations(summary: Summary) -> Grid:
    names = [c.name for c in summary.coefficients if c.state == "estimated"]
    rows = tuple(
        (name, *(correlation_cell(float(v)) if j < i else "" for j, v in enumerate(row[:-1])))
        for i, (name, row) in enumerate(zip(names, summary.correlation, strict=True))
    )
    return Grid("Correlation of fixed effects", ("", *names[:-1]), rows[1:], labels=1)
