"""Learners of counts and classes: working responses for the learner, Laplace for the groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import ResponseFamily
from partialpool.learners.alternate import Rows, Step, Stopping, has_settled, record
from partialpool.learners.asked import Asked
from partialpool.learners.fitted import Fitted, Level, Target
from partialpool.learners.fitting import choose_folds
from partialpool.learners.grouped import GroupedRows, build_design
from partialpool.learners.laplace import LaplacePart, Outcome, fit_part, rescale_outcome
from partialpool.learners.layout import Layout
from partialpool.learners.learning import Learned, learn, row_folds

__all__ = ["average_mean", "fit_quasi"]

Vector = NDArray[np.float64]

# Linear predictors are kept this close to zero where the working response is made: beyond,
# one row's would outweigh all others.
_FARTHEST = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class _Working:
    """A linear predictor's working response and weights."""

    y: Vector
    weights: Vector


def fit_quasi(
    estimator: Any, rows: GroupedRows, layout: Layout, target: Target, asked: Asked
) -> Fitted:
    """Fit a learner with random effects to counts or classes.

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
    n = len(target.y)
    if not rows.grouped:
        alone = None if asked.residuals == "in-sample" else row_folds(n, asked.folds, asked.seed)
        return _iterate(estimator, Rows(rows.features, target.y, None, alone), target, None, asked)
    design = build_design(rows, layout, target.y, target.weights, target.kind)
    used = [name for name in design.formula.columns if name in rows.table]
    columns = {name: rows.table.column(name) for name in used}
    outcome = Outcome(target.y, target.weights, target.family, layout.text, columns, target.kind)
    whole = Rows(
        rows.features, target.y, None, choose_folds(asked, len(target.y)), asked.residuals == "auto"
    )
    return _iterate(estimator, whole, target, outcome, asked)


def _iterate(
    estimator: Any, rows: Rows, target: Target, outcome: Outcome | None, asked: Asked
) -> Fitted:
    """Working response, learner and random part in turn; the rows' weights are the working ones."""
    y, weights, family = target.y, target.weights, target.family
    stopping = Stopping(asked.max_iter, asked.tol)
    eta = np.full(len(y), float(family.link(np.average(y, weights=weights))))
    random = np.zeros(len(y))
    kept: tuple[Learned, LaplacePart | None] | None = None
    history: list[Step] = []
    best, settled = 0, False
    while len(history) < stopping.max_iter and not settled:
        working = _work(y, eta, weights, family)
        left = working.y - random
        learned = learn(estimator, rows.X, left, working.weights, rows.folds, rows.out_of_bag)
        part = None if outcome is None else fit_part(outcome, learned.honest)
        random = random if part is None else part.fitted
        eta = learned.honest + random
        history.append(_record(part, eta, target))
        if kept is None or history[-1].loglik > history[best].loglik:
            best, kept = len(history) - 1, (learned, part)
        settled = has_settled(history, best, stopping, len(y))
    assert kept is not None
    learned, part = kept
    scale = (0.0, 1.0)
    if outcome is not None and asked.rescale:
        scale = rescale_outcome(outcome, learned.honest)
        part = fit_part(outcome, scale[0] + scale[1] * learned.honest)
    level = Level(learned.model, part, 1.0, scale)
    return Fitted(level, level, tuple(history), best, settled, None)


def _work(y: Vector, eta: Vector, weights: Vector | None, family: ResponseFamily) -> _Working:
    near = np.clip(eta, -_FARTHEST, _FARTHEST) if family.name == "binomial" else eta
    at = {"mean": near, "dispersion": np.zeros_like(near)}
    mu, slope = family.mu(at), np.asarray(family.link.slope(near))
    w = slope**2 / family.variance(at)
    return _Working(near + (y - mu) / slope, w if weights is None else w * weights)


def _record(part: LaplacePart | None, eta: Vector, target: Target) -> Step:
    if part is not None:
        return record(part)
    return Step(_loglik(eta, target), 1.0, (), ())


def _loglik(eta: Vector, target: Target) -> float:
    """Log-likelihood up to a constant, of the two families that learners have."""
    y, mu = target.y, target.family.mu({"mean": eta})
    rows = y * np.log(np.maximum(mu, 1e-300))
    if target.family.name == "binomial":
        rows += (1 - y) * np.log(np.maximum(1 - mu, 1e-300))
    else:
        rows -= mu
    return float(rows.sum() if target.weights is None else target.weights @ rows)


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
