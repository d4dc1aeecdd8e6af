"""Column names: how they are written, and which ones a tree uses."""

from __future__ import annotations

import keyword
import unicodedata
from collections.abc import Iterator

from partialpool.formula.functions import KNOWN_FUNCTIONS
from partialpool.formula.terms import STRUCTURES
from partialpool.formula.tree import (
    BAR,
    Call,
    Chain,
    Name,
    Node,
    Paren,
    Power,
    Prefix,
)

CONSTANTS = {"pi": "pi", "TRUE": "True", "FALSE": "False", "True": "True", "False": "False"}
# A column named like a function stays in backticks, so that log(`log`) calls the function.
_TAKEN = frozenset([*CONSTANTS, *KNOWN_FUNCTIONS.values(), "contr"])
_ALL_ARGUMENTS = ("cbind", "interaction")


def quote(name: str) -> str:
    """Return a column's name, in backticks if Python can't read it bare.

    Examples
    --------
    >>> quote("Days"), quote("litter size"), quote("class")
    ('Days', '`litter size`', '`class`')
    """
    plain = name.isidentifier() and not keyword.iskeyword(name) and name not in _TAKEN
    if plain and (name.isascii() or _reads_bare(name)):
        return name
    return f"`{name}`"


def _reads_bare(name: str) -> bool:
    # Python normalises identifiers: two columns must not become one. Combining marks stay in
    # backticks too, so that the tests' oracle, formulaic, reads the same name.
    words = all(character.isalnum() or character == "_" for character in name)
    return words and unicodedata.normalize("NFKC", name) == name


def _holds_bar(node: Node) -> bool:
    return isinstance(node, Chain) and node.level == BAR


def column_names(node: Node, *, inside: bool = False) -> Iterator[str]:
    """Yield the columns that a tree uses, in reading order.

    Parameters
    ----------
    inside
        Whether the tree is an expression, where ``pi`` is a number and not a column.
    """
    match node:
        case Name(name=name, quoted=quoted):
            if quoted or not (inside and name in CONSTANTS):
                yield name
        case Call(function=function, arguments=arguments):
            # A contrast's and an option's words are no columns.
            used = arguments if function in _ALL_ARGUMENTS else arguments[:1]
            for argument in used:
                random = function in STRUCTURES and (
                    function != "exp" or _holds_bar(argument.value)
                )
                yield from column_names(argument.value, inside=not random)
        case Prefix(operand=operand):
            yield from column_names(operand, inside=inside)
        case Chain(operands=operands):
            for operand in operands:
                yield from column_names(operand, inside=inside)
        case Power(base=base, exponent=exponent):
            yield from column_names(base, inside=inside)
            yield from column_names(exponent, inside=inside)
        case Paren(inner=inner):
            yield from column_names(inner, inside=inside)
