"""Bootstrap intervals of the estimators' shared coefficients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from partialpool.errors import DataError
from partialpool.inference.parameters import fixed_columns
from partialpool.inference.seeds import Seed
from partialpool.shrinkage.bootstrap import percentiles
from partialpool.shrinkage.fitting import Data
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.resampling import draw_groups

__all__ = ["bootstrap_intervals"]

Vector = NDArray[np.float64]


def bootstrap_intervals(
    estimator: Any,
    X: Any,
    y: Any,
    groups: Any = None,
    sample_weight: Any = None,
    *,
    level: float = 0.95,
    nsim: int = 200,
    seed: Seed = None,
) -> Any:
    """Percentile intervals of the shared coefficients, by whole groups drawn again.

    A group drawn twice counts as two; nested levels come with the outer ones, crossed factors
    are drawn independently, and rows are drawn where there are no groups. The penalty is held,
    also where it was chosen.

    Parameters
    ----------
    estimator
        A fitted estimator; it stays as it is.
    X, y, groups, sample_weight
        What it was fitted to.
    level
        Probability of the intervals.
    nsim
        Number of draws.
    seed
        Of the draws.

    Returns
    -------
    pandas frame
        ``term``, ``estimate``, ``std_error``, ``lower`` and ``upper``, with ``class`` before them
        where there are more than two.

    Raises
    ------
    DataError
        If the data don't fit the estimator, the level isn't a probability, or there are fewer
        than two draws.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> X, y, subject = sleep[["Days"]], sleep["Reaction"], sleep["Subject"]
    >>> model = pp.HierarchicalRegressor(0.5).fit(X, y, groups=subject)
    >>> model.confint(X, y, groups=subject, nsim=20, seed=1)["term"].tolist()
    ['Intercept', 'Days']
    """
    import pandas as pd

    check_is_fitted(estimator)
    own = clone(estimator)
    data, penalty = own._prepare(X, y, groups, sample_weight)
    _check_same(estimator, own, data)
    l2 = getattr(estimator, "l2_", penalty.l2)
    penalty = replace(penalty, l2=penalty.l2 if np.isnan(l2) else l2)

    def estimate(rng: np.random.Generator) -> Vector:
        drawn = draw_groups(data.groups, len(data.weights), rng)
        rows = drawn.rows
        return _coefficients(
            own, Data(data.X[rows], data.y[rows], drawn.groups, data.weights[rows]), penalty
        )

    values = _stacked(estimator, estimator.coefficients_)
    table = percentiles(estimate, values, level, nsim, seed)
    names = [*(["Intercept"] if estimator.fit_intercept else []), *estimator._names()]
    outputs = len(values) // len(names)
    columns = fixed_columns(names * outputs) | table
    if outputs > 1:
        columns = {"class": np.repeat(estimator.classes_, len(names))} | columns
    return pd.DataFrame(columns)


def _coefficients(own: Any, data: Data, penalty: Penalty) -> Vector:
    return _stacked(own, own._refit(data, penalty))


def _stacked(own: Any, coefficients: Any) -> Vector:
    """Intercept and coefficients, class by class."""
    first = [coefficients.intercept[:, None]] if own.fit_intercept else []
    return np.ascontiguousarray(np.hstack([*first, coefficients.coef])).ravel()


def _check_same(estimator: Any, own: Any, data: Data) -> None:
    known = [(g.name, g.levels.tolist()) for g in estimator.grouping_]
    same = known == [(g.name, g.levels.tolist()) for g in data.groups]
    classes = [list(getattr(e, "classes_", [])) for e in (estimator, own)]
    if estimator.n_features_in_ != own.n_features_in_ or not same or classes[0] != classes[1]:
        raise DataError(
            "X, y and groups are not those that the estimator was fitted to: columns, levels or "
            "classes differ. Pass the data that fit was given."
        )
