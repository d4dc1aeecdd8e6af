"""Random-effects terms: ``(x | g)``, ``(x || g)``, ``(1 | a/b)`` and ``cs(f | g)``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeGuard

from partialpool.formula.algebra import Terms, expand
from partialpool.formula.source import Source
from partialpool.formula.structures import BY_DISTANCE, BY_LAG, SERIAL
from partialpool.formula.terms import STRUCTURES, RandomTerm, Structure
from partialpool.formula.tree import (
    ADD,
    BAR,
    INTERACT,
    MULTIPLY,
    Call,
    Chain,
    Name,
    Node,
    Paren,
)

# A grouping factor is always categorical, so that saying it changes nothing.
_CATEGORICAL = ("factor", "as.factor", "C")
# Structures that give each column a variance of its own, so that the sum of two of them that
# share a column can't be told from one.
_FREE = ("unstructured", "diagonal")
_SMOOTHNESS: dict[str, Structure] = {"0.5": "exp", "1.5": "mat32", "2.5": "mat52"}


def is_random(node: Node) -> TypeGuard[Paren | Call]:
    """Whether a node is a random term: a bar in parentheses or in a structure's call."""
    if isinstance(node, Call):
        inside = [argument.value for argument in node.arguments]
        # exp(x) is the function; what holds a bar is a covariance.
        return node.function in STRUCTURES and any(map(_is_bar, inside))
    return isinstance(node, Paren) and _is_bar(node.inner)


def _is_bar(node: Node) -> TypeGuard[Chain]:
    return isinstance(node, Chain) and node.level == BAR


def read_random(nodes: Sequence[Paren | Call], source: Source) -> tuple[RandomTerm, ...]:
    """Read the random terms of a formula, ``a/b`` expanded to ``a`` and ``a:b``.

    Raises
    ------
    FormulaError
        If a term can't be read, or two terms describe the same variance.
    """
    terms: list[RandomTerm] = []
    bases: list[Terms] = []
    for node in nodes:
        bar = _bar(node, source)
        structure = _structure(node, bar, source)
        basis = _basis(bar, structure, source)
        for factors in _groups(bar.operands[1], source):
            term = RandomTerm(source.slice(node), basis.text, factors, structure)
            for other, other_basis in zip(terms, bases, strict=True):
                _refuse_overlap(term, basis, other, other_basis, node, source)
            terms.append(term)
            bases.append(basis)
    return tuple(terms)


def _bar(node: Paren | Call, source: Source) -> Chain:
    bar = node.inner if isinstance(node, Paren) else node.arguments[0].value
    if isinstance(node, Call) and len(node.arguments) > 1 and node.function != "mat":
        raise source.error(f"{node.function}() takes one random term and nothing else.", node)
    assert _is_bar(bar)
    if len(bar.operands) > 2:
        raise source.error(
            "a random term has one bar, between its columns and its grouping factor.", bar
        )
    return bar


def _structure(node: Paren | Call, bar: Chain, source: Source) -> Structure:
    doubled = bar.operators[0] == "||"
    if isinstance(node, Paren):
        return "diagonal" if doubled else "unstructured"
    if doubled:
        raise source.error(
            f"'||' and {node.function}() each name a structure. Write '|' inside "
            f"{node.function}().",
            bar,
        )
    return _matern(node, source) if node.function == "mat" else STRUCTURES[node.function]


def _matern(node: Call, source: Source) -> Structure:
    """Choose a smoothness, of which correlations have closed forms."""
    if len(node.arguments) == 1:
        return STRUCTURES["mat"]
    last = node.arguments[-1]
    given = source.slice(last.value)
    if len(node.arguments) > 2 or last.keyword != "nu" or given not in _SMOOTHNESS:
        raise source.error(
            f"mat() takes a random term and nu = 0.5, 1.5 or 2.5, found {source.slice(node)}.", node
        )
    return _SMOOTHNESS[given]


def _basis(bar: Chain, structure: Structure, source: Source) -> Terms:
    left = bar.operands[0]
    basis = expand(left, source)
    if not basis.intercept and not basis.terms:
        raise source.error(
            "this random term has no columns. Write 1 for a random intercept, or leave it out.",
            left,
        )
    if structure in SERIAL | BY_LAG and (basis.intercept or len(basis.terms) != 1):
        raise source.error(
            f"{structure}() takes one factor of time points and no intercept: "
            f"{structure}(0 + time | g).",
            left,
        )
    if structure in BY_DISTANCE and (basis.intercept or not basis.terms):
        raise source.error(
            f"{structure}() takes columns of numbers and no intercept: {structure}(0 + t | g).",
            left,
        )
    return basis


def _groups(node: Node, source: Source) -> list[tuple[str, ...]]:
    """Return the grouping factors of a term, each as the columns that it is made of."""
    if isinstance(node, Name):
        return [(node.name,)]
    if isinstance(node, Paren):
        return _groups(node.inner, source)
    if isinstance(node, Chain) and node.level == INTERACT:
        return [_joined(node.operands, node, source)]
    if isinstance(node, Chain) and set(node.operators) == {"/"}:
        return list(_nested(node, source))
    if isinstance(node, Call) and node.function in _CATEGORICAL and len(node.arguments) == 1:
        return _groups(node.arguments[0].value, source)
    if isinstance(node, Call) and node.function == "interaction" and node.arguments:
        return [_joined(tuple(argument.value for argument in node.arguments), node, source)]
    raise source.error(_no_group(node, source), node)


def _joined(parts: tuple[Node, ...], node: Node, source: Source) -> tuple[str, ...]:
    columns: list[str] = []
    for part in parts:
        groups = _groups(part, source)
        if len(groups) != 1:
            raise source.error("'/' can't stand within an interaction of grouping factors.", part)
        columns += groups[0]
    if len(set(columns)) < len(columns):
        raise source.error(_repeated(columns, source.slice(node)), node)
    return tuple(columns)


def _nested(node: Chain, source: Source) -> Iterator[tuple[str, ...]]:
    for depth in range(1, len(node.operands) + 1):
        yield _joined(node.operands[:depth], node, source)


def _repeated(columns: list[str], written: str) -> str:
    twice = next(name for name in columns if columns.count(name) > 1)
    return (
        f"{written} names {twice!r} twice, which would give it two variances that the data can't "
        f"tell apart. Write {twice!r} once."
    )


def _no_group(node: Node, source: Source) -> str:
    written = source.slice(node)
    if isinstance(node, Chain) and node.level in (ADD, MULTIPLY):
        operands = [source.slice(operand) for operand in node.operands]
        if set(node.operators) == {"*"}:
            operands.append(":".join(operands))
        if set(node.operators) in ({"+"}, {"*"}):
            terms = " + ".join(f"(1 | {operand})" for operand in operands)
            return f"{written} can't be a grouping factor. Write one term for each: {terms}."
    return (
        f"{written} can't be a grouping factor: a column was needed, or columns joined by ':' "
        "or '/'. Make a column of it first."
    )


def _refuse_overlap(
    term: RandomTerm,
    basis: Terms,
    other: RandomTerm,
    other_basis: Terms,
    node: Node,
    source: Source,
) -> None:
    """Refuse two terms whose variances add up to one that the data can't divide."""
    if set(term.factors) != set(other.factors):
        return
    # One variance alone has the same meaning in every structure.
    same = term.structure == other.structure or term.basis == "1"
    if term.basis == other.basis and same:
        raise source.error(
            f"the term ({term.basis} | {term.group}) is in the formula twice. Remove one.", node
        )
    if term.structure not in _FREE or other.structure not in _FREE:
        return
    both = set(basis.terms) & set(other_basis.terms)
    shared = ["intercept"] if basis.intercept and other_basis.intercept else sorted(both)
    if shared:
        raise source.error(
            f"{other.source} and {term.source} both give {term.group!r} a variance for "
            f"{shared[0]!r}, and the data can't tell the two apart. Keep it in one of them: "
            "uncorrelated effects are written (1 | g) + (0 + x | g), or (x || g).",
            node,
        )
