"""Lay a generalized model's summary out as titled tables and sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from partialpool.generalized.approximation import PQL
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
    from partialpool.generalized.summary.values import GlmmSummary, PartSummary

__all__ = ["blocks"]

_ZERO_TITLES = {"inflated": "Zero inflation", "hurdle": "Zeros (hurdle)"}
_ABOUT_Z = "z = estimate / std. error; p-values are those of a normal distribution."


def blocks(summary: GlmmSummary) -> Blocks:
    """Lay a summary out."""
    mean, *others = summary.parts
    grids = [] if summary.criterion == PQL else [_criteria(summary)]
    grids += [] if np.isnan(summary.scaled_residuals).any() else [_residuals(summary)]
    grids += _part(mean, f"units of {summary.unit}", "")
    if 1 < len(summary.correlation) <= MOST_CORRELATED:
        grids += [correlation_table(mean.coefficients, summary.correlation)]
    if summary.thresholds:
        grids += [coefficient_table(summary.thresholds, "z", "", "Thresholds")]
    for part in others:
        grids += _part(part, _unit(part), f"{_title(summary, part)}: ")
    if summary.further:
        grids += [_further(summary)]
    return Blocks(_heading(summary), _facts(summary), tuple(grids), _sentences(summary))


def _heading(summary: GlmmSummary) -> str:
    if not summary.mixed:
        return "Generalized linear model fitted by maximum likelihood"
    by = "REML" if summary.reml else "maximum likelihood"
    if summary.criterion == PQL:
        return f"Generalized linear mixed model fitted by {summary.criterion}"
    return f"Generalized linear mixed model fitted by {by} ({summary.criterion})"


def _facts(summary: GlmmSummary) -> tuple[tuple[str, str], ...]:
    mean, *others = summary.parts
    facts = [("Formula", mean.formula)]
    facts += [(_title(summary, part), part.formula) for part in others]
    facts += [("Family", f"{summary.family}, {summary.link} link"), ("Rows", f"{summary.nobs:,}")]
    levels = ", ".join(f"{name} {n:,}" for name, n in summary.groups)
    return (*facts, *([("Groups", levels)] if levels else []))


def _title(summary: GlmmSummary, part: PartSummary) -> str:
    return "Dispersion" if part.name == "dispersion" else _ZERO_TITLES[summary.zero]


def _unit(part: PartSummary) -> str:
    return "units of the log dispersion" if part.name == "dispersion" else "units of log odds"


def _part(part: PartSummary, unit: str, prefix: str) -> list[Grid]:
    grids = []
    if part.components:
        grids += [variances(part.components, unit, f"{prefix}random effects".capitalize())]
    note = _ABOUT_Z if not prefix else f"In {unit}."
    title = f"{prefix}fixed effects".capitalize()
    if part.coefficients:
        grids += [coefficient_table(part.coefficients, "z", note, title)]
    return grids


def _criteria(summary: GlmmSummary) -> Grid:
    values = (summary.objective, summary.loglik, summary.aic, summary.bic)
    criterion = "REML criterion" if summary.reml else "-2 logLik"
    header = (criterion, "logLik", "AIC", "BIC", "Parameters", "Residual df")
    numbers = (*(cell(v, 4) for v in values), f"{summary.df:,}", f"{summary.df_residual:,}")
    return Grid("", header, (numbers,))


def _residuals(summary: GlmmSummary) -> Grid:
    numbers = tuple(cell(v, 4) for v in summary.scaled_residuals)
    return Grid("Scaled (Pearson) residuals", ("Min", "1Q", "Median", "3Q", "Max"), (numbers,))


def _further(summary: GlmmSummary) -> Grid:
    rows = []
    for f in summary.further:
        places = decimals([f.std_error]) if f.std_error > 0 else 4
        label = f"{f.name} {f.symbol}" if f.symbol != f.name else f.name
        rows.append((label, cell(f.value, places), cell(f.std_error, places)))
    note = "; ".join(f"{f.symbol}: {f.meaning}" for f in summary.further)
    return Grid("Further parameters", ("", "Estimate", "Std. error"), tuple(rows), 1, f"{note}.")


def _sentences(summary: GlmmSummary) -> tuple[str, ...]:
    if summary.criterion != PQL:
        return (*summary.notes, *summary.optimum)
    about = (
        "Penalised quasi-likelihood maximises no likelihood, so that there are no logLik, AIC and "
        "BIC. Evaluations are those of working linear models."
    )
    return (*summary.notes, about, *summary.optimum)
