"""Tables of coefficients and of their correlations."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.results.summary.grid import Grid
from partialpool.results.summary.numbers import cell, correlation_cell, decimals
from partialpool.results.summary.values import Coefficient

__all__ = ["MOST_CORRELATED", "coefficient_table", "correlation_table", "p_value_cell", "two_sided"]

# Beyond six coefficients the correlations hide more than they show.
MOST_CORRELATED = 6
_SMALLEST_P = 1e-4


def coefficient_table(
    rows: tuple[Coefficient, ...],
    statistic: Literal["t", "z"],
    note: str,
    title: str = "Fixed effects",
) -> Grid:
    """Lay out coefficients with standard errors.

    z values come with their p-values, t values where their degrees of freedom are known.
    """
    errors = [c.std_error for c in rows if c.std_error > 0]
    # The smallest standard error sets the decimals, the largest estimate the width.
    large = [c.estimate for c in rows if abs(c.estimate) > min(errors, default=0.0)]
    places = decimals([*errors, *large])
    normal = statistic == "z"
    tested = normal or any(not math.isnan(c.df) for c in rows)
    more = ["P(>|z|)"] if normal else ["df", "P(>|t|)"] if tested else []
    return Grid(
        title,
        ("", "Estimate", "Std. error", statistic, *more),
        tuple(_coefficient(c, places, normal, len(more)) for c in rows),
        labels=1,
        note=note,
    )


def two_sided(statistic: float) -> float:
    """Probability that a standard normal variable is further from zero.

    Examples
    --------
    >>> round(two_sided(-1.96), 4)
    0.05
    """
    return math.erfc(abs(statistic) / math.sqrt(2.0))


def _coefficient(c: Coefficient, places: int | None, normal: bool, more: int) -> tuple[str, ...]:
    if c.state == "not applicable":
        return (c.name, *["n/a"] * (3 + more))
    if c.state == "aliased":
        return (c.name, "aliased", *[""] * (2 + more))
    cells = (cell(c.estimate, places), cell(c.std_error, places), cell(c.statistic, 2))
    p = two_sided(c.statistic) if normal else c.p_value
    tested = [cell(c.df, 1), p_value_cell(p)][2 - more :] if more else []
    return (c.name, *cells, *tested)


def p_value_cell(p: float) -> str:
    """Write a p-value; below 0.0001 only that it is.

    Examples
    --------
    >>> p_value_cell(0.04321), p_value_cell(1e-9)
    ('0.0432', '<0.0001')
    """
    if math.isnan(p):
        return ""
    return f"<{_SMALLEST_P:.4f}" if p < _SMALLEST_P else f"{p:.4f}"


def correlation_table(rows: tuple[Coefficient, ...], correlation: NDArray[np.float64]) -> Grid:
    """Lay out the lower triangle of the estimated coefficients' correlations."""
    # Without a standard error there is no correlation.
    names = [c.name for c in rows if c.state == "estimated" and not math.isnan(c.std_error)]
    lines = tuple(
        (name, *(correlation_cell(float(v)) if j < i else "" for j, v in enumerate(row[:-1])))
        for i, (name, row) in enumerate(zip(names, correlation, strict=True))
    )
    return Grid("Correlation of fixed effects", ("", *names[:-1]), lines[1:], labels=1)
