"""Evaluate a checked expression on columns.

The tree is walked here and never given to Python's ``eval``: only what this file knows can
happen, whatever a saved model holds.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.contrasts import Contrast
from partialpool.design.conversions import level_numbers, level_order, parsed_text
from partialpool.design.labels import Basis, Labels, compare_labels
from partialpool.design.operations import (
    ARITHMETIC,
    COMPARISONS,
    ELEMENTWISE,
    LEARNED,
    LOGIC,
    State,
)
from partialpool.design.scaling import FIGURES
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError, FormulaError
from partialpool.formula import expression_columns, expression_tree
from partialpool.frames import Column, label, read_column

__all__ = ["Evaluated", "State", "Value", "columns_of", "evaluate"]

Value = Any  # an array, a constant, Labels or a Basis


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """An expression's value, and what its functions learned.

    Attributes
    ----------
    value
        An array of numbers or booleans, :class:`Labels` or a :class:`Basis`.
    states
        One for each function that learns, in the order of evaluation.
    """

    value: Value
    states: tuple[State, ...]


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns that an expression uses; most are one column's name."""
    return (text,) if text.isidentifier() and text != "pi" else expression_columns(text)


def evaluate(text: str, sheet: Sheet, states: tuple[State, ...] | None = None) -> Evaluated:
    """Evaluate an expression on columns without missing values.

    Parameters
    ----------
    text
        The expression, as the formula room writes it.
    sheet
        The columns it uses.
    states
        What its functions learned on the rows fitted; None to learn on these rows.

    Raises
    ------
    DataError
        If the columns don't allow it: text where a number is needed.
    FormulaError
        If the expression isn't one that may be evaluated.
    """
    if text in sheet.columns and text.isidentifier():
        return Evaluated(_plain(sheet.columns[text], text), ())
    tree = expression_tree(text)
    walk = _Walk(text, sheet, tree.columns, iter(states) if states is not None else None)
    with np.errstate(all="ignore"):  # What comes out is checked, with its rows named.
        value = walk.value(tree.tree.body)
    return Evaluated(value, tuple(walk.states))


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """One walk through a tree."""

    text: str
    sheet: Sheet
    names: dict[str, str]
    stored: Iterator[State] | None
    states: list[State] = field(default_factory=list)

    def value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name):
            return np.pi if node.id not in self.names else _plain(self.column(node), self.text)
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.List):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.BinOp):
            return self.chain(node)
        if isinstance(node, ast.UnaryOp):
            return self.unary(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self.compare(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            return self.call(node.func.id, node)
        raise FormulaError(f"{ast.unparse(node)!r} is not allowed in an expression.")

    def column(self, node: ast.Name) -> Column:
        return self.sheet.columns[self.names[node.id]]

    def numbers(self, node: ast.expr) -> Any:
        """Return a value that arithmetic works on; a condition counts as 0 and 1."""
        value = self.value(node)
        if isinstance(value, Labels):
            value.column.as_float(self.text)
            raise DataError(
                f"{self.text} computes with a factor. Write as.numeric() around it, or use it on "
                "its own."
            )
        if isinstance(value, Basis):
            raise DataError(
                f"{self.text} computes with a function that makes several columns. Use that "
                "function on its own."
            )
        if isinstance(value, np.ndarray) and value.dtype == bool:
            return value.astype(np.float64)
        return float(value) if isinstance(value, (int, bool)) else value

    def vector(self, node: ast.expr) -> NDArray[np.float64]:
        return np.broadcast_to(np.asarray(self.numbers(node), dtype=np.float64), self.sheet.n)

    def chain(self, node: ast.BinOp) -> Value:
        # Down the left side by a loop: a sum of a thousand columns is a thousand levels deep.
        stack: list[ast.BinOp] = []
        left: ast.expr = node
        while isinstance(left, ast.BinOp):
            stack.append(left)
            left = left.left
        value: Any = left
        for step in reversed(stack):
            value = self.binary(step, value)
        return value

    def binary(self, node: ast.BinOp, left: Any) -> Any:
        if type(node.op) in LOGIC:
            read = self.condition
            combine = LOGIC[type(node.op)]
        elif type(node.op) in ARITHMETIC:
            read = self.numbers
            combine = ARITHMETIC[type(node.op)]
        else:
            raise FormulaError(f"{ast.unparse(node)!r} is not allowed in an expression.")
        first = read(left) if isinstance(left, ast.expr) else left
        return combine(first, read(node.right))

    def condition(self, node: ast.expr) -> Any:
        value = self.value(node)
        if isinstance(value, bool) or (isinstance(value, np.ndarray) and value.dtype.kind == "b"):
            return value
        raise DataError(
            f"{self.text}: & | and ! combine conditions such as (x > 2), but "
            f"{ast.unparse(node)} is none."
        )

    def unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Invert):
            return np.logical_not(self.condition(node.operand))
        value = self.numbers(node.operand)
        return -value if isinstance(node.op, ast.USub) else value

    def compare(self, node: ast.Compare) -> Any:
        symbol, compare = COMPARISONS[type(node.ops[0])]
        left, right = self.value(node.left), self.value(node.comparators[0])
        if isinstance(left, Labels) or isinstance(right, Labels):
            return compare_labels(symbol, left, right, compare)
        if isinstance(left, str) or isinstance(right, str):
            raise DataError(
                f"{self.text} compares numbers with a text. Write the number without quotes."
            )
        return compare(left, right)

    def call(self, name: str, node: ast.Call) -> Any:
        if name == "I":
            return self.value(node.args[0])
        if name == "cbind":
            return Basis(np.column_stack([self.vector(argument) for argument in node.args]))
        if name in ELEMENTWISE:
            return ELEMENTWISE[name](self.numbers(node.args[0]))
        if name in FIGURES:
            figure = FIGURES[name]
            state = self.state(lambda: {"value": float(figure(self.vector(node.args[0])))})
            return state["value"]
        if name in LEARNED:
            return self.learned(name, node)
        if name in ("as_numeric", "as_integer"):
            return self.converted(name, node)
        if name in ("factor", "as_factor", "C"):
            return self.factor(name, node)
        raise FormulaError(f"{name}() can't be used in {self.text}.")

    def state(self, learn: Callable[[], State]) -> State:
        state = learn() if self.stored is None else next(self.stored)
        self.states.append(state)
        return state

    def learned(self, name: str, node: ast.Call) -> Any:
        learn, apply = LEARNED[name]
        x = self.vector(node.args[0])
        options = [self.value(argument) for argument in node.args[1:]]
        named = {str(k.arg): self.value(k.value) for k in node.keywords}
        value = apply(x, self.state(lambda: learn(x, *options, **named)))
        return Basis(value) if value.ndim == 2 else value

    def source(self, node: ast.expr) -> Column:
        """Return the column that a function of labels is about."""
        if isinstance(node, ast.Name) and node.id in self.names:
            return self.column(node)
        value = self.value(node)
        if isinstance(value, Labels):
            return value.column
        return read_column(ast.unparse(node), np.broadcast_to(value, self.sheet.n))

    def converted(self, name: str, node: ast.Call) -> Any:
        column = self.source(node.args[0])
        state = self.state(lambda: {"levels": level_order(column)})
        if state["levels"] is not None:
            return level_numbers(column, state["levels"])
        numbers = parsed_text(column) if column.kind == "text" else column.as_float(self.text)
        return np.trunc(numbers) if name == "as_integer" else numbers

    def factor(self, name: str, node: ast.Call) -> Labels:
        column = self.source(node.args[0])
        levels, contrast = None, None
        for keyword in node.keywords:
            if keyword.arg == "levels":
                levels = tuple(label(level) for level in self.value(keyword.value))
        if name == "C" and len(node.args) > 1:
            contrast = self.contrast(node.args[1])
        elif len(node.args) > 1:
            levels = tuple(label(level) for level in self.value(node.args[1]))
        return Labels(column, contrast, levels)

    def contrast(self, node: ast.expr) -> Contrast:
        option = None
        if isinstance(node, ast.Call):
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            option = self.value(arguments[0]) if arguments else None
            node = node.func
        if not isinstance(node, ast.Attribute):
            raise FormulaError(f"{ast.unparse(node)!r} is not a contrast.")
        if node.attr == "poly":
            return Contrast("poly", scores=tuple(map(float, option)) if option else None)
        return Contrast(node.attr, base=option)


def _plain(column: Column, text: str) -> Value:
    if not column.is_numeric:
        return Labels(column)
    return column.numbers if column.kind == "boolean" else column.as_float(text)
