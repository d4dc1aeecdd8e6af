"""Learners of counts and classes: working responses for the learner, Laplace for the groups."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import ResponseFamily
from partialpool.learners.alternate import Rows, Step, Stopping, has_settled, record
from partialpool.learners.asked import Asked
from partialpool.learners.drawing import score_draws
from partialpool.learners.fitted import Fitted, Level, Target
from partialpool.learners.fitting import choose_folds
from partialpool.learners.grouped import GroupedRows, build_design
from partialpool.learners.intervals import Calibration
from partialpool.learners.laplace import LaplacePart, Outcome, fit_part, rescale_outcome
from partialpool.learners.layout import Layout
from partialpool.learners.learning import Learned, group_folds, learn
from partialpool.learners.population import coarsest
from partialpool.learners.quasi_population import Working, learn_new_groups

__all__ = ["average_mean", "fit_quasi"]

Vector = NDArray[np.float64]

# Linear predictors are kept this close to zero where the working response is made: beyond,
# one row's would outweigh all others.
_FARTHEST = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class _Turns:
    """What taking turns has led to: the best iteration, and all of them."""

    learned: Learned
    part: LaplacePart | None
    working: Working
    history: tuple[Step, ...]
    best: int
    converged: bool


def fit_quasi(
    estimator: Any, rows: GroupedRows, layout: Layout, target: Target, asked: Asked
) -> Fitted:
    """Fit a learner with random effects to counts, classes or positive numbers.

    Parameters
    ----------
    estimator
        A regressor that takes weights; copies of it are fitted to the working response.
    rows, layout
        Features and groups.
    target
        Response (0 and 1, or counts), prior weights and family.
    asked
        Options.

    Raises
    ------
    DataError
        If the data don't fit the random part.
    ModelError
        If the random part can't be identified.

    References
    ----------
    Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25,
    section 2: working response and weights. Pellagatti et al. (2021), Statistical Analysis and
    Data Mining 14, 241-257: with a forest for the fixed part.
    """
    folds = choose_folds(asked, len(target.y))
    whole = Rows(rows.features, target.y, None, folds, asked.residuals == "auto")
    outcome = _outcome(rows, layout, target)
    turns = _take_turns(estimator, whole, outcome, Stopping(asked.most, asked.tol))
    level = _finish(turns, outcome, rescaled=asked.rescale and rows.grouped)
    population = level
    if rows.grouped and folds is not None:
        population = _learn_new(estimator, whole, turns, outcome, asked)
    scores = None
    if target.family.name != "binomial":
        scores = _score(turns, level, population, outcome, asked)
    if not rows.grouped:
        level = population = dataclasses.replace(level, part=None)
    return Fitted(population, level, turns.history, turns.best, turns.converged, scores)


def _outcome(rows: GroupedRows, layout: Layout, target: Target) -> Outcome:
    columns = {}
    if rows.grouped:
        design = build_design(rows, layout, target.y, target.weights, target.kind)
        used = [name for name in design.formula.columns if name in rows.table]
        columns = {name: rows.table.column(name) for name in used}
    return Outcome(target.y, target.weights, target.family, layout.text, columns, target.kind)


def _take_turns(estimator: Any, rows: Rows, outcome: Outcome, stopping: Stopping) -> _Turns:
    """Working response, learner and random part in turn; the rows' weights are the working ones."""
    y, weights, family = outcome.y, outcome.weights, outcome.family
    eta = np.full(len(y), float(family.link(np.average(y, weights=weights))))
    needed = bool(outcome.text) or "dispersion" in family.parts()
    dispersion = family.start(y, weights=weights).get("dispersion", 0.0) if needed else 0.0
    random = np.zeros(len(y))
    kept: _Turns | None = None
    history: list[Step] = []
    best, settled = 0, False
    while len(history) < stopping.max_iter and not settled:
        working = _work(outcome, eta, dispersion)
        left = working.y - random
        learned = learn(estimator, rows.X, left, working.weights, rows.folds, rows.out_of_bag)
        learned = dataclasses.replace(learned, honest=_within_reach(outcome, learned.honest))
        part = fit_part(outcome, learned.honest) if needed else None
        random, dispersion = (random, 0.0) if part is None else (part.fitted, part.dispersion)
        eta = learned.honest + random
        history.append(_alone(outcome, eta) if part is None else record(part))
        if kept is None or history[-1].loglik > history[best].loglik:
            best = len(history) - 1
            kept = _Turns(learned, part, working, (), best, False)
        settled = has_settled(history, best, stopping, len(y))
    assert kept is not None
    return dataclasses.replace(kept, history=tuple(history), converged=settled)


def _within_reach(outcome: Outcome, honest: Vector) -> Vector:
    """Keep predictions with a log link below the largest response.

    Where means are near zero one event's working response is in the thousands, and a fold's
    leaf with no other weight says the same of rows that it hasn't seen.
    """
    if outcome.family.name == "binomial":
        return honest
    return np.minimum(honest, float(outcome.family.link(outcome.y.max())))


def _finish(turns: _Turns, outcome: Outcome, *, rescaled: bool) -> Level:
    honest, part, scale = turns.learned.honest, turns.part, (0.0, 1.0)
    if rescaled:
        scale = rescale_outcome(outcome, honest)
        part = fit_part(outcome, scale[0] + scale[1] * honest)
    dispersion = 0.0 if part is None else part.dispersion
    return Level(turns.learned.model, part, 1.0, scale, dispersion)


def _learn_new(estimator: Any, rows: Rows, turns: _Turns, outcome: Outcome, asked: Asked) -> Level:
    assert turns.part is not None
    codes = coarsest(turns.part.design)
    groups = group_folds(codes, asked.folds, asked.seed)
    return learn_new_groups(estimator, rows.X, turns.working, outcome, codes, groups, asked)


def _score(
    turns: _Turns, level: Level, population: Level, outcome: Outcome, asked: Asked
) -> Calibration:
    """Score rows by predictions without them, and groups by learners without these."""
    part: Any = level.part
    if not outcome.text:
        alone = part or fit_part(outcome, turns.learned.honest)
        known = score_draws(alone, alone.offset, new=False, seed=asked.seed)
        return Calibration(known, known)
    other: Any = population.part
    known = score_draws(part, part.offset, new=False, seed=asked.seed)
    return Calibration(known, score_draws(other, other.offset, new=True, seed=asked.seed))


def _work(outcome: Outcome, eta: Vector, dispersion: float) -> Working:
    family, weights = outcome.family, outcome.weights
    near = np.clip(eta, -_FARTHEST, _FARTHEST) if family.name == "binomial" else eta
    at = {"mean": near, "dispersion": np.full_like(near, dispersion)}
    mu, slope = family.mu(at), np.asarray(family.link.slope(near))
    w = slope**2 / family.variance(at)
    return Working(near + (outcome.y - mu) / slope, w if weights is None else w * weights, eta)


def _alone(outcome: Outcome, eta: Vector) -> Step:
    """Record a learner without groups, by its log-likelihood up to a constant."""
    y, mu = outcome.y, outcome.family.mu({"mean": eta})
    rows = y * np.log(np.maximum(mu, 1e-300))
    rows += (
        (1 - y) * np.log(np.maximum(1 - mu, 1e-300)) if outcome.family.name == "binomial" else -mu
    )
    weighted = rows.sum() if outcome.weights is None else outcome.weights @ rows
    return Step(float(weighted), 1.0, (), ())


def average_mean(family: ResponseFamily, eta: Vector, variance: Vector) -> Vector:
    """Mean of the response where the linear predictor is normal.

    Parameters
    ----------
    family
        Distribution and link.
    eta, variance : (m,) array
        Mean and variance of the linear predictor.

    Examples
    --------
    >>> from partialpool.families import Poisson
    >>> average_mean(Poisson(), np.zeros(1), np.ones(1)).round(6)  # exp(1 / 2)
    array([1.648721])
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    at = eta[:, None] + np.sqrt(variance)[:, None] * nodes
    means = np.asarray(family.link.inverse(at), dtype=np.float64)
    return np.asarray(means @ (weights / weights.sum()))
