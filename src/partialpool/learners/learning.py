"""One learner fitted once: weights passed on, and predictions of rows it hasn't seen."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing

from partialpool.errors import DataError, ModelError, show_rows

__all__ = [
    "Averaged",
    "Folds",
    "Learned",
    "Residuals",
    "check_learner",
    "cross_fit",
    "fit_learner",
    "group_folds",
    "has_out_of_bag",
    "learn",
    "out_of_fold",
    "predict_learner",
    "refuse_classifier",
    "row_folds",
]

Vector = NDArray[np.float64]
Folds = tuple[NDArray[np.intp], ...]
Residuals = Literal["auto", "folds", "in-sample"]


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A fitted learner and its predictions of the rows it was fitted to.

    Attributes
    ----------
    model
        Fitted to all rows.
    fitted : (n,) array
        Its predictions.
    honest : (n,) array
        Predictions of each row by models that haven't seen it; ``fitted`` where in-sample
        residuals are asked for.
    """

    model: Any
    fitted: Vector
    honest: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """The mean of several fitted learners.

    Attributes
    ----------
    models
        The learners.
    ends
        Range in which the predictions of each are kept.
    """

    models: tuple[Any, ...]
    ends: tuple[float, float] = (-np.inf, np.inf)

    def predict(self, X: Any) -> Vector:
        """Predict rows."""
        found = [np.clip(predict_learner(model, X), *self.ends) for model in self.models]
        return np.asarray(np.mean(found, axis=0))

    @property
    def feature_importances_(self) -> Vector:
        """Mean of the learners' own, if they have some."""
        return self._mean("feature_importances_")

    @property
    def coef_(self) -> Vector:
        """Mean of the learners' own, if they are linear: those of the mean."""
        return self._mean("coef_")

    @property
    def intercept_(self) -> Vector:
        """Mean of the learners' own, if they are linear: that of the mean."""
        return self._mean("intercept_")

    def _mean(self, name: str) -> Vector:
        return np.asarray(np.mean([getattr(model, name) for model in self.models], axis=0))


def check_learner(estimator: Any, weighted: bool) -> None:
    """Refuse what can't be fitted, or can't be fitted with weights.

    Raises
    ------
    ModelError
        If it has no ``fit`` and ``predict``.
    DataError
        If weights are needed and it takes none.
    """
    if isinstance(estimator, type):
        raise ModelError(
            f"estimator is the class {estimator.__name__}. Pass an instance: "
            f"{estimator.__name__}()."
        )
    if not (hasattr(estimator, "fit") and hasattr(estimator, "predict")):
        raise ModelError(
            f"estimator must have fit(X, y) and predict(X), found {type(estimator).__name__}. Pass "
            "a regressor such as sklearn.ensemble.RandomForestRegressor()."
        )
    if weighted and _weight_name(estimator) is None:
        raise DataError(
            f"{type(estimator).__name__} takes no sample_weight, which this fit needs: weights "
            "were given, or the response is not Gaussian. Choose a learner whose fit takes "
            "sample_weight."
        )


def refuse_classifier(estimator: Any) -> None:
    """Refuse a classifier where the learner predicts log odds, or another number.

    Raises
    ------
    ModelError
        If it is one.
    """
    if isinstance(estimator, ClassifierMixin) or hasattr(estimator, "predict_proba"):
        raise ModelError(
            f"estimator is the classifier {type(estimator).__name__}, but the learner is fitted to "
            "numbers, such as the working response of log odds. Pass a regressor, such as "
            "sklearn.ensemble.RandomForestRegressor()."
        )


def _weight_name(estimator: Any) -> str | None:
    """Return the name under which fit takes row weights."""
    if isinstance(estimator, Pipeline):
        step, last = estimator.steps[-1]
        inner = _weight_name(last)
        return None if inner is None else f"{step}__{inner}"
    named = inspect.signature(estimator.fit).parameters
    return "sample_weight" if "sample_weight" in named else None


def fit_learner(estimator: Any, X: Any, y: Vector, weights: Vector | None) -> Any:
    """Fit a copy of a learner."""
    model = clone(estimator)
    if weights is None:
        return model.fit(X, y)
    name = _weight_name(model)
    assert name is not None
    return model.fit(X, y, **{name: weights})


def learn(
    estimator: Any,
    X: Any,
    y: Vector,
    weights: Vector | None,
    folds: Folds | None,
    out_of_bag: bool = True,
    refit: bool = True,
) -> Learned:
    """Fit a learner and predict every row, by models that haven't seen it where asked.

    Parameters
    ----------
    estimator
        The learner; a copy is fitted.
    X, y, weights
        Rows, response, row weights.
    folds
        Rows of each fold; None for in-sample predictions.
    out_of_bag
        Let bootstrapped ensembles predict each row by the members that haven't drawn it,
        which needs no folds.
    refit
        Fit one more learner to all rows; else the learner is the mean of those of the folds.

    Raises
    ------
    ModelError
        If a prediction isn't a finite number.
    """
    if folds is not None and out_of_bag and has_out_of_bag(estimator):
        bagged = _out_of_bag(estimator, X, y, weights)
        if bagged is not None:
            return bagged
    if folds is not None and not refit:
        honest, models = cross_fit(estimator, X, y, weights, folds)
        mean = Averaged(models)
        return Learned(mean, mean.predict(X), honest)
    model = fit_learner(estimator, X, y, weights)
    fitted = predict_learner(model, X)
    if folds is None:
        return Learned(model, fitted, fitted)
    return Learned(model, fitted, out_of_fold(estimator, X, y, weights, folds))


def predict_learner(model: Any, X: Any) -> Vector:
    """Predict by a fitted learner, as a vector of finite numbers."""
    out = np.asarray(model.predict(X), dtype=np.float64)
    out = out.reshape(len(out), -1)[:, 0] if out.ndim > 1 else out
    bad = np.flatnonzero(~np.isfinite(out))
    if len(bad):
        raise ModelError(
            f"{type(model).__name__} predicts no finite number for {len(bad)} row(s): "
            f"{show_rows(bad)}. Choose a learner that is more regular, or scale its columns."
        )
    return out


def has_out_of_bag(estimator: Any) -> bool:
    """Whether an ensemble can predict each row by the members that haven't drawn it."""
    params = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else {}
    return bool(params.get("bootstrap", False)) and "oob_score" in params


def _out_of_bag(estimator: Any, X: Any, y: Vector, weights: Vector | None) -> Learned | None:
    """Fit an ensemble and its out-of-bag predictions; None where some row has none."""
    asked = clone(estimator).set_params(oob_score=True)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit_learner(asked, X, y, weights)
    lacking = [w for w in caught if "OOB" in str(w.message)]
    for other in caught:
        if other not in lacking:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    if lacking:
        return None
    honest = np.asarray(model.oob_prediction_, dtype=np.float64)
    return Learned(model, predict_learner(model, X), honest)


def out_of_fold(estimator: Any, X: Any, y: Vector, weights: Vector | None, folds: Folds) -> Vector:
    """Predict every row by a learner fitted to the other folds."""
    return cross_fit(estimator, X, y, weights, folds)[0]


def cross_fit(
    estimator: Any, X: Any, y: Vector, weights: Vector | None, folds: Folds
) -> tuple[Vector, tuple[Any, ...]]:
    """Return predictions of every row by a learner fitted to the other folds, and the learners."""
    honest, models = np.empty(len(y)), []
    everything = np.arange(len(y))
    for held_out in folds:
        rest = np.setdiff1d(everything, held_out, assume_unique=True)
        own = None if weights is None else weights[rest]
        model = fit_learner(estimator, _safe_indexing(X, rest), y[rest], own)
        honest[held_out] = predict_learner(model, _safe_indexing(X, held_out))
        models.append(model)
    return honest, tuple(models)


def row_folds(n: int, k: int, seed: int) -> Folds:
    """Cut rows at random into at most k folds."""
    order = np.random.default_rng(seed).permutation(n)
    return tuple(np.sort(part) for part in np.array_split(order, min(k, n)))


def group_folds(codes: NDArray[np.int32], k: int, seed: int) -> Folds:
    """Cut groups at random into at most k folds: all rows of a group stand in one."""
    n_groups = int(codes.max()) + 1
    order = np.random.default_rng(seed).permutation(n_groups)
    parts = np.array_split(order, min(k, n_groups))
    return tuple(np.flatnonzero(np.isin(codes, part)) for part in parts)
