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
from dataclasses import dataclass

from partialpool.errors import FormulaError
from partialpool.formula.contrasts import CONTRASTS
from partialpool.formula.functions import KNOWN_FUNCTIONS, unknown_function

_CALLABLE = frozenset(KNOWN_FUNCTIONS.values())
_CONSTANTS = ("pi",)
_LARGEST_POWER = 1000
_ENDLESS = "a power of constants this large can't be computed"
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`([^`]+)`", re.DOTALL)
_HARMLESS = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
    ast.keyword, ast.List, ast.Name, ast.Constant, ast.Call,
)  # fmt: skip
_REFUSED_OPERATORS = (
    ast.MatMult,
    ast.LShift,
    ast.RShift,
    ast.Is,
    ast.IsNot,
    ast.In,
    ast.NotIn,
    ast.Not,
)


@dataclass(frozen=True, slots=True, eq=False)
class ExpressionTree:
    """A checked expression.

    Attributes
    ----------
    tree
        What Python compiles. Columns in backticks stand in it under a made-up identifier.
    columns
        The column of each identifier in the tree, in order of appearance.
    """

    tree: ast.Expression
    columns: dict[str, str]


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
    expression_tree(text)


def expression_columns(text: str) -> tuple[str, ...]:
    """Return the columns that a Python expression uses, in order of appearance.

    Raises
    ------
    FormulaError
        As :func:`check_expression`.

    Examples
    --------
    >>> expression_columns("log(`total fruits`) + rank * pi")
    ('total fruits', 'rank')
    """
    return tuple(dict.fromkeys(expression_tree(text).columns.values()))


def expression_tree(text: str) -> ExpressionTree:
    """Read and check a Python expression, ready to be evaluated.

    Raises
    ------
    FormulaError
        As :func:`check_expression`.

    Examples
    --------
    >>> expression_tree("log(`class`) + x").columns
    {'column0': 'class', 'x': 'x'}
    """
    tree, quoted = _parse(text)
    try:
        _check(tree.body)
    except FormulaError as error:
        raise FormulaError(_restored(str(error), quoted)) from None
    return ExpressionTree(tree, {name: quoted.get(name, name) for name in _names(tree)})


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


def _parse(text: str) -> tuple[ast.Expression, dict[str, str]]:
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
    return tree, columns


def _restored(message: str, quoted: dict[str, str]) -> str:
    """Give the columns in a message their own names back."""
    for alias in reversed(quoted):
        message = message.replace(alias, f"`{quoted[alias]}`")
    return message


def _check(node: ast.AST) -> None:
    # A stack and not recursion: a sum of thousands of columns is as deep as it is long.
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Call):
            stack += _checked_call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            stack += _checked_power(node)
        else:
            stack += _checked_plain(node)


def _checked_plain(node: ast.AST) -> list[ast.AST]:
    if not isinstance(node, _HARMLESS) or isinstance(node, _REFUSED_OPERATORS):
        raise _not_allowed(node)
    if isinstance(node, ast.BinOp) and (_is_bulk(node.left) or _is_bulk(node.right)):
        raise _not_allowed(node, "texts and lists take no part in arithmetic")
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
        raise FormulaError(f"in {_piece(node)}: {unknown_function(name)}")
    if any(keyword.arg is None for keyword in node.keywords):
        raise _not_allowed(node)
    arguments: list[ast.AST] = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [a for i, a in enumerate(arguments) if not (name == "C" and i == 1 and _contrast(a))]


def _is_bulk(node: ast.AST) -> bool:
    # 'a' * 10 ** 9 would fill the memory.
    return isinstance(node, ast.List) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _contrast(node: ast.AST) -> bool:
    """Whether a node is one of the ``contr`` contrasts, the only attributes there are."""
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
    exponent = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
    if _is_constant(node.left) and not isinstance(node.left, ast.Constant):
        raise _not_allowed(node, _ENDLESS)
    if _is_constant(node.left) and _is_constant(exponent) and _size(exponent) > _LARGEST_POWER:
        raise _not_allowed(node, _ENDLESS)
    return [node.left, node.right]


def _is_constant(node: ast.AST) -> bool:
    return not any(isinstance(inner, ast.Name) for inner in ast.walk(node))


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
        f"{_piece(node)} is not allowed in an expression: {why}. Make a column of it first."
    )


def _piece(node: ast.AST) -> str:
    try:
        return _shown(ast.unparse(node))
    except RecursionError:
        return "this long expression"


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")
