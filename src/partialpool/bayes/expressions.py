"""Arithmetic over names and numbers, read by a parser of its own: no code is run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError, UnknownNameError, did_you_mean
from partialpool.inference.hypotheses.names import NameFinder

__all__ = ["COLUMNS", "FUNCTIONS", "Expression", "Reader", "Words", "evaluate_expression"]

Array = NDArray[np.float64]
Values = Mapping[str, Array]
_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")
# What may have been meant for a name: a word, what it is called with, one level in brackets.
_WORD = re.compile(r"`[^`]*`?|[^\W\d][\w.]*(?:\([^()]*\))?(?:\[[^\]]*\])?")
_CALL = re.compile(r"(\w+)\s*\(")
# Names shown in a message.
_SHOWN = 12


def _expit(x: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


FUNCTIONS: Mapping[str, Callable[[Array], Any]] = {
    "abs": np.abs,
    "exp": np.exp,
    "expit": _expit,
    "log": np.log,
    "sqrt": np.sqrt,
}
"""Functions of one argument that an expression may call."""


@dataclass(frozen=True, slots=True)
class Words:
    """What names are, in messages.

    Attributes
    ----------
    text
        What the text is: ``"hypothesis"``.
    owner
        Who has the names: ``"the model has no parameter"``.
    language
        What a text may have besides names and numbers.
    """

    text: str
    owner: str
    language: str


_OPERATORS = f"+ - * / ^ and brackets, and the functions {', '.join(FUNCTIONS)}"
COLUMNS = Words("expression", "the table has no column of numbers", f"It may have {_OPERATORS}.")


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic that has been read.

    Attributes
    ----------
    names
        Those in it, in their order.
    evaluate
        Takes values by name.
    """

    names: tuple[str, ...]
    evaluate: Callable[[Values], Array]


def evaluate_expression(text: str, values: Values, words: Words = COLUMNS) -> Array:
    """Evaluate arithmetic over names and numbers: ``+ - * / ^ ( )`` and some functions.

    Raises
    ------
    ModelError
        If it can't be read.
    UnknownNameError
        If a name is unknown.

    Examples
    --------
    >>> float(evaluate_expression("2 * (a - 1)^2", {"a": np.array(3.0)}))
    8.0
    """
    reader = Reader(text, values, words)
    out = reader.sum()
    if reader.rest():
        reader.fail()
    return out.evaluate(values)


class Reader:
    """Recursive descent over the text; a name is the longest that fits."""

    def __init__(self, text: str, names: Iterable[str], words: Words) -> None:
        self.text, self.words, self.at = text, words, 0
        self.finder = NameFinder(names)

    def rest(self) -> str:
        """Return what hasn't been read."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at :]

    def take(self, *signs: str) -> str:
        """Read one of some signs, the first that stands there."""
        rest = self.rest()
        for sign in signs:
            if rest.startswith(sign):
                self.at += len(sign)
                return sign
        return ""

    def sum(self) -> Expression:
        """Read sums and differences of products."""
        out = self._product()
        while sign := self.take("+", "-"):
            out = _both(np.add if sign == "+" else np.subtract, out, self._product())
        return out

    def _product(self) -> Expression:
        out = self._signed()
        while sign := self.take("*", "/"):
            out = _both(np.multiply if sign == "*" else np.divide, out, self._signed())
        return out

    def _signed(self) -> Expression:
        # As in mathematics -x^2 is -(x^2).
        sign = self.take("-", "+")
        if not sign:
            return self._power()
        inner = self._signed()
        return _of(np.negative, inner) if sign == "-" else inner

    def _power(self) -> Expression:
        base = self._atom()
        if self.take("**", "^"):
            return _both(np.float_power, base, self._signed())
        return base

    def _atom(self) -> Expression:
        rest = self.rest()
        found = self.finder.at(self.text, self.at)
        if found is not None:
            name, self.at = found
            return Expression((name,), lambda values: values[name])
        call = _CALL.match(rest)
        if call is not None and call[1] in FUNCTIONS:
            self.at += len(call[1])
            function = FUNCTIONS[call[1]]
            return _of(function, self._bracket())
        if rest.startswith("("):
            return self._bracket()
        number = _NUMBER.match(rest)
        if number is None:
            self.fail()
        self.at += len(number[0])
        value = np.asarray(float(number[0]))
        return Expression((), lambda _: value)

    def _bracket(self) -> Expression:
        self.take("(")
        out = self.sum()
        if not self.take(")"):
            self.fail()
        return out

    def fail(self) -> NoReturn:
        """Say what can't be read here, and what could."""
        rest = self.rest()
        word = _WORD.match(rest)
        if word is not None and self.finder.at(self.text, self.at) is None:
            raise self._unknown(word[0].strip("`"))
        where = f"from {rest!r} on" if rest else "to its end"
        raise ModelError(
            f"the {self.words.text} {self.text.strip()!r} can't be read {where}. "
            f"{self.words.language}"
        )

    def _unknown(self, word: str) -> UnknownNameError:
        names = self.finder.names
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        return UnknownNameError(
            f"{self.words.owner} {word!r}.{did_you_mean(word, (*names, *FUNCTIONS))} There are "
            f"{shown or 'none'}. {self.words.language}"
        )


def _both(function: Callable[[Array, Array], Any], a: Expression, b: Expression) -> Expression:
    names = tuple(dict.fromkeys((*a.names, *b.names)))
    return Expression(
        names, lambda values: np.asarray(function(a.evaluate(values), b.evaluate(values)))
    )


def _of(function: Callable[[Array], Any], a: Expression) -> Expression:
    return Expression(a.names, lambda values: np.asarray(function(a.evaluate(values))))
