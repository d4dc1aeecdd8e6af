"""From rows and options to a fitted mixed-effects learner."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.learners.alternate import Alternated, Rows, Step, Stopping, alternate
from partialpool.learners.asked import Asked
from partialpool.learners.boosting import check_boosting, fit_boosted
from partialpool.learners.fitted import Fitted, Level, Target
from partialpool.learners.grouped import GroupedRows, build_design
from partialpool.learners.intervals import (
    Calibration,
    Scores,
    equal_scores,
    score_groups,
    score_rows,
)
from partialpool.learners.layout import Layout
from partialpool.learners.learning import (
    Folds,
    group_folds,
    has_out_of_bag,
    learn,
    out_of_fold,
    row_folds,
)
from partialpool.learners.leaves import check_tree, fit_leaves
from partialpool.learners.part import RandomPart
from partialpool.learners.population import coarsest, learn_known, learn_population
from partialpool.learners.scale import Scaled, rescale
from partialpool.learners.variance import make_step

__all__ = ["choose_folds", "fit_mixed"]

Vector = NDArray[np.float64]


def fit_mixed(
    estimator: Any, rows: GroupedRows, layout: Layout, target: Target, asked: Asked
) -> Fitted:
    """Fit a learner with random effects to numbers.

    Parameters
    ----------
    estimator
        The learner; copies of it are fitted.
    rows, layout
        Features and groups.
    target
        Response and prior weights.
    asked
        Options.

    Raises
    ------
    DataError
        If the data don't fit the random part, or weights the learner.
    ModelError
        If the random part can't be identified.
    """
    y, weights = target.y, target.weights
    folds = choose_folds(asked, len(y))
    whole = Rows(rows.features, y, weights, folds, asked.residuals == "auto")
    if not rows.grouped:
        return _alone(estimator, whole)
    design = build_design(rows, layout, y, weights, target.kind)
    if asked.apart:
        return _fit_apart(estimator, whole, design, asked)
    done = _iterate(estimator, whole, design, rows, layout, asked)
    if asked.algorithm == "leaves" and folds is not None:
        done = _hold_out(estimator, whole, done)
    level, left = _finish(design, done, asked)
    scores = _score(estimator, whole, level, left, asked)
    return Fitted(level, level, done.history, done.best, done.converged, scores)


def choose_folds(asked: Asked, n: int) -> Folds | None:
    """Return the folds of held-out predictions of n rows."""
    return None if asked.residuals == "in-sample" else row_folds(n, asked.folds, asked.seed)


def _fit_apart(estimator: Any, rows: Rows, design: Design, asked: Asked) -> Fitted:
    """Fit one learner for groups that aren't known, and one for those that are."""
    step = make_step(design, asked.variance)
    folds = not (rows.out_of_bag and has_out_of_bag(estimator))
    for_all = Stopping(asked.few(folds=True), asked.tol)
    for_known = Stopping(asked.few(folds), asked.tol)
    codes = coarsest(design)
    groups = group_folds(codes, asked.folds, asked.seed)
    found = learn_population(estimator, rows, design, step, for_all, groups, scaled=asked.rescale)
    done = learn_known(estimator, rows, design, step, for_known)
    known, left = _finish(design, done, asked)
    assert known.part is not None
    scores = Calibration(
        score_rows(known.part, left), score_groups(found.part, rows.y - found.across, codes)
    )
    population = Level(found.model, found.part, found.part.sigma, found.scale)
    return Fitted(population, known, found.history, found.best, found.converged, scores)


def _iterate(
    estimator: Any,
    rows: Rows,
    design: Design,
    grouped: GroupedRows,
    layout: Layout,
    asked: Asked,
) -> Alternated:
    keep: Any = "last" if asked.variance == "em" else "best"
    stopping = Stopping(asked.most, asked.tol, keep)
    step = make_step(design, asked.variance)
    if asked.algorithm == "leaves":
        check_tree(estimator)
        return fit_leaves(estimator, rows, design, step, stopping)
    if asked.algorithm == "boosting":
        check_boosting(estimator)
        return fit_boosted(estimator, rows, grouped, layout)
    return alternate(estimator, rows, step, stopping)


def _hold_out(estimator: Any, rows: Rows, done: Alternated) -> Alternated:
    """Add predictions by trees that haven't seen the rows, for intervals."""
    assert rows.folds is not None
    target = rows.y - done.part.fitted
    honest = out_of_fold(estimator, rows.X, target, rows.weights, rows.folds)
    return dataclasses.replace(done, learned=dataclasses.replace(done.learned, honest=honest))


def _finish(design: Design, done: Alternated, asked: Asked) -> tuple[Level, Vector]:
    """Put the learner to scale; return it and what it leaves over of rows held out."""
    honest, part = done.learned.honest, done.part
    scaled = rescale(design, honest) if asked.rescale else Scaled(0.0, 1.0, honest)
    left = design.y - scaled.held_out
    if asked.rescale:
        part = make_step(design, asked.variance)(left, part)
    scale = (scaled.intercept, scaled.slope)
    return Level(done.learned.model, part, part.sigma, scale), left


def _alone(estimator: Any, rows: Rows) -> Fitted:
    learned = learn(estimator, rows.X, rows.y, rows.weights, rows.folds)
    residuals = rows.y - learned.honest
    if rows.weights is not None:
        residuals = residuals * np.sqrt(rows.weights)
    sigma = float(np.sqrt(np.mean(residuals**2)))
    loglik = float(-0.5 * len(residuals) * (1 + np.log(2 * np.pi * max(sigma, 1e-300) ** 2)))
    history = (Step(loglik, sigma, (), ()),)
    level = Level(learned.model, None, sigma)
    scores: Scores = equal_scores(residuals / max(sigma, 1e-300))
    return Fitted(level, level, history, 0, True, Calibration(scores, scores))


def _score(estimator: Any, rows: Rows, level: Level, left: Vector, asked: Asked) -> Calibration:
    """Score rows by what the learner leaves over, and groups by learners without them."""
    part: RandomPart | None = level.part
    assert part is not None
    codes = coarsest(part.design)
    if rows.folds is None:
        return Calibration(score_rows(part, left), score_groups(part, left, codes))
    folds = group_folds(codes, asked.folds, asked.seed)
    across = out_of_fold(estimator, rows.X, rows.y - part.fitted, rows.weights, folds)
    intercept, slope = level.scale
    left_across = rows.y - intercept - slope * across
    return Calibration(score_rows(part, left), score_groups(part, left_across, codes))
