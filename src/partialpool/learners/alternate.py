"""Learner and random part in turn, until the likelihood of what is left stays the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.learners.learning import Folds, Learned, learn
from partialpool.learners.part import RandomPart
from partialpool.learners.variance import VarianceStep

__all__ = ["Alternated", "Rows", "Step", "Stopping", "alternate", "has_settled", "record"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a learner is fitted to.

    Attributes
    ----------
    X
        Features.
    y : (n,) array
        Response.
    weights : (n,) array, or None
        Prior weights.
    folds
        For predictions of rows by models that haven't seen them; None for in-sample ones.
    out_of_bag
        Whether bootstrapped ensembles make them without folds.
    refit
        Whether the learner is fitted to all rows as well, and isn't the mean of those of folds.
    """

    X: Any
    y: Vector
    weights: Vector | None
    folds: Folds | None
    out_of_bag: bool = True
    refit: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Estimates after one iteration.

    Attributes
    ----------
    loglik
        Marginal log-likelihood of the learner's residuals.
    sigma
        Residual standard deviation.
    covariances
        Covariance (k, k) of each random term.
    effects
        Effects (J, k) of each random term.
    """

    loglik: float
    sigma: float
    covariances: tuple[Vector, ...]
    effects: tuple[Vector, ...]


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop.

    Attributes
    ----------
    max_iter
        Most iterations.
    tol
        Change of the log-likelihood per row that counts as none; None to go on.
    keep
        Which iteration's estimates are kept. A random learner's likelihood wanders, so that
        the best is not always the last.
    """

    max_iter: int
    tol: float | None
    keep: Literal["best", "last"] = "best"


@dataclass(frozen=True, slots=True, eq=False)
class Alternated:
    """What the iterations led to.

    Attributes
    ----------
    learned
        The learner of the best iteration.
    part
        Its random part.
    history
        Every iteration.
    best
        Position of the best one in it.
    converged
        Whether the log-likelihood stayed the same before iterations ran out.
    before : (n,) array
        The random part Z b that was taken from the response that the learner was fitted to.
    """

    learned: Learned
    part: RandomPart
    history: tuple[Step, ...]
    best: int
    converged: bool
    before: Vector


# A random learner's likelihood wanders: it has stopped rising when so many iterations in a
# row haven't raised it.
_PATIENCE = 3


def alternate(
    estimator: Any,
    rows: Rows,
    step: VarianceStep,
    stopping: Stopping,
    start: Vector | None = None,
) -> Alternated:
    """Fit the learner to y - Z b, and the random part to what that leaves over, in turn.

    Parameters
    ----------
    estimator
        Any regressor; copies of it are fitted.
    rows
        What it is fitted to.
    step
        The variance step.
    stopping
        When to stop.
    start : (n,) array, optional
        Z b to begin with; none by default.

    References
    ----------
    Hajjem, Bellavance & Larocque (2014), Journal of Statistical Computation and Simulation
    84(6), 1313-1328.
    """
    part: RandomPart | None = None
    kept: tuple[Learned, RandomPart, Vector] | None = None
    history: list[Step] = []
    best, converged = 0, False
    before = np.zeros(len(rows.y)) if start is None else start
    while len(history) < stopping.max_iter and not converged:
        target = rows.y - before
        learned = learn(
            estimator, rows.X, target, rows.weights, rows.folds, rows.out_of_bag, rows.refit
        )
        part = step(rows.y - learned.honest, part)
        history.append(record(part))
        risen = kept is None or history[-1].loglik > history[best].loglik
        if risen or stopping.keep == "last":
            best, kept = len(history) - 1, (learned, part, before)
        before = part.fitted
        converged = has_settled(history, best, stopping, len(rows.y))
    assert kept is not None
    learned, part, before = kept
    return Alternated(learned, part, tuple(history), best, converged, before)


def has_settled(history: list[Step], best: int, stopping: Stopping, n: int) -> bool:
    """Whether the log-likelihood of n rows has stopped rising."""
    if stopping.tol is None or len(history) < 2:
        return False
    change = abs(history[-1].loglik - history[-2].loglik)
    return change <= stopping.tol * n or len(history) - 1 - best >= _PATIENCE


def record(part: RandomPart) -> Step:
    """Keep what an iteration has estimated."""
    covariances = tuple(term.cov for term in part.varcorr.terms)
    return Step(part.loglik, part.sigma, covariances, part.values())
