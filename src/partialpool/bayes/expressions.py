"""Arithmetic over names and numbers, read by a parser of its own: no code is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError, UnknownNameError, did_you_mean

__all__ = ["evaluate_expression"]

Array = NDArray[np.float64]
_NUMBER = re.compile(r"\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?")


def evaluate_expression(text: str, values: Mapping[str, Array]) -> Array:
    """Evaluate arithmetic over names and numbers: ``+ - * / ( )``.

    Raises
    ------
    ModelError
        If it can't be read.
    UnknownNameError
        If a name is unknown.

    Examples
    --------
    >>> float(evaluate_expression("2 * (a - 1)", {"a": np.array(3.0)}))
    4.0
    """
    reader = _Reader(text, values)
    out = reader.sum()
    if reader.rest():
        reader.fail()
    return out


class _Reader:
    """Recursive descent over the text; a name is the longest that fits."""

    def __init__(self, text: str, values: Mapping[str, Array]) -> None:
        self.text, self.values, self.at = text, values, 0
        self.names = sorted(values, key=len, reverse=True)

    def rest(self) -> str:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at :]

    def take(self, signs: str) -> str:
        rest = self.rest()
        if rest and rest[0] in signs:
            self.at += 1
            return rest[0]
        return ""

    def sum(self) -> Array:
        out = self.product()
        while sign := self.take("+-"):
            other = self.product()
            out = out + other if sign == "+" else out - other
        return out

    def product(self) -> Array:
        out = self.atom()
        while sign := self.take("*/"):
            other = self.atom()
            out = out * other if sign == "*" else out / other
        return out

    def atom(self) -> Array:
        if self.take("-"):
            return -self.atom()
        rest = self.rest()
        for name in self.names:
            if rest.startswith(name) and not _goes_on(rest[len(name) :], name):
                self.at += len(name)
                return self.values[name]
        if self.take("("):
            out = self.sum()
            if not self.take(")"):
                self.fail()
            return out
        number = _NUMBER.match(rest)
        if number is None:
            self.fail()
        self.at += len(number.group())
        return np.asarray(float(number.group()))

    def fail(self) -> NoReturn:
        rest = self.rest()
        word = re.match(r"[^\s+*/()<>=-]+", rest)
        if word and not word.group()[0].isdigit():
            raise UnknownNameError(
                f"the model has no parameter {word.group()!r}."
                f"{did_you_mean(word.group(), self.names)} fit.parameters lists them."
            )
        raise ModelError(f"the expression {self.text!r} can't be read from {rest!r} on.")


def _goes_on(rest: str, name: str) -> bool:
    """Whether a name only begins a longer word."""
    return bool(rest) and name[-1].isalnum() and (rest[0].isalnum() or rest[0] in "_[:")
