"""Learners of counts and classes: working responses for the learner, Laplace for the groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import ResponseFamily
from partialpool.frames import FrameKind
from partialpool.learners.alternate import Step, record
from partialpool.learners.asked import Asked
from partialpool.learners.fitting import Fitted, choose_folds
from partialpool.learners.grouped import GroupedRows, Layout, build_design
from partialpool.learners.intervals import calibrate_rows
from partialpool.learners.laplace import LaplacePart, Outcome, fit_part, rescale_outcome
from partialpool.learners.learning import Folds, Learned, learn, row_folds

__all__ = ["average_mean", "fit_quasi"]

Vector = NDArray[np.float64]

# Linear predictors are kept this close to zero where the working response is made: beyond,
# one row's would outweigh all others.
_FARTHEST = 6.0
_PATIENCE = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Working:
    """A linear predictor's working response and weights."""

    y: Vector
    weights: Vector


def fit_quasi(
    estimator: Any,
    rows: GroupedRows,
    layout: Layout,
    y: Vector,
    weights: Vector | None,
    asked: Asked,
    family: ResponseFamily,
    kind: FrameKind = "pandas",
) -> Fitted:
    """Fit a learner with random effects to counts or classes.

    Parameters
    ----------
    estimator
        A regressor that takes weights; copies of it are fitted to the working response.
    rows, layout
        Features and groups.
    y, weights
        Response (0 and 1, or counts) and prior weights.
    asked
        Options.
    family
        Distribution and link of the response.
    kind
        Library in which tables of effects come back.

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
    outcome: Outcome | None = None
    folds: tuple[Folds | None, bool] = (row_folds(len(y), asked.folds, asked.seed), True)
    if rows.grouped:
        design = build_design(rows, layout, y, weights, kind)
        folds = choose_folds(asked, design)
        used = [name for name in design.formula.columns if name in rows.table]
        columns = {name: rows.table.column(name) for name in used}
        outcome = Outcome(y, weights, family, layout.text, columns, kind)
    elif asked.residuals == "in-sample":
        folds = (None, False)
    return _iterate(estimator, rows.features, outcome, y, weights, family, asked, folds)


def _iterate(
    estimator: Any,
    X: Any,
    outcome: Outcome | None,
    y: Vector,
    weights: Vector | None,
    family: ResponseFamily,
    asked: Asked,
    folds: tuple[Folds | None, bool],
) -> Fitted:
    eta = np.full(len(y), float(family.link(np.average(y, weights=weights))))
    random = np.zeros(len(y))
    kept: tuple[Learned, LaplacePart | None] | None = None
    history: list[Step] = []
    best, converged = 0, False
    while len(history) < asked.max_iter and not converged:
        working = _work(y, eta, weights, family)
        learned = learn(estimator, X, working.y - random, working.weights, *folds)
        part = None if outcome is None else fit_part(outcome, learned.honest)
        random = random if part is None else part.fitted
        eta = learned.honest + random
        history.append(_record(part, eta, y, family, weights))
        if kept is None or history[-1].loglik > history[best].loglik:
            best, kept = len(history) - 1, (learned, part)
        converged = _has_settled(history, best, asked, len(y))
    assert kept is not None
    return _finish(*kept, outcome, tuple(history), best, converged, asked)


def _work(y: Vector, eta: Vector, weights: Vector | None, family: ResponseFamily) -> _Working:
    near = np.clip(eta, -_FARTHEST, _FARTHEST) if family.name == "binomial" else eta
    at = {"mean": near, "dispersion": np.zeros_like(near)}
    mu, slope = family.mu(at), np.asarray(family.link.slope(near))
    w = slope**2 / family.variance(at)
    return _Working(near + (y - mu) / slope, w if weights is None else w * weights)


def _record(
    part: LaplacePart | None, eta: Vector, y: Vector, family: ResponseFamily, weights: Vector | None
) -> Step:
    if part is not None:
        return record(part)
    return Step(_loglik(eta, y, family, weights), 1.0, (), ())


def _loglik(eta: Vector, y: Vector, family: ResponseFamily, weights: Vector | None) -> float:
    """Log-likelihood up to a constant, of the two families that learners have."""
    mu = family.mu({"mean": eta})
    rows = y * np.log(np.maximum(mu, 1e-300))
    if family.name == "binomial":
        rows += (1 - y) * np.log(np.maximum(1 - mu, 1e-300))
    else:
        rows -= mu
    return float(rows.sum() if weights is None else weights @ rows)


def _has_settled(history: list[Step], best: int, asked: Asked, n: int) -> bool:
    if asked.tol is None or len(history) < 2:
        return False
    change = abs(history[-1].loglik - history[-2].loglik)
    return change <= asked.tol * n or len(history) - 1 - best >= _PATIENCE


def _finish(
    learned: Learned,
    part: LaplacePart | None,
    outcome: Outcome | None,
    history: tuple[Step, ...],
    best: int,
    converged: bool,
    asked: Asked,
) -> Fitted:
    scale = (0.0, 1.0)
    if outcome is not None and asked.rescale:
        scale = rescale_outcome(outcome, learned.honest)
        part = fit_part(outcome, scale[0] + scale[1] * learned.honest)
    nothing = calibrate_rows(np.zeros(1), 1.0)
    return Fitted(learned.model, part, 1.0, history, best, converged, nothing, scale)


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
