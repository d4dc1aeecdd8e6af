"""The grammar: what a model formula says, before any data are seen."""

from __future__ import annotations

from partialpool.formula.expressions import python_expression
from partialpool.formula.functions import KNOWN_FUNCTIONS
from partialpool.formula.parser import parse, parse_part
from partialpool.formula.safety import check_expression, expression_columns, expression_tree
from partialpool.formula.statsmodels import combine
from partialpool.formula.terms import STRUCTURES, Formula, RandomTerm, Structure

__all__ = [
    "KNOWN_FUNCTIONS",
    "STRUCTURES",
    "Formula",
    "RandomTerm",
    "Structure",
    "check_expression",
    "combine",
    "expression_columns",
    "expression_tree",
    "parse",
    "parse_part",
    "python_expression",
]
