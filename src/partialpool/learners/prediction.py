"""What a fitted learner and its random part say of rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from partialpool.errors import DataError, NotAvailableError
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.learners.fitted import Fitted, Level
from partialpool.learners.grouped import GroupedRows
from partialpool.learners.intervals import Calibration
from partialpool.learners.part import NewLevels, Outlook, RandomPart

__all__ = ["Forecast", "forecast", "half_widths", "part_of"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """Predictions of rows, on the scale of the linear predictor.

    Attributes
    ----------
    mean : (m,) array
        Learner and random effects together.
    variance : (m,) array
        Of the random effects' error.
    sigma : (m,) array
        Residual standard deviation.
    new : (m,) array of bool
        Rows in which some level is new or missing.
    """

    mean: Vector
    variance: Vector
    sigma: Vector
    new: NDArray[np.bool_]


def forecast(
    fitted: Fitted,
    rows: GroupedRows,
    random: Wanted = "all",
    new_levels: NewLevels = "population",
    *,
    mean_only: bool = False,
) -> Forecast:
    """Predict rows: of known groups by the learner for these, others by the population's.

    Parameters
    ----------
    fitted
        Both learners.
    rows
        Features and groups.
    random
        Random effects to use; with ``"none"`` all rows are the population's.
    new_levels
        What to do about groups that weren't fitted.
    mean_only
        Whether the mean will do, for which rows of no known group need no columns.

    Raises
    ------
    DataError
        If ``new_levels`` is unknown, or a level is new though it must not be.
    """
    if new_levels not in ("error", "population"):
        raise DataError(f"new_levels must be 'error' or 'population', found {new_levels!r}.")
    nobody = mean_only and not rows.grouped and new_levels == "population"
    if _is_none(random) or fitted.population.part is None or nobody:
        return _without(fitted.population, rows)
    known, one = fitted.known, fitted.known is fitted.population
    outlook = _look(known.part, rows, random, new_levels)
    if one or not outlook.new.any():
        return _join(known, rows.features, outlook)
    other = _look(fitted.population.part, rows, random, new_levels)
    new = _join(fitted.population, rows.features, other)
    if outlook.new.all():
        return new
    places = np.flatnonzero(~outlook.new)
    mean, variance, sigma = new.mean.copy(), new.variance.copy(), new.sigma.copy()
    mean[places] = known.common(_safe_indexing(rows.features, places)) + outlook.mean[places]
    variance[places], sigma[places] = outlook.variance[places], known.sigma
    return Forecast(mean, variance, sigma, outlook.new)


def _is_none(random: Wanted) -> bool:
    return isinstance(random, str) and random == "none"


def _without(level: Level, rows: GroupedRows) -> Forecast:
    n = rows.table.n
    nothing, known = np.zeros(n), np.zeros(n, dtype=bool)
    return Forecast(level.common(rows.features), nothing, np.full(n, level.sigma), known)


def _join(level: Level, features: Any, outlook: Outlook) -> Forecast:
    mean = level.common(features) + outlook.mean
    return Forecast(mean, outlook.variance, np.full(len(mean), level.sigma), outlook.new)


def _look(
    part: RandomPart | None, rows: GroupedRows, random: Wanted, new_levels: NewLevels
) -> Outlook:
    return part_of(part).outlook(rows.table, random, new_levels)


def half_widths(calibration: Calibration, found: Forecast, level: float) -> Vector:
    """Half the width of every row's prediction interval.

    Parameters
    ----------
    calibration
        Scores of the rows fitted.
    found
        Predictions with their variances.
    level
        Coverage.
    """
    known, new = calibration.known.quantile(level), calibration.new.quantile(level)
    return np.where(found.new, new, known) * np.sqrt(found.variance + found.sigma**2)


def part_of(part: RandomPart | None) -> RandomPart:
    """Return the random part.

    Raises
    ------
    NotAvailableError
        If there is none.
    """
    if part is None:
        raise NotAvailableError(
            "the learner was fitted without groups, so that there are no random effects. Pass "
            "random= or groups=."
        )
    return part
