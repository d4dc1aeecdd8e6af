"""What fits of every kind hold and show: variance components, certificates, tables, summaries."""

from __future__ import annotations

from partialpool.results.aliases import describe_aliases
from partialpool.results.certificate import Certificate, NullDirection, find_null_directions
from partialpool.results.comparison import Comparison, compare
from partialpool.results.varcorr import (
    VarCorr,
    VarCorrTerm,
    relative_parameters,
    variance_components,
)

__all__ = [
    "Certificate",
    "Comparison",
    "NullDirection",
    "VarCorr",
    "VarCorrTerm",
    "compare",
    "describe_aliases",
    "find_null_directions",
    "relative_parameters",
    "variance_components",
]
