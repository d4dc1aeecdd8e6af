"""Where a learner's groups come from: a formula over the table, or arrays beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from partialpool.errors import DataError, FormulaError
from partialpool.formula import Formula, parse
from partialpool.formula.names import quote
from partialpool.frames import read_table

__all__ = ["Layout", "fresh_name", "lay_out", "parse_random"]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the random part is made of.

    Attributes
    ----------
    text
        Its terms: ``"(1 + sex | litter)"``; nothing where there are no groups.
    group
        Name of the array of groups; None where the columns are those of the table.
    basis
        Names of the columns of the array ``Z``; None where none was given.
    leaving
        Columns of the table that the learner doesn't see: the grouping columns.
    """

    text: str
    group: str | None = None
    basis: tuple[str, ...] | None = None
    leaving: tuple[str, ...] = ()


def lay_out(X: Any, random: str | None, groups: Any, Z: Any) -> Layout:
    """Decide what the random part is made of.

    Parameters
    ----------
    X
        The table.
    random
        Random terms as a formula has them: ``"1 + sex | litter"``; None with arrays.
    groups, Z
        Labels (n,) and columns (n, k).

    Raises
    ------
    DataError
        If both a formula and arrays are given, or Z without groups.
    FormulaError
        If the formula can't be read, or holds anything but random terms.

    Examples
    --------
    >>> lay_out({"x": [1.0], "g": ["a"]}, "1 + x | g", None, None)
    Layout(text='(1 + x | g)', group=None, basis=None, leaving=('g',))
    """
    if random is not None:
        return _by_formula(X, random, groups, Z)
    if groups is None:
        if Z is not None:
            raise DataError("Z= was given without groups=. Pass each row's group as groups=.")
        return Layout("")
    basis = None if Z is None else _basis_names(Z)
    name = str(getattr(groups, "name", None) or "group")
    name = f"{name}_group" if basis is not None and name in basis else name
    columns = "1" if basis is None else " + ".join(["0", *map(quote, basis)])
    return Layout(f"({columns} | {quote(name)})", name, basis)


def _by_formula(X: Any, random: str, groups: Any, Z: Any) -> Layout:
    if groups is not None or Z is not None:
        raise DataError(
            f"random={random!r} names the groups, so that groups= and Z= have no place. Pass "
            "one or the other."
        )
    text = f"({random})" if _has_bare_bar(random) else random
    formula = parse_random(text, fresh_name("y", ()))
    _refuse_array(X, random)
    leaving = dict.fromkeys(name for term in formula.random for name in term.factors)
    return Layout(text, leaving=tuple(leaving))


def _has_bare_bar(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "|" and depth == 0:
            return True
    return False


def parse_random(text: str, response: str) -> Formula:
    """Read random terms as the formula of a response that has no fixed effects.

    Raises
    ------
    FormulaError
        If they can't be read, or anything but random terms is among them.
    """
    if "~" in text:
        raise FormulaError(
            f"random={text!r} has a '~', but the response is passed to fit as y and the learner "
            "stands for the fixed effects. Write the random terms alone, such as '(1 | litter)'."
        )
    formula = parse(f"{response} ~ 0 + {text}")
    if formula.fixed != "0" or formula.offsets or not formula.random:
        raise FormulaError(
            f"random={text!r} has to hold random terms and nothing else, such as "
            "'1 + sex | litter' or '(1 | a) + (1 | b)'. The learner stands for the rest."
        )
    return formula


def _refuse_array(X: Any, random: str) -> None:
    if isinstance(X, np.ndarray) or not (hasattr(X, "columns") or isinstance(X, Mapping)):
        raise DataError(
            f"random={random!r} names columns, but X is {type(X).__name__} without names. Pass a "
            "data frame, or leave random= out and pass groups= and Z= to fit."
        )


def _basis_names(Z: Any) -> tuple[str, ...]:
    if hasattr(Z, "columns"):
        return tuple(map(str, read_table(Z).names))
    if getattr(Z, "name", None):
        return (str(Z.name),)
    shape = np.shape(Z)
    if len(shape) not in (1, 2):
        raise DataError(f"Z must be an array of n rows and k columns, found shape {shape}.")
    return tuple(f"z{i}" for i in range(shape[1] if len(shape) == 2 else 1))


def fresh_name(name: str, taken: tuple[str, ...]) -> str:
    """Return the name, longer where a column has it."""
    while name in taken:
        name += "_"
    return name
