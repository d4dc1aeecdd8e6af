"""Expressions over columns, translated from R's or Python's words to checked Python."""

from __future__ import annotations

from partialpool.errors import FormulaError
from partialpool.formula.functions import KNOWN_FUNCTIONS
from partialpool.formula.safety import check_expression, expression_columns, expression_tree
from partialpool.formula.source import Source
from partialpool.formula.syntax import read_expression
from partialpool.formula.translation import translate
from partialpool.formula.tree import Node

__all__ = [
    "KNOWN_FUNCTIONS",
    "check_expression",
    "checked",
    "expression_columns",
    "expression_tree",
    "python_expression",
]


def python_expression(text: str) -> str:
    """Translate an expression over columns from R's or Python's words to Python, checked.

    Parameters
    ----------
    text
        Such as ``"swt / mean(swt)"``: an argument ``weights`` or ``offset``, a response, a
        condition of ``applicable``.

    Raises
    ------
    FormulaError
        If the text can't be read, or does more than arithmetic and known functions.

    Examples
    --------
    >>> python_expression("log(total.fruits)^2")
    'log(`total.fruits`) ** 2'
    """
    if not isinstance(text, str):
        raise FormulaError(
            f"an expression is a text such as 'w / mean(w)', found {type(text).__name__}."
        )
    source = Source(text)
    if not text.strip():
        raise source.error_at("the expression is empty. Write one such as 'w / mean(w)'.", 0, 0)
    return checked(read_expression(source), source)


def checked(node: Node, source: Source) -> str:
    """Return the Python of a tree, checked as Python reads it."""
    text = translate(node, source)
    if not text.isidentifier():
        check_expression(text)
    return text
