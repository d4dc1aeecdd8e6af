"""The same estimators with the penalty chosen for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.estimators.classifier import HierarchicalClassifier
from partialpool.shrinkage.estimators.folds import make_folds
from partialpool.shrinkage.estimators.regressor import (
    HierarchicalRegressor,
    _Quiet,
    warn_of_one_level,
)
from partialpool.shrinkage.fitting import Fitted
from partialpool.shrinkage.path import PenaltyPath
from partialpool.shrinkage.tuning import Tuning, tune

__all__ = ["HierarchicalClassifierCV", "HierarchicalRegressorCV"]

Vector = NDArray[np.float64]


class HierarchicalRegressorCV(_Quiet, HierarchicalRegressor):
    """:class:`HierarchicalRegressor` with ``l2`` chosen on a path of penalties.

    Parameters
    ----------
    l2s
        Number of penalties between complete pooling and ``ratio`` of it, or the penalties.
    cv
        How errors are estimated: a number of folds (None: 5), ``"loo"`` (leave one row out, exact),
        ``"reml"`` (the mixed model's own criterion), ``"leave-one-group-out"``,
        ``"group-kfold"``, or a splitter of scikit-learn. Groups are left out by the first
        grouping column.
    rule
        ``"min"``, or ``"one_se"`` for the largest penalty within a standard error of it.
    ratio
        The smallest penalty, as a share of the largest.
    random_state
        Seed of the folds.
    l1, linf, main_l2, loss, weights, deviations, fit_intercept, penalize_intercept
        As for :class:`HierarchicalRegressor`.
    reweight_deviations, standardize
        As for :class:`HierarchicalRegressor`.

    Attributes
    ----------
    l2_ : float
        The penalty chosen.
    path_ : PenaltyPath
        Penalties, coefficients and errors, and what each rule would choose.
    coef_, intercept_, group_effects_, ...
        Of the fit with ``l2_``.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> model = pp.HierarchicalRegressorCV(cv="loo", weights="equal")
    >>> model = model.fit(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"])
    >>> sorted(model.path_.chosen)
    ['loo', 'reml']
    """

    def __init__(
        self,
        l2s: int | Sequence[float] = 30,
        *,
        cv: Any = 5,
        rule: Literal["min", "one_se"] = "min",
        ratio: float = 1e-3,
        random_state: int | None = 0,
        l1: float = 0.0,
        linf: float = 0.0,
        main_l2: float = 0.0,
        loss: Literal["rms", "squared"] = "rms",
        weights: Any = "size",
        deviations: Any = "all",
        fit_intercept: bool = True,
        penalize_intercept: bool = False,
        reweight_deviations: bool = False,
        standardize: bool = False,
    ) -> None:
        self.l2s = l2s
        self.cv = cv
        self.rule = rule
        self.ratio = ratio
        self.random_state = random_state
        self.l1 = l1
        self.linf = linf
        self.main_l2 = main_l2
        self.loss = loss
        self.weights = weights
        self.deviations = deviations
        self.fit_intercept = fit_intercept
        self.penalize_intercept = penalize_intercept
        self.reweight_deviations = reweight_deviations
        self.standardize = standardize

    def fit(
        self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None
    ) -> HierarchicalRegressorCV:
        """Choose the penalty and fit the model; see :meth:`HierarchicalRegressor.fit`."""
        data, penalty = self._prepare(X, y, groups, sample_weight)
        if not data.groups:
            self.l2_ = np.nan
            HierarchicalRegressor.fit(self, X, y, groups, sample_weight)
            return self
        folds = make_folds(self.cv, data, self.random_state, None)
        tuning = Tuning(self.l2s, self.cv, self.rule, self.ratio, tuple(self._names()))
        chosen, self.path_ = tune(data, self._kind(), self._settings(), penalty, tuning, folds)
        self.l2_ = chosen.l2
        warn_of_one_level(chosen.fitted, penalty)
        self._keep_fit(data, chosen.fitted)
        return self


class HierarchicalClassifierCV(_Quiet, HierarchicalClassifier):
    """:class:`HierarchicalClassifier` with ``l2`` chosen on a path of penalties.

    Parameters
    ----------
    l2s, rule, ratio, random_state
        As for :class:`HierarchicalRegressorCV`.
    cv
        A number of folds (stratified by class), ``"leave-one-group-out"``, ``"group-kfold"``,
        or a splitter of scikit-learn. The error is the log loss.
    l1, linf, main_l2, squared, multi_class, weights, deviations, fit_intercept
        As for :class:`HierarchicalClassifier`.
    penalize_intercept, reweight_deviations, standardize
        As for :class:`HierarchicalClassifier`.

    Attributes
    ----------
    l2_ : float
        The penalty chosen; with ``"ovr"`` the geometric mean of those of the classes.
    path_ : PenaltyPath
        As of :class:`HierarchicalRegressorCV`; with ``"ovr"`` that of the first class.

    Examples
    --------
    >>> import partialpool as pp
    >>> verb = pp.load_dataset("VerbAgg")
    >>> model = pp.HierarchicalClassifierCV(8, cv=3, deviations="intercept", weights="equal")
    >>> model = model.fit(verb[["Anger"]], verb["r2"], groups=verb[["id", "item"]])
    >>> bool(0.5 < model.path_.errors.min() < 0.6)
    True
    """

    def __init__(
        self,
        l2s: int | Sequence[float] = 30,
        *,
        cv: Any = 5,
        rule: Literal["min", "one_se"] = "min",
        ratio: float = 1e-3,
        random_state: int | None = 0,
        l1: float = 0.0,
        linf: float = 0.0,
        main_l2: float = 0.0,
        squared: bool = False,
        multi_class: Literal["multinomial", "ovr"] = "multinomial",
        weights: Any = "size",
        deviations: Any = "all",
        fit_intercept: bool = True,
        penalize_intercept: bool = False,
        reweight_deviations: bool = False,
        standardize: bool = False,
    ) -> None:
        self.l2s = l2s
        self.cv = cv
        self.rule = rule
        self.ratio = ratio
        self.random_state = random_state
        self.l1 = l1
        self.linf = linf
        self.main_l2 = main_l2
        self.squared = squared
        self.multi_class = multi_class
        self.weights = weights
        self.deviations = deviations
        self.fit_intercept = fit_intercept
        self.penalize_intercept = penalize_intercept
        self.reweight_deviations = reweight_deviations
        self.standardize = standardize

    def fit(
        self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None
    ) -> HierarchicalClassifierCV:
        """Choose the penalty and fit the model; see :meth:`HierarchicalClassifier.fit`."""
        data, penalty = self._prepare(X, y, groups, sample_weight)
        if not data.groups:
            self.l2_ = np.nan
            HierarchicalClassifier.fit(self, X, y, groups, sample_weight)
            return self
        folds = make_folds(self.cv, data, self.random_state, data.y)
        tuning = Tuning(self.l2s, self.cv, self.rule, self.ratio, tuple(self._names()))
        each: list[Fitted] = []
        penalties: list[float] = []
        paths: list[PenaltyPath] = []
        for own in self._several(data):
            chosen, path = tune(own, self._kind(), self._settings(), penalty, tuning, folds)
            each.append(chosen.fitted)
            penalties.append(chosen.l2)
            paths.append(path)
        self.path_ = paths[0]
        self.l2_ = float(np.exp(np.mean(np.log(penalties))))
        warn_of_one_level(each[0], penalty)
        self._keep_fit(data, each)
        return self
