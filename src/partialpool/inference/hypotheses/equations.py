"""Read a linear equation in the names of coefficients."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, did_you_mean
from partialpool.inference.hypotheses.names import NameFinder

__all__ = ["Equation", "read_equation"]

_NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """One linear hypothesis.

    Attributes
    ----------
    text
        As written.
    coefficients : (p,) array
        Of each fixed effect, on the left.
    value
        On the right.
    """

    text: str
    coefficients: NDArray[np.float64]
    value: float


def read_equation(text: str, names: Sequence[str], terms: Sequence[str] = ()) -> Equation:
    """Read ``"Days = 10"`` or ``"2*a - b = c"``; without ``=`` it says that the text is zero.

    Parameters
    ----------
    text
        Sums of coefficients, numbers and products of one number and one coefficient.
    names
        Names of the coefficients. They are found as they are written, brackets and colons
        included, spaced in any way, with or without backticks.
    terms
        Names of terms, which a message says can stand alone only.

    Raises
    ------
    DataError
        If it can't be read, isn't linear, or says nothing about a coefficient.

    Examples
    --------
    >>> equation = read_equation("sex[T.M] = 2*Days + 1", ["Intercept", "Days", "sex[T.M]"])
    >>> equation.coefficients.tolist(), equation.value
    ([0.0, -2.0, 1.0], 1.0)
    """
    sides = _split(text, names, terms)
    if len(sides) > 2:
        raise DataError(f"{text!r} has more than one '='. Write one hypothesis for each.")
    left = _Reader(text, sides[0], names).read()
    right = _Reader(text, sides[1], names).read() if len(sides) == 2 else np.zeros(len(left))
    total = left - right
    if not total[:-1].any():
        raise DataError(
            f"{text!r} says nothing about a coefficient. They are {', '.join(map(repr, names))}."
        )
    return Equation(text.strip(), total[:-1], -float(total[-1]))


Token = tuple[str, str]


def _split(text: str, names: Sequence[str], terms: Sequence[str]) -> list[list[Token]]:
    """Tokens of each side of the equals sign."""
    sides: list[list[Token]] = [[]]
    for token in _tokens(text, names, terms):
        if token[0] == "=":
            sides.append([])
        else:
            sides[-1].append(token)
    return sides


def _tokens(text: str, names: Sequence[str], terms: Sequence[str]) -> list[Token]:
    finder = NameFinder(names)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        rest = text[at:]
        if rest[0].isspace():
            at += 1
            continue
        found = finder.at(text, at)
        number = _NUMBER.match(rest)
        if found is not None:
            tokens.append(("name", found[0]))
            at = found[1]
        elif number:
            tokens.append(("number", number[0]))
            at += len(number[0])
        elif rest[0] in "+-*/=()":
            step = 2 if rest.startswith("==") else 1
            tokens.append((rest[0], rest[0]))
            at += step
        else:
            raise _unknown(text, rest, names, terms)
    return tokens


def _unknown(text: str, rest: str, names: Sequence[str], terms: Sequence[str]) -> DataError:
    if rest[0] in "<>!":
        return DataError(
            f"{text!r} is no equation, and only equations can be tested. Write '='; for a "
            "one-sided test halve the p-value, if the estimate lies on that side."
        )
    match = re.match(r"`[^`]*`|[^\s+\-*/=]+", rest)
    word = (match[0] if match else rest).strip("`")
    if word in terms:
        return DataError(
            f"{text!r} names the term {word!r}, which has several coefficients: alone it is tested "
            f"as a whole, in an equation each has its name. They are {', '.join(map(repr, names))}."
        )
    alone = text.strip().strip("`") == word
    opening = repr(word) if alone else f"{text!r} names {word!r}, which"
    return DataError(
        f"{opening} is no coefficient{' or term' * alone}. The coefficients are "
        f"{', '.join(map(repr, names))}.{did_you_mean(word, (*names, *terms))}"
    )


class _Reader:
    """Reads sums and products; a value is a row of coefficients, the constant last."""

    def __init__(self, text: str, tokens: list[Token], names: Sequence[str]) -> None:
        self.text, self.tokens, self.names, self.at = text, tokens, names, 0

    def read(self) -> NDArray[np.float64]:
        value = self._sum()
        if self.at < len(self.tokens):
            raise self._unreadable()
        return value

    def _sum(self) -> NDArray[np.float64]:
        value = self._product()
        while self._peek() in ("+", "-"):
            sign = 1.0 if self._take() == "+" else -1.0
            value = value + sign * self._product()
        return value

    def _product(self) -> NDArray[np.float64]:
        value = self._signed()
        while self._peek() in ("*", "/"):
            divide = self._take() == "/"
            other = self._signed()
            if divide and (other[:-1].any() or other[-1] == 0):
                raise DataError(f"{self.text!r} divides by something that isn't a number.")
            if not divide and value[:-1].any() and other[:-1].any():
                raise DataError(
                    f"{self.text!r} multiplies two coefficients. Hypotheses have to be linear."
                )
            value = self._scaled(value, 1.0 / other[-1] if divide else other)
        return value

    def _scaled(
        self, value: NDArray[np.float64], other: NDArray[np.float64] | float
    ) -> NDArray[np.float64]:
        if not isinstance(other, np.ndarray):
            return value * other
        return np.asarray(other * value[-1] if other[:-1].any() else value * other[-1])

    def _signed(self) -> NDArray[np.float64]:
        sign = 1.0
        while self._peek() in ("+", "-"):
            sign *= 1.0 if self._take() == "+" else -1.0
        return sign * self._atom()

    def _atom(self) -> NDArray[np.float64]:
        kind = self._peek()
        value = np.zeros(len(self.names) + 1)
        if kind == "(":
            self._take()
            value = self._sum()
            if self._peek() != ")":
                raise self._unreadable()
            self._take()
        elif kind == "number":
            value[-1] = float(self._take())
        elif kind == "name":
            value[list(self.names).index(self._take())] = 1.0
        else:
            raise self._unreadable()
        return value

    def _peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _unreadable(self) -> DataError:
        return DataError(
            f"{self.text!r} can't be read as a linear hypothesis. Write it like 'Days = 10' or "
            "'a - b = 0'."
        )
