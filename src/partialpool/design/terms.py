"""From a right-hand side to the columns that each of its terms spans."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import product
from typing import NamedTuple

__all__ = ["ScopedFactor", "ScopedTerm", "Term", "factor_name", "read_terms", "scope"]

Term = tuple[str, ...]
"""Factors that are multiplied, as expressions; none for the intercept."""

_PIECES = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*` | [()\[\]+:]""", re.VERBOSE | re.DOTALL
)


class ScopedFactor(NamedTuple):
    """A factor and how it is coded.

    Attributes
    ----------
    text
        Its expression.
    reduced
        Whether it is coded by contrasts, since the rest already spans its mean.
    """

    text: str
    reduced: bool = False


ScopedTerm = tuple[ScopedFactor, ...]


def read_terms(text: str) -> tuple[Term, ...]:
    """Split a sum of terms, the intercept explicit, into the factors of each.

    Examples
    --------
    >>> read_terms("1 + x + bs(x, df=4):`a:b`")
    ((), ('x',), ('bs(x, df=4)', '`a:b`'))
    """
    if not re.search(r"['\"`(]", text):
        terms = [tuple(term.strip().split(":")) for term in text.split("+")]
    else:
        terms = list(_split(text))
    return tuple(() if term == ("1",) else term for term in terms if term != ("0",))


def _split(text: str) -> Iterable[Term]:
    """Split at the pluses and colons that stand in no parentheses and no quotes."""
    factors: list[str] = []
    start = depth = 0
    for match in _PIECES.finditer(text):
        piece = match[0]
        depth += (piece in "([") - (piece in ")]")
        if depth or piece not in "+:":
            continue
        factors.append(text[start : match.start()].strip())
        start = match.end()
        if piece == "+":
            yield tuple(factors)
            factors = []
    yield (*factors, text[start:].strip())


def factor_name(text: str) -> str:
    """Return a factor's name in a coefficient: a column's own, without its backticks.

    Examples
    --------
    >>> factor_name("`litter size`"), factor_name("log(`litter size`)")
    ('litter size', 'log(`litter size`)')
    """
    return text[1:-1] if text.startswith("`") and text.count("`") == 2 and text[-1] == "`" else text


def scope(terms: Iterable[Term], categorical: Mapping[str, bool]) -> tuple[ScopedTerm, ...]:
    """Decide for each term which of its factors are coded by contrasts.

    Parameters
    ----------
    terms
        Factors of each term.
    categorical
        Whether each factor has levels, by its expression.

    Returns
    -------
    tuple
        Scoped terms that together span what the terms span, each direction once.

    Notes
    -----
    The algorithm of patsy and formulaic: a categorical factor spans its mean and its
    contrasts; what earlier terms span is taken out of a term, and the pieces left are
    joined again where contrasts and mean are both there. For whatever contains its
    margins it is R's rule; for ``a:b`` without them it gives full rank where R doesn't.
    """
    spanned: set[frozenset[ScopedFactor]] = set()
    scoped: list[ScopedTerm] = []
    for term in terms:
        if not any(categorical[text] for text in term):
            scoped.append(tuple(map(ScopedFactor, dict.fromkeys(term))))
            spanned.add(frozenset(scoped[-1]))
            continue
        pieces = [piece for piece in _pieces(term, categorical) if frozenset(piece) not in spanned]
        spanned.update(map(frozenset, pieces))
        scoped += _join(pieces)
    return tuple(scoped)


def _pieces(term: Term, categorical: Mapping[str, bool]) -> list[ScopedTerm]:
    choices: list[tuple[ScopedFactor | None, ...]] = [
        (ScopedFactor(text, True), None) if categorical[text] else (ScopedFactor(text),)
        for text in dict.fromkeys(term)
    ]
    return [tuple(factor for factor in pick if factor) for pick in product(*choices)]


def _join(pieces: list[ScopedTerm]) -> list[ScopedTerm]:
    """Replace (rest) and (rest):(contrasts of f) by (rest):(all of f), until none is left."""
    joined: list[ScopedTerm] = []
    for piece in sorted(pieces, key=len):
        for other in joined:
            extra = set(piece) - set(other)
            if len(piece) - 1 != len(other) or len(extra) != 1:
                continue
            (factor,) = extra
            if factor.reduced:
                whole = tuple(ScopedFactor(f.text) if f == factor else f for f in piece)
                joined = _join([*(term for term in joined if term != other), whole])
                break
        else:
            joined.append(piece)
    return joined
