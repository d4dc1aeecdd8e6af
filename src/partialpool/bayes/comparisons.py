"""From the text of a hypothesis to a difference and a sign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.expressions import FUNCTIONS, Expression, Reader, Words
from partialpool.errors import DataError, ModelError

__all__ = ["Comparison", "read_comparison"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A hypothesis that has been read.

    Attributes
    ----------
    text
        As written, without spaces around.
    left, right
        Its sides.
    sign
        How the left side is to the right.
    """

    text: str
    left: Expression
    sign: Literal["<", ">", "="]
    right: Expression

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters in it, in their order."""
        return tuple(dict.fromkeys((*self.left.names, *self.right.names)))

    def difference(self, values: Mapping[str, Array]) -> Array:
        """Evaluate the left side less the right."""
        with np.errstate(all="ignore"):
            return np.asarray(self.left.evaluate(values) - self.right.evaluate(values))


def read_comparison(text: object, names: Iterable[str]) -> Comparison:
    """Read arithmetic over parameters with one of ``<``, ``>`` and ``=``.

    Raises
    ------
    ModelError
        If it can't be read.
    UnknownNameError
        If a name is no parameter.
    DataError
        If it isn't text.

    Examples
    --------
    >>> read = read_comparison("sd(g.x)^2 / (sd(g.x)^2 + sigma^2) > 0.5", ["sd(g.x)", "sigma"])
    >>> read.names, read.sign
    (('sd(g.x)', 'sigma'), '>')
    """
    known = tuple(names)
    example = _example(known)
    if not isinstance(text, str):
        raise DataError(f"a hypothesis is text such as '{example} > 0', found {text!r}.")
    reader = Reader(text, known, _words(example))
    if not reader.rest():
        _refuse(text, "is empty", example)
    left = reader.sum()
    sign = reader.take("!=", "<=", ">=", "==", "<", ">", "=")
    if sign == "!=":
        raise ModelError(
            f"the hypothesis {text.strip()!r} excludes one value of infinitely many, so that it "
            f"says next to nothing. Ask for '{example} = 0', whose ratio tells how much the data "
            f"speak for that value, or for '{example} > 0'."
        )
    if not sign and reader.rest():
        reader.fail()
    if not sign:
        _refuse(text, "has no comparison", example)
    right = reader.sum()
    if reader.take("<", ">", "=", "!="):
        raise ModelError(
            f"the hypothesis {text.strip()!r} has more than one comparison. Ask one by one, or of "
            f"an interval for its middle and half its width: 'abs({example} - 1.5) < 0.5'."
        )
    if reader.rest():
        reader.fail()
    return Comparison(text.strip(), left, cast(Literal["<", ">", "="], sign[0]), right)


def _refuse(text: str, what: str, example: str) -> NoReturn:
    raise ModelError(
        f"the hypothesis {text.strip()!r} {what}. Write it as '{example} > 0' or '{example} = 0'."
    )


def _words(example: str) -> Words:
    return Words(
        "hypothesis",
        "the model has no parameter",
        "A hypothesis has names of these (in backticks where they are ambiguous) and numbers, "
        f"+ - * / ^ and brackets, the functions {', '.join(FUNCTIONS)}, and one of < > =, as in "
        f"'{example} > 0'.",
    )


def _example(names: tuple[str, ...]) -> str:
    """Choose the name of a parameter for examples: a coefficient, if there is one."""
    plain = [n for n in names if n != "Intercept" and not n.startswith(("sd(", "corr("))]
    return next(iter((*plain, *names)), "x")
