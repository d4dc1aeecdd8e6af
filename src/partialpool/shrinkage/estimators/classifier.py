"""Hierarchical logistic regression as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from partialpool.errors import DataError, ModelError
from partialpool.shrinkage.columns import Coefficients
from partialpool.shrinkage.estimators.base import HierarchicalBase
from partialpool.shrinkage.estimators.regressor import _Quiet, warn_of_no_deviations
from partialpool.shrinkage.fitting import Data, Fitted, fit
from partialpool.shrinkage.penalty import Penalty

__all__ = ["HierarchicalClassifier"]

Vector = NDArray[np.float64]


class HierarchicalClassifier(ClassifierMixin, HierarchicalBase):  # type: ignore[misc]
    """Logistic regression whose coefficients deviate by group, the deviations penalised.

    The objective is the mean logistic loss plus the penalties of
    :class:`HierarchicalRegressor`; with ``squared`` the two norms of length are squared.

    Parameters
    ----------
    l2, l1, linf, main_l2
        Penalties of the deviations' length, sum and maximum, and of the shared coefficients'
        length.
    squared
        Whether ``l2`` and ``main_l2`` go with squared norms.
    multi_class
        For more than two classes: ``"multinomial"``, or ``"ovr"`` for one model of each class
        against the rest.
    weights, deviations, fit_intercept, penalize_intercept, reweight_deviations, standardize
        As for :class:`HierarchicalRegressor`.

    Attributes
    ----------
    classes_ : (K,) array
        Labels.
    coef_ : (1, p) or (K, p) array
        Shared coefficients.
    intercept_ : (1,) or (K,) array
        Shared intercepts.
    group_effects_ : pandas frame
        Deviations by factor and level, and by class where there are more than two.
    objective_, dual_gap_, kappa_, n_iter_
        As of :class:`HierarchicalRegressor`; with ``"ovr"`` sums over the models, ``kappa_`` NaN.

    Examples
    --------
    >>> import partialpool as pp
    >>> verb = pp.load_dataset("VerbAgg")
    >>> model = pp.HierarchicalClassifier(l2=0.002, deviations="intercept", weights="equal")
    >>> model = model.fit(verb[["Anger"]], verb["r2"], groups=verb[["id", "item"]])
    >>> round(model.score(verb[["Anger"]], verb["r2"], groups=verb[["id", "item"]]), 2)
    0.77
    """

    def __init__(
        self,
        l2: float = 0.1,
        *,
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
        self.l2 = l2
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
    ) -> HierarchicalClassifier:
        """Fit the model.

        Parameters
        ----------
        X : (n, p) array, frame or sparse matrix
            Columns.
        y : (n,) array_like
            Labels.
        groups
            As for :meth:`HierarchicalRegressor.fit`.
        sample_weight : (n,) array_like, optional
            Weights of the rows.

        Raises
        ------
        DataError
            If groups don't fit X, or a parameter is none of its values.
        ModelError
            If the shared coefficients separate the classes, or the method doesn't converge.
        """
        data, penalty = self._prepare(X, y, groups, sample_weight)
        each = self._fit_each(data, penalty)
        if not isinstance(self, _Quiet):
            warn_of_no_deviations(each[0], penalty)
        return self._keep_fit(data, each)

    def decision_function(self, X: Any, groups: Any = None) -> Vector:
        """Linear predictors: (m,) for two classes, else (m, K).

        Parameters
        ----------
        X : (m, p) array, frame or sparse matrix
            Columns.
        groups
            Labels as for :meth:`fit`; None to use the shared coefficients alone.
        """
        eta = self._eta(X, groups)
        return eta[:, 0] if len(self.classes_) == 2 else eta

    def predict_proba(self, X: Any, groups: Any = None) -> Vector:
        """Probabilities of the classes (m, K).

        Parameters
        ----------
        X : (m, p) array, frame or sparse matrix
            Columns.
        groups
            Labels as for :meth:`fit`; None to use the shared coefficients alone.
        """
        check_is_fitted(self)
        eta = self._eta(X, groups)
        if len(self.classes_) == 2:
            upper = 0.5 * (1.0 + np.tanh(0.5 * eta[:, 0]))
            return np.column_stack([1.0 - upper, upper])
        if self.multi_class == "ovr":
            each = 0.5 * (1.0 + np.tanh(0.5 * eta))
        else:
            each = np.exp(eta - eta.max(axis=1, keepdims=True))
        return np.asarray(each / each.sum(axis=1, keepdims=True))

    def predict(self, X: Any, groups: Any = None) -> NDArray[Any]:
        """The most probable labels (m,).

        Parameters
        ----------
        X : (m, p) array, frame or sparse matrix
            Columns.
        groups
            Labels as for :meth:`fit`; None to use the shared coefficients alone.
        """
        check_is_fitted(self)
        eta = self._eta(X, groups)
        if len(self.classes_) == 2:
            return np.asarray(self.classes_[(eta[:, 0] > 0).astype(np.intp)])
        return np.asarray(self.classes_[np.argmax(eta, axis=1)])

    def score(self, X: Any, y: Any, groups: Any = None, sample_weight: Any = None) -> float:
        """Share of labels that are predicted.

        Parameters
        ----------
        X, groups
            As for :meth:`predict`.
        y : (m,) array
            True labels.
        sample_weight : (m,) array, optional
            How much each row counts.
        """
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(y, self.predict(X, groups=groups), sample_weight=sample_weight))

    def _prepare(self, X: Any, y: Any, groups: Any, sample_weight: Any) -> tuple[Data, Penalty]:
        if self.multi_class not in ("multinomial", "ovr"):
            raise DataError(
                f"multi_class must be 'multinomial' or 'ovr', found {self.multi_class!r}."
            )
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, order="C")
        check_classification_targets(y)
        labels, codes = np.unique(y, return_inverse=True)
        data = self._data(X, codes.astype(np.float64), groups, sample_weight)
        # Classes of weight zero don't count.
        used, position = np.unique(data.y.astype(np.intp), return_inverse=True)
        self.classes_ = labels[used]
        if len(used) < 2:
            raise OneClassError(
                f"y holds 1 class ({self.classes_[0]!r}), but a classifier needs at least 2. "
                "Check the labels, and the weights."
            )
        counted = Data(data.X, position.astype(np.float64), data.groups, data.weights)
        return counted, self._penalty(squared=bool(self.squared))

    def _several(self, data: Data) -> list[Data]:
        """What each of the models is fitted to."""
        K = len(self.classes_)
        if K == 2:
            return [data]
        onehot = (data.y[:, None] == np.arange(K)).astype(np.float64)
        if self.multi_class == "multinomial":
            return [Data(data.X, onehot, data.groups, data.weights)]
        return [
            Data(data.X, np.ascontiguousarray(onehot[:, c]), data.groups, data.weights)
            for c in range(K)
        ]

    def _kind(self) -> Literal["logistic", "multinomial"]:
        several = len(self.classes_) > 2 and self.multi_class == "multinomial"
        return "multinomial" if several else "logistic"

    def _fit_each(self, data: Data, penalty: Penalty) -> list[Fitted]:
        return [fit(d, self._kind(), self._settings(), penalty) for d in self._several(data)]

    def _refit(self, data: Data, penalty: Penalty) -> Coefficients:
        if len(np.unique(data.y)) < len(self.classes_):
            raise OneClassError("a class has no rows among those drawn.")
        return _joined([fitted.coefficients for fitted in self._fit_each(data, penalty)])

    def _keep_fit(self, data: Data, each: list[Fitted]) -> HierarchicalClassifier:
        coefficients = _joined([fitted.coefficients for fitted in each])
        self._keep(data, coefficients)
        self._keep_solution(each[0].solution)
        if len(each) > 1:
            self.objective_ = sum(f.solution.objective for f in each)
            self.dual_gap_ = sum(f.solution.gap for f in each)
            self.n_iter_ = sum(f.solution.iterations for f in each)
            self.kappa_ = np.nan
        self.coef_ = coefficients.coef
        self.intercept_ = coefficients.intercept
        self.reweighting_ = tuple(m for f in each for m in f.solution.metrics)
        return self


class OneClassError(ModelError, ValueError):
    """Labels of one class alone."""


def _joined(each: list[Coefficients]) -> Coefficients:
    if len(each) == 1:
        return each[0]
    factors = range(len(each[0].intercepts))
    return Coefficients(
        np.concatenate([c.intercept for c in each]),
        np.concatenate([c.coef for c in each]),
        each[0].columns,
        tuple(np.concatenate([c.intercepts[f] for c in each], axis=1) for f in factors),
        tuple(np.concatenate([c.deviations[f] for c in each], axis=2) for f in factors),
    )
