"""Expand ``a * b``, ``a / b``, ``(a + b)^2`` and ``- a`` into a sum of terms, as R does.

R's reading differs from that of Python's formula libraries in what a formula of lme4's may
hold: the literals 0 and 1 anywhere, ``%in%``, and the order of columns within an interaction.
A term is a set of factors, held as the bits of an integer; the algorithm is R's own
(``TermCode`` in src/library/stats/src/model.c).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import or_

from partialpool.formula.expressions import checked
from partialpool.formula.names import column_names, quote
from partialpool.formula.source import Source
from partialpool.formula.translation import random_term_misplaced
from partialpool.formula.tree import (
    ADD,
    BAR,
    INTERACT,
    MULTIPLY,
    Call,
    Chain,
    Name,
    Node,
    Number,
    Paren,
    Power,
    Prefix,
    Text,
)

# (a + b + ... )^n and long products grow without bound; no design matrix has so many columns.
_MOST_TERMS = 20_000


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of terms.

    Attributes
    ----------
    intercept
        Whether the constant is among them.
    terms
        The others, ``"a:b"``, sorted by their number of factors.
    factors
        Every factor that was written, in order of appearance, subtracted ones too.
    """

    intercept: bool
    terms: tuple[str, ...]
    factors: tuple[str, ...]

    @property
    def text(self) -> str:
        """The sum as text, the intercept explicit and the factors in checked Python."""
        return " + ".join(["1" if self.intercept else "0", *self.terms])


def expand(node: Node, source: Source) -> Terms:
    """Expand the right-hand side of a formula into its terms.

    Raises
    ------
    FormulaError
        If a piece can't be a term: a number, a comparison, a random term out of place.

    Examples
    --------
    >>> from partialpool.formula.syntax import read_expression
    >>> source = Source("b + a * b - 1")
    >>> expand(read_expression(source), source).text
    '0 + b + a + b:a'
    """
    expansion = _Expansion(source)
    masks = sorted(dict.fromkeys(expansion.encode(node)), key=int.bit_count)
    factors = tuple(expansion.factors)
    terms = tuple(":".join(_members(mask, factors)) for mask in masks)
    return Terms(expansion.intercept, terms, factors)


def _members(mask: int, factors: tuple[str, ...]) -> list[str]:
    # bit_length jumps to the highest factor, so that a thousand columns stay cheap.
    members = []
    while mask:
        highest = mask.bit_length() - 1
        members.append(factors[highest])
        mask ^= 1 << highest
    return members[::-1]


class _Expansion:
    """The factors met so far, and whether the intercept is in."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.factors: dict[str, int] = {}
        self.intercept = True
        self.adding = True

    def encode(self, node: Node) -> list[int]:
        if isinstance(node, Name):
            return [self.bit(quote(node.name))]
        if isinstance(node, Call):
            return [self.bit(self.factor(node))]
        if isinstance(node, Number):
            return self.literal(node)
        if isinstance(node, Paren):
            return self.encode(node.inner)
        if isinstance(node, Prefix) and node.operator in "+-":
            return self.signed(node)
        if isinstance(node, Power):
            return self.power(node)
        if isinstance(node, Chain) and node.level in (ADD, MULTIPLY, INTERACT):
            return self.chain(node)
        if isinstance(node, Chain) and set(node.operators) == {"%in%"}:
            return self.chain(node)
        raise self.source.error(_no_term(node, self.source), node)

    def bit(self, factor: str) -> int:
        return 1 << self.factors.setdefault(factor, len(self.factors))

    def factor(self, node: Call) -> str:
        if node.function == "offset":
            raise self.source.error(
                "offset() can only be added on its own, as in 'y ~ x + offset(log(t))'.", node
            )
        text = checked(node, self.source)
        if next(column_names(node, inside=True), None) is None:
            raise self.source.error(f"{text} uses no column, so that it can't be a term.", node)
        return text

    def literal(self, node: Number) -> list[int]:
        if node.text not in ("0", "1"):
            raise self.source.error(
                f"the number {node.text} can't be a term. Only 0 and 1 are, for the intercept; "
                f"to scale a column write I({node.text} * x).",
                node,
            )
        self.intercept = (node.text == "1") == self.adding
        return []

    def signed(self, node: Prefix) -> list[int]:
        if node.operator == "+":
            return self.encode(node.operand)
        self.subtracted(node.operand)
        return []

    def subtracted(self, node: Node) -> list[int]:
        self.adding = not self.adding
        masks = self.encode(node)
        self.adding = not self.adding
        return masks

    def chain(self, node: Chain) -> list[int]:
        masks = self.encode(node.operands[0])
        for operator, operand in zip(node.operators, node.operands[1:], strict=True):
            if operator == "-":
                removed = set(self.subtracted(operand))
                masks = [mask for mask in masks if mask not in removed]
            elif operator == "+":
                masks += self.encode(operand)
            else:
                masks = self.product(operator, masks, self.encode(operand), node)
        return masks

    def product(self, operator: str, left: list[int], right: list[int], node: Node) -> list[int]:
        combine = _PRODUCTS.get(operator)
        if combine is None:
            raise self.source.error(_no_term(node, self.source), node)
        if operator in (":", "%in%") and not (left and right):
            raise self.source.error("an interaction needs a column on both sides.", node)
        if len(left) * len(right) > _MOST_TERMS:
            raise self.source.error(f"this expands to more than {_MOST_TERMS} terms.", node)
        return list(dict.fromkeys(combine(left, right)))

    def power(self, node: Power) -> list[int]:
        exponent = node.exponent.text if isinstance(node.exponent, Number) else ""
        base = self.encode(node.base)
        written = self.source.slice(node)
        if len(base) < 2:
            raise self.source.error(
                f"outside I(), '^' crosses terms, so that {written} is only "
                f"{self.source.slice(node.base)}. For the power write I({written}).",
                node,
            )
        if not (exponent.isdigit() and 1 <= int(exponent[:4]) <= 100):
            raise self.source.error(
                "the power of a sum of terms must be a whole number from 1 to 100.", node.exponent
            )
        masks = base
        for _ in range(min(int(exponent), len(base)) - 1):
            masks = self.product(":", masks, base, node)
        return masks


_PRODUCTS: dict[str, Callable[[list[int], list[int]], list[int]]] = {
    "*": lambda left, right: [*left, *right, *(a | b for a in left for b in right)],
    ":": lambda left, right: [a | b for a in left for b in right],
    "/": lambda left, right: [*left, *(reduce(or_, left, 0) | b for b in right)],
    "%in%": lambda left, right: [a | reduce(or_, right) for a in left],
}


def _no_term(node: Node, source: Source) -> str:
    written = source.slice(node)
    if isinstance(node, Chain) and node.level == BAR:
        return random_term_misplaced(written)
    if isinstance(node, Text):
        return f"the text {written} can't be a term. Column names stand in backticks: `a name`."
    return f"{written} can't be a term as it stands. To use it as a column write I({written})."
