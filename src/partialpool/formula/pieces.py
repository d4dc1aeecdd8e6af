"""Take the random terms and the offsets out of a formula's right-hand side."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.formula.random_terms import is_random
from partialpool.formula.tree import (
    ADD,
    Call,
    Chain,
    Node,
    Number,
    Paren,
    Prefix,
)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The right-hand side of a formula, taken apart.

    Attributes
    ----------
    fixed
        What remains for the fixed effects; the literal 1 if nothing does.
    random
        Random terms in the order written.
    offsets
        Calls of ``offset()``.
    """

    fixed: Node
    random: tuple[Paren | Call, ...]
    offsets: tuple[Call, ...]


def take_apart(right: Node) -> Pieces:
    """Split a right-hand side.

    Only what is added can be taken out: a random term that is multiplied or subtracted stays,
    for the expansion of the fixed part to refuse it where it stands.

    Examples
    --------
    >>> from partialpool.formula.source import Source
    >>> from partialpool.formula.syntax import read_expression
    >>> pieces = take_apart(read_expression(Source("(1 | g) - 1 + x + offset(t)")))
    >>> len(pieces.random), len(pieces.offsets)
    (1, 1)
    """
    random: list[Paren | Call] = []
    offsets: list[Call] = []
    fixed = _strip(right, random, offsets)
    if fixed is None:
        fixed = Number("1", right.start, right.end)
    return Pieces(fixed, tuple(random), tuple(offsets))


def _strip(node: Node, random: list[Paren | Call], offsets: list[Call]) -> Node | None:
    if is_random(node):
        random.append(node)
        return None
    if isinstance(node, Call) and node.function == "offset":
        offsets.append(node)
        return None
    if isinstance(node, Chain) and node.level == ADD:
        return _strip_sum(node, random, offsets)
    if isinstance(node, Paren):
        inner = _strip(node.inner, random, offsets)
        return None if inner is None else node._replace(inner=inner)
    if isinstance(node, Prefix) and node.operator == "+":
        return _strip(node.operand, random, offsets)
    return node


def _strip_sum(node: Chain, random: list[Paren | Call], offsets: list[Call]) -> Node | None:
    operators: list[str] = []
    operands: list[Node] = []
    for operator, operand in zip(("+", *node.operators), node.operands, strict=True):
        kept = operand if operator == "-" else _strip(operand, random, offsets)
        if kept is not None:
            operators.append(operator)
            operands.append(kept)
    if not operands:
        return None
    if operators[0] == "-":
        operands[0] = Prefix("-", operands[0], operands[0].start, operands[0].end)
    return Chain(ADD, tuple(operators[1:]), tuple(operands), node.start, node.end)
