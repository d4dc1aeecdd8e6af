"""One decision tree whose leaves are estimated together with the random effects."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import BaseDecisionTree

from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.learners.alternate import Alternated, Rows, Step, Stopping, has_settled, record
from partialpool.learners.learning import Learned, fit_learner
from partialpool.learners.part import MlPart, RandomPart
from partialpool.learners.variance import VarianceStep
from partialpool.solve import Likelihood, solve

__all__ = ["check_tree", "fit_leaves", "leaf_values"]

Vector = NDArray[np.float64]


def check_tree(estimator: Any) -> None:
    """Refuse a learner that isn't one tree.

    Raises
    ------
    ModelError
        If it isn't.
    """
    if not isinstance(estimator, BaseDecisionTree):
        raise ModelError(
            "algorithm='leaves' is for one decision tree, found "
            f"{type(estimator).__name__}. Pass sklearn.tree.DecisionTreeRegressor(...), or use "
            "algorithm='alternate'."
        )


def fit_leaves(
    estimator: Any, rows: Rows, design: Design, step: VarianceStep, stopping: Stopping
) -> Alternated:
    """Grow a tree on y - Z b, then estimate its leaves and b jointly, in turn.

    Parameters
    ----------
    estimator
        A decision tree; copies of it are grown.
    rows
        What it is grown on.
    design
        Rows and random terms, with the response.
    step
        The variance step, of maximum likelihood.
    stopping
        When to stop.

    References
    ----------
    Sela & Simonoff (2012), Machine Learning 86, 169-207, section 3.
    """
    part: RandomPart | None = None
    kept: tuple[Learned, RandomPart, Vector] | None = None
    history: list[Step] = []
    best, settled = 0, False
    while len(history) < stopping.max_iter and not settled:
        target = rows.y if part is None else rows.y - part.fitted
        tree = fit_learner(estimator, rows.X, target, rows.weights)
        fitted = _set_leaves(tree, rows.X, design)
        part = step(rows.y - fitted, part if isinstance(part, MlPart) else None)
        history.append(record(part))
        if kept is None or history[-1].loglik > history[best].loglik:
            best, kept = len(history) - 1, (Learned(tree, fitted, fitted), part, rows.y - target)
        settled = has_settled(history, best, stopping, len(rows.y))
    assert kept is not None
    learned, part, before = kept
    return Alternated(learned, part, tuple(history), best, settled, before)


def _set_leaves(tree: Any, X: Any, design: Design) -> Vector:
    """Put the mixed model's estimates in the leaves, and return every row's."""
    leaves, codes = np.unique(tree.apply(X), return_inverse=True)
    values = leaf_values(codes, len(leaves), design)
    tree.tree_.value[leaves, 0, 0] = values
    return np.asarray(values[codes])


def leaf_values(codes: NDArray[np.intp], n_leaves: int, design: Design) -> Vector:
    """Estimate a number for each leaf as fixed effects of the mixed model.

    Parameters
    ----------
    codes : (n,) array of int
        Each row's leaf.
    n_leaves
        How many leaves there are.
    design
        Response and random terms.
    """
    columns = np.zeros((len(codes), n_leaves))
    columns[np.arange(len(codes)), codes] = 1.0
    names = tuple(f"leaf {leaf}" for leaf in range(n_leaves))
    whole = dataclasses.replace(design, X=columns, columns=names)
    solution = solve(whole, Likelihood(reml=False))
    values = np.zeros(n_leaves)
    values[solution.reduced.problem.kept] = solution.beta
    return values
