"""Conditional effects: how the expected response goes with one column, the others held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.masks import evaluate_rule, rule_columns
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError
from partialpool.frames import make_frame, read_table
from partialpool.inference.conditional.expectation import (
    Band,
    Expectation,
    Expected,
    ExpectingFit,
)
from partialpool.inference.conditional.rows import ConditionalRows, make_rows
from partialpool.inference.means import Scale
from partialpool.inference.means.estimates import check_scale
from partialpool.inference.means.grid import answers
from partialpool.inference.prediction_intervals import Interval
from partialpool.inference.seeds import Seed, check_seed
from partialpool.inference.wald import check_level

__all__ = ["ConditionalEffects", "conditional_effects", "find_effects"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ConditionalEffects:
    """Expected responses at the values of some columns.

    Attributes
    ----------
    rows
        The columns' values.
    expected
        The response there, NaN where the column of the axis doesn't apply.
    categories
        Of an ordinal response.
    scale, band, offset
        As asked for.
    posterior
        Whether intervals are those of a posterior.
    where
        Covariates that don't apply everywhere, and are taken to apply here.
    array_offset
        Whether the model has an offset that stands in no column.
    grouped
        Whether it has random effects.
    """

    rows: ConditionalRows
    expected: Expected
    categories: tuple[str, ...]
    scale: Scale
    band: Band
    offset: float
    posterior: bool
    where: tuple[str, ...]
    array_offset: bool
    grouped: bool

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return the table's columns by name."""
        K = max(len(self.categories), 1)
        repeated = {name: np.repeat(v, K) for name, v in self.rows.table().items()}
        out = {name: repeated.pop(name) for name in self.rows.varying}
        if self.categories:
            labels = np.array(self.categories, dtype=object)
            out["category"] = np.tile(labels, self.rows.n)
        found = self.expected
        numbers = (found.estimate, found.std_error, found.low, found.high)
        names = ("estimate", "std_error", "conf_low", "conf_high")
        return out | {n: v.ravel() for n, v in zip(names, numbers, strict=True)} | repeated


def conditional_effects(
    fit: ExpectingFit,
    x: str,
    by: str | Sequence[str] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    scale: Scale = "response",
    level: float = 0.95,
    offset: float = 0.0,
    interval: Interval = "confidence",
    seed: Seed = None,
) -> Any:
    """Compute how the expected response goes with one column, the others held.

    Every row is what ``fit.predict`` says of the columns in it, random effects at zero: the
    numbers of :func:`partialpool.plots.effects`. Where :func:`marginal_means` averages over the
    other factors, this holds them.

    Parameters
    ----------
    fit
        A fitted model of any kind.
    x
        A column of the fixed effects or offset: a covariate runs over its range in 101 steps, a
        factor over its levels. Splines, powers and interactions come along.
    by
        Up to two columns at whose values that is done: all levels of a factor; of a covariate
        its mean, and that less and more one standard deviation, as far as the data reach.
    at
        Values for columns: ``{"Days": [0, 9]}``. Other columns than these are held at their mean,
        factors at their first level, and so are the columns of an offset.
    scale
        ``"response"``: the mean, zero inflation included, proportions where there are trials, of
        an ordinal response the probabilities of its categories; or ``"link"``: the mean's linear
        predictor.
    level
        Probability of the intervals.
    offset
        Where an offset was given as an array, at which number it is held.
    interval
        ``"confidence"``: of the expected response; of a Bayesian fit a posterior interval, cut off
        equally at both ends. ``"prediction"``: of the response in a new row of new groups, of
        linear and Bayesian models, as their ``predict`` has it.
    seed
        Of what a Bayesian fit draws for prediction intervals.

    Returns
    -------
    native frame
        Columns x and by, ``category`` for the probabilities of an ordinal response, ``estimate``,
        ``std_error``, ``conf_low`` and ``conf_high``, then the columns that are held. Intervals of
        linear models are by Satterthwaite's degrees of freedom, those of generalized ones normal
        on the scale of the link (of categories, of the logit). NaN where the data don't determine
        the mean, and where x doesn't apply.

    Raises
    ------
    DataError
        If a column isn't in the fixed effects, or an argument makes no sense.
    NotAvailableError
        If there are no prediction intervals of this model.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("distance ~ age * Sex + (age | Subject)", pp.load_dataset("Orthodont"))
    >>> table = conditional_effects(fit, "age", by="Sex", at={"age": [8, 14]})
    >>> table[["age", "Sex", "estimate", "conf_low", "conf_high"]].round(2)
       age     Sex  estimate  conf_low  conf_high
    0    8    Male     22.62     21.53      23.70
    1   14    Male     27.32     26.14      28.50
    2    8  Female     21.21     19.90      22.52
    3   14  Female     24.09     22.66      25.51

    References
    ----------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel Models, section 21.4.
    """
    found = find_effects(
        fit, x, by, at=at, scale=scale, level=level, offset=offset, interval=interval, seed=seed
    )
    return make_frame(found.columns(), fit.design.spec.kind)


def find_effects(
    fit: ExpectingFit,
    x: str,
    by: str | Sequence[str] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    scale: Scale = "response",
    level: float = 0.95,
    offset: float = 0.0,
    interval: Interval = "confidence",
    seed: Seed = None,
) -> ConditionalEffects:
    """Compute what a table and a picture of conditional effects are made of."""
    band = Band(check_level(level), interval, seed)
    check_scale(scale)
    check_seed(seed)
    if interval not in ("confidence", "prediction"):
        raise DataError(f"interval must be 'confidence' or 'prediction', found {interval!r}.")
    if not np.isfinite(offset):
        raise DataError(f"offset must be a finite number, found {offset!r}.")
    expectation = fit.expectation(scale)
    rows = make_rows(expectation.specs, x, by, at)
    table = rows.table()
    expected = expectation.at(table, float(offset), band)
    applies, where = _where_applicable(expectation, rows, table)
    return ConditionalEffects(
        rows,
        expected if applies.all() else _only(expected, applies),
        expectation.categories,
        scale,
        band,
        float(offset),
        expectation.posterior,
        where,
        any(spec.offset.is_array for spec in expectation.specs.values()),
        any(spec.bases for spec in expectation.specs.values()),
    )


def _where_applicable(
    expectation: Expectation, rows: ConditionalRows, table: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Say in which rows x applies, and which covariates are taken to apply in all."""
    applies, where = np.ones(rows.n, dtype=bool), dict[str, None]()
    rules = [rule for spec in expectation.specs.values() for rule in spec.masks]
    for rule in rules:
        if not answers(rule, table):
            where[rule.column] = None
        elif rule.column == rows.x:
            columns = read_table(dict(table))
            sheet = Sheet(rows.n, {name: columns.column(name) for name in rule_columns(rule)})
            applies &= evaluate_rule(rule, sheet)
    return applies, tuple(where)


def _only(expected: Expected, applies: NDArray[np.bool_]) -> Expected:
    keep = applies if expected.estimate.ndim == 1 else applies[:, None]
    values = (expected.estimate, expected.std_error, expected.low, expected.high)
    return Expected(*(np.where(keep, v, np.nan) for v in values))
