"""From rows and options to a fitted mixed-effects learner."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.families import ResponseFamily
from partialpool.frames import FrameKind
from partialpool.learners.alternate import Alternated, Rows, Step, Stopping, alternate
from partialpool.learners.asked import Asked
from partialpool.learners.boosting import check_boosting, fit_boosted
from partialpool.learners.grouped import GroupedRows, Layout, build_design
from partialpool.learners.intervals import Calibration, calibrate, calibrate_rows
from partialpool.learners.learning import (
    Folds,
    group_folds,
    learn,
    out_of_fold,
    predict_learner,
    row_folds,
)
from partialpool.learners.leaves import check_tree, fit_leaves
from partialpool.learners.part import RandomPart
from partialpool.learners.scale import Scaled, rescale
from partialpool.learners.variance import make_step

__all__ = ["Fitted", "Target", "choose_folds", "fit_mixed"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A learner and its random part.

    Attributes
    ----------
    model
        The learner, fitted.
    part
        The random part; None where there are no groups.
    sigma
        Residual standard deviation, in units of the response.
    history
        Every iteration.
    best
        Position of the one kept.
    converged
        Whether iterations ended by their own rule.
    calibration
        Scores for prediction intervals.
    scale
        Intercept and slope that put the learner's predictions on the scale of the response.
    """

    model: Any
    part: RandomPart | None
    sigma: float
    history: tuple[Step, ...]
    best: int
    converged: bool
    calibration: Calibration
    scale: tuple[float, float] = (0.0, 1.0)

    def common(self, features: Any) -> Vector:
        """Predict what groups have in common, for every row (m,)."""
        intercept, slope = self.scale
        return intercept + slope * predict_learner(self.model, features)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is to be explained.

    Attributes
    ----------
    y : (n,) array
        Numbers, counts, or 0 and 1.
    weights : (n,) array, or None
        Prior weights.
    family
        Distribution and link.
    kind
        Library in which tables of effects come back.
    """

    y: Vector
    weights: Vector | None
    family: ResponseFamily
    kind: FrameKind


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
    if not rows.grouped:
        folds = (
            None if asked.residuals == "in-sample" else row_folds(len(y), asked.folds, asked.seed)
        )
        return _alone(estimator, Rows(rows.features, y, weights, folds))
    design = build_design(rows, layout, y, weights, target.kind)
    whole = Rows(rows.features, y, weights, *choose_folds(asked, design))
    done = _iterate(estimator, whole, design, rows, layout, asked)
    if asked.algorithm == "leaves" and whole.folds is not None:
        done = _hold_out(estimator, whole, done)
    scaled = rescale(design, done) if asked.rescale else Scaled(0.0, 1.0, done.learned.honest)
    part = done.part
    if asked.rescale:
        part = make_step(design, asked.variance)(y - scaled.honest, part)
    calibration = _calibrate(estimator, whole, part, scaled, asked)
    return Fitted(
        done.learned.model,
        part,
        part.sigma,
        done.history,
        done.best,
        done.converged,
        calibration,
        (scaled.intercept, scaled.slope),
    )


def choose_folds(asked: Asked, design: Design) -> tuple[Folds | None, bool]:
    """Return the folds of held-out predictions, and whether out-of-bag ones will do."""
    if asked.residuals == "in-sample":
        return None, False
    if asked.residuals == "groups":
        codes = design.random[0].factor.codes
        return group_folds(codes, asked.folds, asked.seed), False
    return row_folds(len(design.y), asked.folds, asked.seed), asked.residuals == "auto"


def _iterate(
    estimator: Any,
    rows: Rows,
    design: Design,
    grouped: GroupedRows,
    layout: Layout,
    asked: Asked,
) -> Alternated:
    keep: Any = "last" if asked.variance == "em" else "best"
    stopping = Stopping(asked.max_iter, asked.tol, keep)
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


def _alone(estimator: Any, rows: Rows) -> Fitted:
    learned = learn(estimator, rows.X, rows.y, rows.weights, rows.folds)
    residuals = rows.y - learned.honest
    if rows.weights is not None:
        residuals = residuals * np.sqrt(rows.weights)
    sigma = float(np.sqrt(np.mean(residuals**2)))
    loglik = float(-0.5 * len(residuals) * (1 + np.log(2 * np.pi * max(sigma, 1e-300) ** 2)))
    history = (Step(loglik, sigma, (), ()),)
    return Fitted(learned.model, None, sigma, history, 0, True, calibrate_rows(residuals, sigma))


def _calibrate(
    estimator: Any, rows: Rows, part: RandomPart, scaled: Scaled, asked: Asked
) -> Calibration:
    """Score rows by what the learner leaves over, and groups by learners without them."""
    codes = part.design.random[0].factor.codes
    residuals = rows.y - scaled.honest
    if rows.folds is None:
        return calibrate(part, residuals, residuals, codes)
    folds = group_folds(codes, asked.folds, asked.seed)
    across = out_of_fold(estimator, rows.X, rows.y - part.fitted, rows.weights, folds)
    return calibrate(part, residuals, rows.y - scaled.intercept - scaled.slope * across, codes)
