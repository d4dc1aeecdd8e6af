"""Columns that the fixed effects and offsets use: their levels, or where they lie."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design.evaluation import columns_of
from partialpool.design.factors import CodedFactor
from partialpool.design.sheet import Sheet
from partialpool.design.terms import ScopedTerm
from partialpool.frames import Column
from partialpool.frames.column import labels_of

__all__ = ["Typical", "offset_columns", "typical_columns"]

Level = str | float | bool


@dataclass(frozen=True, slots=True)
class Typical:
    """One column of the data.

    Attributes
    ----------
    levels
        Its values, where the model uses it as a factor only; None for a covariate, and for a
        number of which a condition such as ``x > 0`` is used.
    mean, sd, low, high
        Of a covariate over the rows used: mean, standard deviation (over n), lowest and highest
        value; NaN for a factor.
    """

    levels: tuple[Level, ...] | None
    mean: float = float("nan")
    sd: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")

    @property
    def span(self) -> float:
        """Highest less lowest value."""
        return self.high - self.low


def typical_columns(
    terms: tuple[ScopedTerm, ...],
    factors: Mapping[str, CodedFactor],
    sheet: Sheet,
    weights: NDArray[np.float64] | None = None,
) -> dict[str, Typical]:
    """Describe the columns that some terms use, dates left out; rows of weight zero don't count."""
    counted = _counted(weights)
    uses: dict[str, list[CodedFactor]] = {}
    for text in {factor.text: None for term in terms for factor in term}:
        for name in factors[text].spec.columns:
            uses.setdefault(name, []).append(factors[text])
    return {
        name: _describe(sheet.columns[name], used, counted)
        for name, used in uses.items()
        if sheet.columns[name].kind != "date"
    }


def offset_columns(
    texts: Collection[str], sheet: Sheet, weights: NDArray[np.float64] | None = None
) -> dict[str, Typical]:
    """Describe the columns that offsets use, dates left out; rows of weight zero don't count."""
    names = dict.fromkeys(name for text in texts for name in columns_of(text))
    used = {name: sheet.columns[name] for name in names}
    return {
        name: _describe(column, [], _counted(weights))
        for name, column in used.items()
        if column.kind != "date"
    }


def _counted(weights: NDArray[np.float64] | None) -> NDArray[np.bool_] | None:
    return None if weights is None or (weights > 0).all() else weights > 0


def _describe(
    column: Column, used: list[CodedFactor], counted: NDArray[np.bool_] | None
) -> Typical:
    if used and all(factor.spec.kind == "categorical" for factor in used):
        # What a factor of one column has learned saves a pass over the column.
        own = next((f.spec.labels for f in used if len(f.spec.columns) == 1), ())
        # Of a condition on labels, the factor's own are False and True.
        if column.levels is not None and own and set(own) <= set(labels_of(column.levels)):
            return Typical(own)
        if column.kind == "number" and own and all(map(_is_number, own)):
            return Typical(tuple(map(_number, own)))
    if column.codes is not None or column.kind == "boolean":
        whole = column if column.missing is None else column.take(~column.missing)
        return Typical(tuple(_plain(level) for level in whole.coded().levels.tolist()))
    numbers = column.as_float("its mean")
    return _covariate(numbers if counted is None else numbers[counted])


def _covariate(numbers: NDArray[np.float64]) -> Typical:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(np.add.reduce(numbers)) / max(len(numbers), 1)
        if not math.isfinite(mean):
            numbers = numbers[np.isfinite(numbers)]
            mean = float(np.add.reduce(numbers / max(len(numbers), 1)))
        if not len(numbers):
            return Typical(None)
        apart = numbers - mean
        sd = math.sqrt(float(apart @ apart) / len(numbers))
    low, high = np.minimum.reduce(numbers), np.maximum.reduce(numbers)
    return Typical(None, mean, sd, float(low), float(high))


def _is_number(text: str) -> bool:
    """Whether a label is one of a column of numbers, and not of a condition on it."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _plain(level: object) -> Level:
    return level if isinstance(level, (str, int, float, bool)) else str(level)
