"""A learner of counts or classes for groups that aren't known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.learners.asked import Asked
from partialpool.learners.fitted import Level
from partialpool.learners.laplace import LaplacePart, Outcome, fit_part, rescale_outcome
from partialpool.learners.learning import Averaged, Folds, cross_fit
from partialpool.learners.population import group_error

__all__ = ["Working", "learn_new_groups"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Working:
    """A linear predictor, its working response and weights."""

    y: Vector
    weights: Vector
    eta: Vector


def learn_new_groups(
    estimator: Any,
    X: Any,
    working: Working,
    outcome: Outcome,
    codes: NDArray[np.int32],
    groups: Folds,
    asked: Asked,
) -> Level:
    """Fit the population's learner: in turn with effects of groups that it hasn't seen.

    The working response is that of the linear predictor which known groups have been learned
    with, effects and all. The learner begins with the whole of it, so that features that tell
    groups apart lose nothing to the effects. Where a mean is near zero one event's working
    response is far out, and so is a leaf of few such rows: predictions stay in the range of
    the linear predictors.

    Parameters
    ----------
    estimator
        A regressor that takes weights; copies of it are fitted.
    X
        Features.
    working
        Of the linear predictor.
    outcome
        Response and groups.
    codes : (n,) array
        Groups that weigh the same in the error.
    groups
        Folds of whole groups.
    asked
        Options.
    """
    ends = (float(working.eta.min()), float(working.eta.max()))
    random, across, best = np.zeros(len(codes)), np.zeros(len(codes)), np.inf
    sums, kept = across.copy(), 0
    models: list[Any] = []
    for turn in range(asked.few(folds=True)):
        left = working.y - random
        held_out, fitted = cross_fit(estimator, X, left, working.weights, groups)
        models.extend(fitted)
        held_out = np.clip(held_out, *ends)
        sums += held_out
        mean = sums / (turn + 1)
        error = group_error(working.y - mean, codes, working.weights)
        if error >= (1.0 - (asked.tol or 0.0)) * best:
            break
        across, best, kept = mean, error, len(models)
        random = fit_part(outcome, held_out).fitted
    return _to_scale(Averaged(tuple(models[:kept]), ends), across, outcome, asked)


def _to_scale(model: Averaged, across: Vector, outcome: Outcome, asked: Asked) -> Level:
    intercept, slope = rescale_outcome(outcome, across) if asked.rescale else (0.0, 1.0)
    part: LaplacePart = fit_part(outcome, intercept + slope * across)
    return Level(model, part, 1.0, (intercept, slope), part.dispersion)
