"""Rows and columns of the tables that describe a fit, as in R's broom.mixed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.formula.structures import list_spreads
from partialpool.inference.parameters import spread_value
from partialpool.named import NamedVector
from partialpool.results.varcorr import VarCorr, VarCorrTerm

__all__ = ["Row", "as_columns", "beside_the_model", "fixed_rows", "positions", "random_rows"]


class Row(NamedTuple):
    """One parameter of a fit."""

    effect: str
    group: str
    term: str
    estimate: float
    std_error: float = np.nan
    statistic: float = np.nan


def as_columns(rows: Iterable[Row]) -> dict[str, NDArray[Any]]:
    """Turn rows into columns."""
    effect, group, term, estimate, std_error, statistic = zip(*rows, strict=True)
    return {
        "effect": np.array(effect, dtype=object),
        "group": np.array(group, dtype=object),
        "term": np.array(term, dtype=object),
        "estimate": np.array(estimate),
        "std_error": np.array(std_error),
        "statistic": np.array(statistic),
    }


def fixed_rows(fixef: NamedVector, stderr: NamedVector) -> Iterator[Row]:
    """One row for each coefficient."""
    for (name, estimate), std_error in zip(fixef.items(), stderr, strict=True):
        statistic = estimate / std_error if std_error > 0 else np.nan
        yield Row("fixed", "", name, estimate, std_error, statistic)


def random_rows(varcorr: VarCorr) -> Iterator[Row]:
    """One row for each standard deviation and correlation, the residual's left out."""
    for term in varcorr.terms:
        for name, value in _parameters(term):
            yield Row("ran_pars", term.group, name, value)


def _parameters(term: VarCorrTerm) -> Iterator[tuple[str, float]]:
    """Standard deviations and correlations."""
    for name in list_spreads(term.structure, term.columns):
        yield name.term, spread_value(term, name)


def positions(design: Design) -> NDArray[np.int64]:
    """Positions of the rows used, in the data as given."""
    rows = design.rows
    return np.arange(rows.n_given) if rows.kept is None else rows.kept


def beside_the_model(
    design: Design, response: NDArray[Any], said: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Put what a fit says about its rows beside the columns of the model.

    A column of the model whose name is taken gets a trailing underscore.
    """
    columns = {}
    taken = {name for name, _ in _model_columns(design, response)}
    for name, values in _model_columns(design, response):
        columns[_free(name, said, taken)] = values
    return columns | dict(said)


def _free(name: str, said: Collection[str], taken: Collection[str]) -> str:
    """Return a model column's name, with underscores until it is nobody else's."""
    if name not in said:
        return name
    while name in said or name in taken:
        name += "_"
    return name


def _model_columns(design: Design, response: NDArray[Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    yield design.formula.response, response
    for name, values in zip(design.columns, design.X.T, strict=True):
        if name != "Intercept":
            yield name, values
    for effects in design.random:
        yield effects.factor.name, effects.factor.levels[effects.factor.codes]
