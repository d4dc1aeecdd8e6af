"""From rows and options to a fitted mixed-effects learner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.frames import FrameKind
from partialpool.learners.alternate import Alternated, Rows, Step, Stopping, alternate
from partialpool.learners.asked import Asked
from partialpool.learners.grouped import GroupedRows, Layout, build_design
from partialpool.learners.intervals import Calibration, calibrate, calibrate_rows
from partialpool.learners.learning import (
    Folds,
    check_learner,
    group_folds,
    learn,
    out_of_fold,
    row_folds,
)
from partialpool.learners.part import RandomPart
from partialpool.learners.variance import make_step

__all__ = ["Fitted", "fit_mixed"]

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
    """

    model: Any
    part: RandomPart | None
    sigma: float
    history: tuple[Step, ...]
    best: int
    converged: bool
    calibration: Calibration


def fit_mixed(
    estimator: Any,
    rows: GroupedRows,
    layout: Layout,
    y: Vector,
    weights: Vector | None,
    asked: Asked,
    kind: FrameKind = "pandas",
) -> Fitted:
    """Fit a learner with random effects.

    Parameters
    ----------
    estimator
        The learner; copies of it are fitted.
    rows, layout
        Features and groups.
    y, weights
        Response and prior weights.
    asked
        Options.
    kind
        Library in which tables of effects come back.

    Raises
    ------
    DataError
        If the data don't fit the random part, or weights the learner.
    ModelError
        If the random part can't be identified.
    """
    check_learner(estimator, weights is not None)
    whole = Rows(rows.features, y, weights, _folds(asked, len(y)))
    if not rows.grouped:
        return _alone(estimator, whole)
    design = build_design(rows, layout, y, weights, kind)
    done = _iterate(estimator, whole, design, asked)
    calibration = _calibrate(estimator, whole, design, done, asked)
    return Fitted(
        done.learned.model,
        done.part,
        done.part.sigma,
        done.history,
        done.best,
        done.converged,
        calibration,
    )


def _folds(asked: Asked, n: int) -> Folds | None:
    return None if asked.residuals == "in-sample" else row_folds(n, asked.folds, asked.seed)


def _iterate(estimator: Any, rows: Rows, design: Design, asked: Asked) -> Alternated:
    keep: Any = "last" if asked.variance == "em" else "best"
    stopping = Stopping(asked.max_iter, asked.tol, keep)
    return alternate(estimator, rows, make_step(design, asked.variance), stopping)


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
    estimator: Any, rows: Rows, design: Design, done: Alternated, asked: Asked
) -> Calibration:
    """Score rows by what the learner leaves over, and groups by learners without them."""
    codes = design.random[0].factor.codes
    residuals = rows.y - done.learned.honest
    if rows.folds is None:
        return calibrate(done.part, residuals, residuals, codes)
    folds = group_folds(codes, asked.folds, asked.seed)
    target = rows.y - done.part.fitted
    across = out_of_fold(estimator, rows.X, target, rows.weights, folds)
    return calibrate(done.part, residuals, rows.y - across, codes)
