"""Gradient boosting of the mixed model's likelihood: every tree allows for the groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.frames import Table
from partialpool.learners.alternate import Alternated, Rows, Step, record
from partialpool.learners.grouped import GroupedRows, build_design
from partialpool.learners.layout import Layout
from partialpool.learners.learning import Learned, fit_learner, predict_learner
from partialpool.learners.leaves import leaf_values
from partialpool.learners.part import RandomPart
from partialpool.learners.variance import make_step

__all__ = ["BoostedSum", "Tree", "check_boosting", "fit_boosted"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """One tree, with other values in its leaves.

    Attributes
    ----------
    model
        A fitted learner that predicts few different numbers: one for each leaf.
    leaves : (k,) array
        These numbers in order, which tell the leaves apart.
    values : (k,) array
        What the leaves predict.
    """

    model: Any
    leaves: Vector
    values: Vector

    def predict(self, X: Any) -> Vector:
        """Predict rows."""
        found = predict_learner(self.model, X)
        # A leaf seen by no row that was fitted is predicted as its neighbour.
        middle = 0.5 * (self.leaves[1:] + self.leaves[:-1])
        return self.values[np.searchsorted(middle, found)]


@dataclass(frozen=True, slots=True, eq=False)
class BoostedSum:
    """A constant and a sum of trees, each times the learning rate.

    Attributes
    ----------
    start
        The constant.
    trees
        In the order in which they were added.
    rate
        Learning rate.
    """

    start: float
    trees: tuple[Tree, ...]
    rate: float

    def predict(self, X: Any) -> Vector:
        """Predict rows."""
        total = sum(tree.predict(X) for tree in self.trees)
        return np.asarray(self.start + self.rate * total)

    @property
    def feature_importances_(self) -> Vector:
        """Mean of the trees' own, if they have some."""
        found = [tree.model.feature_importances_ for tree in self.trees]
        return np.asarray(np.mean(found, axis=0))


def check_boosting(estimator: Any) -> None:
    """Refuse a learner that isn't gradient boosting.

    Raises
    ------
    ModelError
        If it has no learning rate and number of rounds.
    """
    params = estimator.get_params(deep=False)
    if "learning_rate" not in params or _rounds_name(params) is None:
        raise ModelError(
            "algorithm='boosting' is for gradient boosting, with a learning_rate and a number of "
            f"rounds, found {type(estimator).__name__}. Pass LGBMRegressor(...) or "
            "HistGradientBoostingRegressor(...), or use algorithm='alternate'."
        )


def _rounds_name(params: dict[str, Any]) -> str | None:
    return next((name for name in ("max_iter", "n_estimators") if name in params), None)


@dataclass(frozen=True, slots=True, eq=False)
class _Boosted:
    model: Any
    fitted: Vector
    history: tuple[Step, ...]


def fit_boosted(estimator: Any, rows: Rows, grouped: GroupedRows, layout: Layout) -> Alternated:
    """Boost the likelihood of a mixed model, variances estimated anew before every tree.

    The negative gradient of the log-likelihood in f is Sigma^-1 (y - f): up to sigma^2, what
    is left of y - f when the random effects predicted from it are taken away. A tree is grown
    on it, and its leaves are estimated by generalized least squares.

    Parameters
    ----------
    estimator
        Gradient boosting, with a learning rate and a number of rounds.
    rows
        What it is fitted to; folds for predictions of rows that it hasn't seen.
    grouped, layout
        The same rows' groups.

    References
    ----------
    Sigrist (2022), Journal of Machine Learning Research 23(232), 1-46, algorithm 1.
    """
    everything = np.arange(len(rows.y))
    whole = _boost_rows(estimator, rows, grouped, layout, everything)
    honest = whole.fitted
    if rows.folds is not None:
        honest = np.empty(len(rows.y))
        for held_out in rows.folds:
            rest = np.setdiff1d(everything, held_out, assume_unique=True)
            part = _boost_rows(estimator, rows, grouped, layout, rest)
            honest[held_out] = predict_learner(part.model, _safe_indexing(rows.X, held_out))
    design = build_design(grouped, layout, rows.y, rows.weights)
    last = make_step(design, "ml")(rows.y - honest, None)
    learned = Learned(whole.model, whole.fitted, honest)
    history = (*whole.history, record(last))
    none = np.zeros(len(rows.y))
    return Alternated(learned, last, history, len(history) - 1, True, none)


def _boost_rows(
    estimator: Any, rows: Rows, grouped: GroupedRows, layout: Layout, chosen: NDArray[np.intp]
) -> _Boosted:
    """Boost on some of the rows."""
    y = rows.y[chosen]
    weights = None if rows.weights is None else rows.weights[chosen]
    table = grouped.table

    def read(name: str) -> Any:
        return table.column(name).take(chosen)

    own = GroupedRows(None, Table(len(chosen), table.names, table.kind, read), True)
    design = build_design(own, layout, y, weights)
    X = rows.X if len(chosen) == len(rows.y) else _safe_indexing(rows.X, chosen)
    return _boost(estimator, X, design)


def _boost(estimator: Any, X: Any, design: Design) -> _Boosted:
    params = estimator.get_params(deep=False)
    rounds = _rounds_name(params)
    assert rounds is not None
    single = {rounds: 1, "learning_rate": 1.0}
    if "early_stopping" in params:
        single["early_stopping"] = False
    one = clone(estimator).set_params(**single)
    rate, start = (
        float(params["learning_rate"]),
        float(np.average(design.y, weights=design.weights)),
    )
    step = make_step(design, "ml")
    f, trees, history = np.full(len(design.y), start), [], []
    part: RandomPart | None = None
    for _ in range(int(params[rounds])):
        part = step(design.y - f, part)
        history.append(record(part))
        # The gradient over the weight; the tree is fitted with the weight, which is once.
        model = fit_learner(one, X, part.design.y - part.fitted, design.weights)
        tree, codes = _refit(model, X, part.design)
        trees.append(tree)
        f = f + rate * tree.values[codes]
    return _Boosted(BoostedSum(start, tuple(trees), rate), f, tuple(history))


def _refit(model: Any, X: Any, design: Design) -> tuple[Tree, NDArray[np.intp]]:
    """Estimate a tree's leaves by generalized least squares of what is left.

    A step along the gradient alone would be far too short in directions between groups, which
    Sigma^-1 shrinks by 1 + n_j D / sigma^2.
    """
    leaves, codes = np.unique(predict_learner(model, X), return_inverse=True)
    return Tree(model, leaves, leaf_values(codes, len(leaves), design)), codes
