"""Names of parameters in a text, however they are spaced."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = ["NameFinder", "compact"]

_PIECES = re.compile(r"\s+|\w+|\*\*|.", re.DOTALL)
# Signs that are written in two ways.
_EITHER = {"**": r"(?:\*\*|\^)", "^": r"(?:\*\*|\^)", "'": "['\"]", '"': "['\"]"}


class NameFinder:
    """Finds names in a text, the longest first.

    A name may be anything: a coefficient is called ``ns(x, df=3)[1]``, ``k[T.b<2]`` or
    ``I(x ** 2)``. Spaces between its words and signs don't matter, ``^`` is ``**``, and backticks
    may stand around it.

    Parameters
    ----------
    names
        All that there are.

    Examples
    --------
    >>> finder = NameFinder(["x", "I(x ** 2)", "ns(x, df=3)[1]"])
    >>> finder.at("2*I(x^2) + x", 2)
    ('I(x ** 2)', 8)
    >>> finder.at("`x` > 1", 0)
    ('x', 3)
    >>> finder.at("x2 > 1", 0)
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self._longest = sorted(self.names, key=len, reverse=True)

    def at(self, text: str, position: int) -> tuple[str, int] | None:
        """Return the name that stands at a position, and where it ends; None if none does."""
        quoted = text.startswith("`", position)
        start = position + quoted
        for name in self._longest:
            if name[:1] != text[start : start + 1]:
                continue
            found = _pattern(name).match(text, start)
            if found is None:
                continue
            if quoted and text.startswith("`", found.end()):
                return name, found.end() + 1
            if not quoted and not _goes_on(text[found.end() :], name):
                return name, found.end()
        return None


def compact(name: str) -> str:
    """Spell a name in the one way that all its spellings share.

    Examples
    --------
    >>> compact("I(x^2)") == compact("I(x ** 2)"), compact("ns(x,df = 3)[1]")
    (True, 'ns(x,df=3)[1]')
    """
    pieces = [p for p in _pieces(name) if p]
    return "".join({"**": "^", '"': "'"}.get(piece, piece) for piece in pieces)


def _pieces(name: str) -> list[str]:
    """Words and signs, with the space between two words."""
    found = _PIECES.findall(name.strip())
    out = []
    for i, piece in enumerate(found):
        if not piece.isspace():
            out.append(piece)
        elif found[i - 1][-1].isalnum() and found[i + 1][0].isalnum():
            out.append(" ")
    return out


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    pieces = _pieces(name)
    parts = []
    for i, piece in enumerate(pieces):
        if piece == " ":
            parts.append(r"\s+")
            continue
        # Between two words a space makes two of one.
        apart = i > 0 and pieces[i - 1] != " "
        parts.append((r"\s*" if apart else "") + _EITHER.get(piece, re.escape(piece)))
    return re.compile("".join(parts))


def _goes_on(rest: str, name: str) -> bool:
    """Whether a name only begins a longer word: ``Days`` in ``Days2``, ``exp`` in ``exp(x)``."""
    if not rest:
        return False
    if rest[0] == "." and name[-1].isalnum():
        return rest[1:2].isalnum() or rest[1:2] == "_"
    return rest[0].isalnum() or rest[0] in "_:[" or (rest[0] == "(" and name[-1].isalnum())
