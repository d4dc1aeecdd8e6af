"""Check Python expressions before they are evaluated.

Translation already builds only what the grammar knows. The check reads the result once more, as
the tree that Python will run, so that a slip in the grammar (or a saved model that somebody
edited) can't run code.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from partialpool.errors import FormulaError
from partialpool.formula.contrasts import CONTRASTS
from partialpool.formula.functions import KNOWN_FUNCTIONS, unknown_function

_CALLABLE = frozenset(KNOWN_FUNCTIONS.values())
_CONSTANTS = ("pi",)
_LARGEST_POWER = 1000
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`([^`]+)`", re.DOTALL)
_HARMLESS = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
    ast.keyword, ast.List, ast.Name, ast.Constant, ast.Call,
)  # fmt: skip
_REFUSED_OPERATORS = (ast.MatMult, ast.LShift, ast.RShift, ast.Is, ast.IsNot, ast.In, ast.NotIn)


def check_expression(text: str) -> None:
    """Refuse Python that does more than arithmetic and known functions on columns.

    Parameters
    ----------
    text
        Python as :func:`python_expression` writes it: columns may stand in backticks.

    Raises
    ------
    FormulaError
        If the text isn't such an expression; the message names the piece.

    Examples
    --------
    >>> check_expression("log(`total fruits`) + 1")
    >>> check_expression("x.__class__")
    Traceback (most recent call last):
    partialpool.errors.FormulaError: 'x.__class__' is not allowed in an expression: ...
    """
    tree, columns = _parse(text)
    _check(tree, {alias: f"`{name}`" for alias, name in columns.items()})


def expression_columns(text: str) -> tuple[str, ...]:
    """Return the columns that a Python expression uses, in order of appearance.

    Examples
    --------
    >>> expression_columns("log(`total fruits`) + rank * pi")
    ('total fruits', 'rank')
    """
    tree, columns = _parse(text)
    return tuple(dict.fromkeys(columns.get(name, name) for name in _names(tree)))


def _names(tree: ast.AST) -> Iterator[str]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name) and node.id not in _CONSTANTS:
            yield node.id
        stack += reversed(_inside(node))


def _inside(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node that can hold columns, in reading order."""
    if not isinstance(node, ast.Call):
        return list(ast.iter_child_nodes(node))
    # The function is no column, and neither are a contrast's words.
    return [*node.args[:1]] if _function(node) == "C" else [*node.args, *node.keywords]


def _parse(text: str) -> tuple[ast.expr, dict[str, str]]:
    """Read Python whose quoted columns are replaced by identifiers, and say which by which."""
    columns: dict[str, str] = {}
    stem = "column"
    while stem in text:
        stem += "_"

    def alias(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0]
        name = f"{stem}{len(columns)}"
        columns[name] = match[1]
        return name

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tree = ast.parse(_QUOTED.sub(alias, text).strip(), mode="eval")
    except (SyntaxError, ValueError, Warning, MemoryError, RecursionError) as error:
        raise FormulaError(
            f"{_shown(text)} is not an expression that can be read. Write arithmetic and known "
            "functions of columns, names with spaces in backticks."
        ) from error
    return tree.body, columns


def _check(node: ast.AST, quoted: dict[str, str]) -> None:
    # A stack and not recursion: a sum of thousands of columns is as deep as it is long.
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            stack += _checked_call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            stack += _checked_power(node)
        else:
            stack += _checked_plain(node, quoted)


def _checked_plain(node: ast.AST, quoted: dict[str, str]) -> list[ast.AST]:
    if not isinstance(node, _HARMLESS) or isinstance(node, _REFUSED_OPERATORS):
        raise _not_allowed(node)
    if isinstance(node, ast.Name) and node.id.startswith("__"):
        raise _not_allowed(node)
    if isinstance(node, ast.Constant) and not isinstance(node.value, (int, float, str)):
        raise _not_allowed(node)
    return list(ast.iter_child_nodes(node))


def _checked_call(node: ast.Call) -> list[ast.AST]:
    name = _function(node)
    if name not in _CALLABLE:
        if not isinstance(node.func, ast.Name):
            raise _not_allowed(node)
        raise FormulaError(f"in {_shown(ast.unparse(node))}: {unknown_function(name)}")
    if any(keyword.arg is None for keyword in node.keywords):
        raise _not_allowed(node)
    arguments: list[ast.AST] = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [a for i, a in enumerate(arguments) if not (name == "C" and i == 1 and _contrast(a))]


def _contrast(node: ast.AST) -> bool:
    """Whether a node is one of formulaic's contrasts, the only attributes there are."""
    if isinstance(node, ast.Call):
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        return _contrast(node.func) and all(map(_literal, arguments))
    if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
        return False
    return node.value.id == "contr" and node.attr in CONTRASTS


def _literal(node: ast.AST) -> bool:
    if isinstance(node, ast.List):
        return all(map(_literal, node.elts))
    if isinstance(node, ast.UnaryOp):
        return _literal(node.operand)
    return isinstance(node, ast.Constant)


def _checked_power(node: ast.BinOp) -> list[ast.AST]:
    """Refuse powers of constants that would never end: 9 ** 9 ** 9 ** 9."""
    constant = not any(isinstance(inner, ast.Name) for inner in ast.walk(node.left))
    exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    if constant and not (
        isinstance(node.left, ast.Constant)
        and (not _literal(exponent) or _size(exponent) <= _LARGEST_POWER)
    ):
        raise _not_allowed(node, "a power of constants this large can't be computed")
    return [node.left, node.right]


def _size(node: ast.AST) -> float:
    value = node.value if isinstance(node, ast.Constant) else None
    return abs(value) if isinstance(value, (int, float)) else float("inf")


def _function(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _not_allowed(node: ast.AST, why: str = "") -> FormulaError:
    why = why or (
        "only arithmetic, comparisons and known functions of columns are, no attributes, indexing "
        "or other Python"
    )
    return FormulaError(
        f"{_shown(ast.unparse(node))} is not allowed in an expression: {why}. Make a column of "
        "it first."
    )


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
