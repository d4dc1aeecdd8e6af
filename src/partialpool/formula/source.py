"""The text of a formula, and errors that point into it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Protocol

from partialpool.errors import FormulaError

# A formula of a thousand columns should not fill the terminal: show this much around the fault.
_WINDOW = 72


class Spanned(Protocol):
    """Anything that knows where in the text it stands."""

    @property
    def start(self) -> int:
        """Position of its first character."""
        ...

    @property
    def end(self) -> int:
        """Position after its last character."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A formula's text as the user wrote it.

    Attributes
    ----------
    text
        The whole text; every ``start`` and ``end`` counts its characters.
    """

    text: str

    def slice(self, place: Spanned) -> str:
        """Return the piece of text at a token or node, on one line."""
        return " ".join(self.text[place.start : place.end].split())

    def error(self, message: str, place: Spanned) -> FormulaError:
        """Build the error that says ``message`` and points at ``place``."""
        return self.error_at(message, place.start, place.end)

    def error_at(self, message: str, start: int, end: int) -> FormulaError:
        """Build the error that says ``message`` and points at ``text[start:end]``.

        Examples
        --------
        >>> print(Source("y ~ x $ z").error_at("'$' is not an operator.", 6, 7))
        '$' is not an operator.
            y ~ x $ z
                  ^
        """
        if not self.text.strip():
            return FormulaError(message)
        return FormulaError(f"{message}\n{_pointer(self.text, start, end)}")


def _pointer(text: str, start: int, end: int) -> str:
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    first = max(line_start, start - _WINDOW // 2)
    last = min(line_end, max(first + _WINDOW, start + 1))
    head = ("... " if first > line_start else "") + _plain(text[first:start])
    tail = _plain(text[start:last]) + (" ..." if last < line_end else "")
    marks = max(1, _width(_plain(text[start : min(end, last)])))
    return f"    {head}{tail}\n    {' ' * _width(head)}{'^' * marks}"


def _plain(text: str) -> str:
    """Replace what would move the caret or could not be printed."""
    return "".join(
        character if character.isprintable() or unicodedata.combining(character) else " "
        for character in text
    )


def _width(text: str) -> int:
    """Columns that a terminal uses: two for wide letters, none for combining marks."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
