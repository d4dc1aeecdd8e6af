"""Cut a formula's text into tokens.

One language for R's and Python's spelling: ``^`` and ``**``, ``%%`` and ``%``, ``5L`` and ``5``.
A dot belongs to a name, as in R, so that nothing here can mean attribute access.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, cast

from partialpool.formula.source import Source

Kind = Literal["name", "quoted", "number", "string", "operator", "end"]

# Look-alikes that word processors and web pages put in place of the characters meant.
_LOOKALIKES = {
    "−": "-", "–": "-", "—": "-", "∼": "~", "˜": "~", "×": "*", "·": "*", "÷": "/", "∣": "|",
    "│": "|", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "≤": "<=", "≥": ">=", "≠": "!=",
    "\u200b": "nothing", "\u2060": "nothing", "\ufeff": "nothing",
}  # fmt: skip

_REFUSED = {
    "{": "braces would run Python code, which a formula may not. Write the expression inside I()",
    "}": "braces would run Python code, which a formula may not. Write the expression inside I()",
    "$": "columns are written by their name alone: x, not data$x",
    "@": "'@' is not an operator of formulas",
    "#": "comments can't stand in a formula",
    ";": "one formula at a time",
    "?": "'?' is not an operator of formulas",
    "\\": "a backslash can only stand inside quotes",
    "`": "a backtick opens a column name that is empty or is never closed",
    '"': "a quote is never closed on its line",
    "'": "a quote is never closed on its line",
}

_ABOVE_ASCII = r"[^\x00-\x7f\s" + "".join(_LOOKALIKES) + "]"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?L?)
  | (?P<name>(?:[A-Za-z_]|\.(?![0-9])|{_ABOVE_ASCII})(?:[A-Za-z0-9_.]|{_ABOVE_ASCII})*)
  | (?P<quoted>`[^`]+`)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<operator>%in%|%%|%/%|\*\*|//|\|\||&&|<=|>=|==|!=|[-+*/^:~|&!<>%=(),\[\]])
    """,
    re.VERBOSE,
)
_CLOSES = {")": "(", "]": "["}


class Token(NamedTuple):
    """A piece of the text. A tuple and not a dataclass, because it is made five times faster."""

    kind: Kind
    text: str
    start: int
    end: int


def tokenize(source: Source) -> list[Token]:
    """Cut a text into tokens, the last of kind ``"end"``, with every bracket matched.

    Raises
    ------
    FormulaError
        At a character that has no meaning in a formula, or a bracket without its partner.

    Examples
    --------
    >>> [token.text for token in tokenize(Source("total.fruits ~ I(x^2)"))][:-1]
    ['total.fruits', '~', 'I', '(', 'x', '^', '2', ')']
    """
    text = source.text
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(source, position)
        if match.lastgroup != "space":
            kind = cast(Kind, match.lastgroup)
            tokens.append(Token(kind, match[0], position, match.end()))
        position = match.end()
    _match_brackets(source, tokens)
    tokens.append(Token("end", "", position, position))
    return tokens


def _unreadable(source: Source, position: int) -> Exception:
    found = source.text[position]
    if found in _LOOKALIKES:
        wanted = _LOOKALIKES[found]
        message = f"found the character U+{ord(found):04X}, a look-alike: write {wanted} instead."
    elif found in _REFUSED:
        message = f"found {found!r}: {_REFUSED[found]}."
    else:
        message = f"found {found!r}, which has no meaning in a formula. Remove it."
    return source.error_at(message, position, position + 1)


def _match_brackets(source: Source, tokens: list[Token]) -> None:
    open_brackets: list[Token] = []
    for token in tokens:
        if token.kind != "operator":
            continue
        if token.text in "([":
            open_brackets.append(token)
        elif token.text in _CLOSES:
            if not open_brackets or open_brackets[-1].text != _CLOSES[token.text]:
                raise source.error(
                    f"{token.text!r} closes nothing: remove it, or add the "
                    f"{_CLOSES[token.text]!r} that it belongs to.",
                    token,
                )
            open_brackets.pop()
    if open_brackets:
        last = open_brackets[-1]
        wanted = ")" if last.text == "(" else "]"
        raise source.error(f"{last.text!r} is never closed: add a {wanted!r}.", last)
