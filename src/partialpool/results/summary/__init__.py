"""A summary's tables and sentences, and how they are shown in a terminal and in a notebook."""

from __future__ import annotations

from partialpool.results.summary.coefficients import (
    MOST_CORRELATED,
    coefficient_table,
    correlation_table,
    p_value_cell,
    two_sided,
)
from partialpool.results.summary.components import variances
from partialpool.results.summary.grid import Blocks, Grid
from partialpool.results.summary.html import render_html
from partialpool.results.summary.numbers import cell, decimals
from partialpool.results.summary.text import render_text
from partialpool.results.summary.values import (
    Coefficient,
    Component,
    coefficient_lines,
    components_of,
    correlation_of,
)

__all__ = [
    "MOST_CORRELATED",
    "Blocks",
    "Coefficient",
    "Component",
    "Grid",
    "cell",
    "coefficient_lines",
    "coefficient_table",
    "components_of",
    "correlation_of",
    "correlation_table",
    "decimals",
    "p_value_cell",
    "render_html",
    "render_text",
    "two_sided",
    "variances",
]
