"""Columns of the data that the fixed effects use: their levels, or where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from partialpool.design.factors import CodedFactor
from partialpool.design.sheet import Sheet
from partialpool.design.terms import ScopedTerm
from partialpool.frames import Column

__all__ = ["Typical", "typical_columns"]


@dataclass(frozen=True, slots=True)
class Typical:
    """One column of the data.

    Attributes
    ----------
    levels
        Its values, where the model uses it as a factor only; None for a covariate.
    mean, sd
        Of a covariate, over the rows used; NaN for a factor.
    """

    levels: tuple[str | int | float | bool, ...] | None
    mean: float = float("nan")
    sd: float = float("nan")


def typical_columns(
    terms: tuple[ScopedTerm, ...], factors: Mapping[str, CodedFactor], sheet: Sheet
) -> dict[str, Typical]:
    """Describe the columns that some terms use, dates left out."""
    uses: dict[str, list[CodedFactor]] = {}
    for text in dict.fromkeys(factor.text for term in terms for factor in term):
        for name in factors[text].spec.columns:
            uses.setdefault(name, []).append(factors[text])
    return {
        name: _describe(sheet.columns[name], all(f.spec.kind == "categorical" for f in used))
        for name, used in uses.items()
        if sheet.columns[name].kind != "date"
    }


def _describe(column: Column, categorical: bool) -> Typical:
    if column.codes is not None or column.kind == "boolean" or categorical:
        whole = column.take(~column.missing) if column.missing is not None else column
        return Typical(tuple(_plain(level) for level in whole.coded().levels.tolist()))
    numbers = column.as_float("its mean")
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return Typical(None)
    with np.errstate(over="ignore"):
        return Typical(None, float(finite.mean()), float(finite.std()))


def _plain(level: object) -> str | int | float | bool:
    return level if isinstance(level, (str, int, float, bool)) else str(level)
