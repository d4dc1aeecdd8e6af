"""Intervals of counts and positive numbers, from draws of the predictive distribution.

A row's response is drawn from its family, at a linear predictor that is drawn as well: normal,
with the variance of the random effects' error. What the learner is off by isn't in there. It
comes from rows that it hasn't seen: how far out in their own draws these rows lie says how
far out an interval has to go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.families import ResponseFamily
from partialpool.learners.fitted import Fitted
from partialpool.learners.intervals import Scores, equal_scores, group_scores
from partialpool.learners.laplace import LaplacePart
from partialpool.learners.population import coarsest
from partialpool.learners.prediction import Forecast

__all__ = ["count_interval", "score_draws"]

Vector = NDArray[np.float64]

_TO_SCORE, _TO_PREDICT, _CHUNK = 400, 2000, 2000


def _draw(
    family: ResponseFamily,
    found: Forecast,
    dispersion: float | Vector,
    n_draws: int,
    rng: np.random.Generator,
) -> Vector:
    """Draw responses (m, n_draws)."""
    error = rng.normal(size=(len(found.mean), n_draws)) * np.sqrt(found.variance)[:, None]
    eta = (found.mean[:, None] + error).ravel()
    spread = np.repeat(np.broadcast_to(dispersion, len(found.mean)), n_draws)
    at = {"mean": eta, "dispersion": spread}
    return family.simulate(at, rng).reshape(len(found.mean), n_draws)


def _forecast(part: LaplacePart, learner: Vector, *, new: bool) -> Forecast:
    """Predict the rows fitted, as of known groups or of new ones."""
    n = len(learner)
    mean, variance = learner, np.zeros(n)
    if part.outcome.text:
        outlook = part.outlook_fitted(new=new)
        mean, variance = learner + outlook.mean, outlook.variance
    return Forecast(mean, variance, np.ones(n), np.full(n, new))


def score_draws(part: LaplacePart, learner: Vector, *, new: bool, seed: int) -> Scores:
    """Score how far out rows lie in their predictive distributions.

    The score is |2 u - 1| with u the place of the response among its draws, at random among
    draws of the same value.

    Parameters
    ----------
    part
        The random part.
    learner : (n,) array
        Linear predictors by learners that haven't seen the row, or its group.
    new
        Whether rows are to be predicted as of groups that aren't known.
    seed
        Of the draws.

    References
    ----------
    Chernozhukov, Wuthrich & Zhu (2021), Proceedings of the National Academy of Sciences
    118(48), e2107794118: distributional conformal prediction.
    """
    rng = np.random.default_rng(seed)
    found, y = _forecast(part, learner, new=new), part.outcome.y
    place = np.empty(len(y))
    for rows in _chunks(len(y)):
        one = _rows(found, rows)
        drawn = _draw(part.outcome.family, one, part.dispersion, _TO_SCORE, rng)
        below = (drawn < y[rows, None]).sum(axis=1)
        same = (drawn == y[rows, None]).sum(axis=1)
        place[rows] = (below + rng.random(len(below)) * (same + 1)) / (_TO_SCORE + 1)
    scores = 2.0 * place - 1.0
    return group_scores(scores, coarsest(part.design)) if new else equal_scores(scores)


def count_interval(
    fitted: Fitted, family: ResponseFamily, found: Forecast, mean: Vector, level: float
) -> dict[str, Vector]:
    """Return mean and ends of every row's prediction interval.

    Parameters
    ----------
    fitted
        Learner and random part.
    family
        Distribution and link.
    found
        Linear predictors with their variances.
    mean : (m,) array
        What is predicted.
    level
        Coverage. The ends of counts are counts, so that it is reached or surpassed.
    """
    assert fitted.calibration is not None
    known, new = (
        min(scores.quantile(level), 1.0)
        for scores in (fitted.calibration.known, fitted.calibration.new)
    )
    rng = np.random.default_rng(0)
    lower, upper = np.empty(len(mean)), np.empty(len(mean))
    for rows in _chunks(len(mean)):
        one = _rows(found, rows)
        spread = np.where(one.new, fitted.population.dispersion, fitted.known.dispersion)
        drawn = np.sort(_draw(family, one, spread, _TO_PREDICT, rng), axis=1)
        width = np.where(one.new, new, known)
        first = np.floor(0.5 * (1.0 - width) * _TO_PREDICT).astype(int)
        at = np.arange(len(drawn))
        lower[rows] = drawn[at, np.minimum(first, _TO_PREDICT - 1)]
        upper[rows] = drawn[at, np.maximum(_TO_PREDICT - 1 - first, 0)]
    return {"estimate": mean, "conf_low": lower, "conf_high": upper}


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + _CHUNK) for start in range(0, n, _CHUNK)]


def _rows(found: Forecast, rows: slice) -> Forecast:
    return Forecast(found.mean[rows], found.variance[rows], found.sigma[rows], found.new[rows])
