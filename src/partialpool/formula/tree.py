"""The tree of a formula: what the reader makes, and all others walk over.

Nodes are named tuples and not dataclasses, because they are made five times faster. Each knows
where in the text it stands.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

# Loosest first. R's order, except that Python's // and % stand with * and / as Python has them.
BAR, AND, NOT, COMPARE, ADD, MULTIPLY, SPECIAL, INTERACT, UNARY, POWER = range(1, 11)
LEVELS = {
    "|": BAR, "||": BAR, "&": AND, "&&": AND,
    "<": COMPARE, ">": COMPARE, "<=": COMPARE, ">=": COMPARE, "==": COMPARE, "!=": COMPARE,
    "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "//": MULTIPLY, "%": MULTIPLY,
    "%%": SPECIAL, "%/%": SPECIAL, "%in%": SPECIAL, ":": INTERACT, "^": POWER, "**": POWER,
}  # fmt: skip


class Name(NamedTuple):
    """A column, or a constant such as ``pi``; ``quoted`` when it stood in backticks."""

    name: str
    quoted: bool
    start: int
    end: int


class Number(NamedTuple):
    """A number as written."""

    text: str
    start: int
    end: int


class Text(NamedTuple):
    """A string as written, quotes included."""

    text: str
    start: int
    end: int


class Argument(NamedTuple):
    """One argument of a call."""

    keyword: str | None
    value: Node
    start: int
    end: int


class Call(NamedTuple):
    """A function with its arguments."""

    function: str
    arguments: tuple[Argument, ...]
    start: int
    end: int


class Vector(NamedTuple):
    """A list of values, ``[1, 2]`` or R's ``c(1, 2)``."""

    items: tuple[Node, ...]
    start: int
    end: int


class Prefix(NamedTuple):
    """A sign or a negation before its operand."""

    operator: str
    operand: Node
    start: int
    end: int


class Chain(NamedTuple):
    """Operators of one level between operands, read from the left.

    Kept flat, so that a sum of a thousand columns is not a thousand levels deep.
    """

    level: int
    operators: tuple[str, ...]
    operands: tuple[Node, ...]
    start: int
    end: int


class Power(NamedTuple):
    """``base ^ exponent``."""

    base: Node
    exponent: Node
    start: int
    end: int


class Paren(NamedTuple):
    """Something in parentheses."""

    inner: Node
    start: int
    end: int


Node: TypeAlias = Name | Number | Text | Call | Vector | Prefix | Chain | Power | Paren
