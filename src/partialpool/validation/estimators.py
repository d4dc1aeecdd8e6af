"""scikit-learn estimators, cloned and fitted to some rows."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError
from partialpool.extras import require
from partialpool.frames import read_table
from partialpool.validation.densities import normal_log_density
from partialpool.validation.kinds import Candidate, Prediction, Random, Rows, Trained, options, ways
from partialpool.validation.rows import take_rows, without_columns

__all__ = ["EstimatorCandidate", "estimator_candidate"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EstimatorCandidate:
    """A scikit-learn estimator.

    Attributes
    ----------
    estimator
        It; copies are fitted.
    X
        Features.
    target : (n,) array
        Response, or classes.
    y : (n,) array
        Numbers to be predicted: the response, or the position of the class among its classes.
    classes : (k,) array, or None
        Of a classifier's response, in order.
    groups
        Passed on to ``fit`` and ``predict`` where they take groups; None where not.
    response
        Name of the response's column.
    """

    estimator: Any
    X: Any
    target: NDArray[Any]
    y: Vector
    classes: NDArray[Any] | None
    groups: NDArray[Any] | None
    response: str

    def train(self, rows: Rows) -> Trained:
        """Fit to some rows."""
        from sklearn.base import clone

        model = clone(self.estimator)
        extra = {} if self.groups is None else {"groups": self.groups[rows]}
        model.fit(take_rows(self.X, rows), self.target[rows], **extra)

        def predict(held_out: Rows, random: Random) -> Prediction:
            return self._predict(model, held_out, random)

        return Trained(ways(model), predict)

    def _predict(self, model: Any, rows: Rows, random: Random) -> Prediction:
        X, y = take_rows(self.X, rows), self.y[rows]
        extra: dict[str, Any] = {} if self.groups is None else {"groups": self.groups[rows]}
        if self.classes is not None:
            asked = {**extra, **options(model.predict_proba, random)}
            found = np.asarray(model.predict_proba(X, **asked), dtype=np.float64)
            return self._shares(found, model.classes_, y)
        asked = {**extra, **options(model.predict, random)}
        if "return_std" not in inspect.signature(model.predict).parameters or random == "without":
            return Prediction(np.asarray(model.predict(X, **asked)), np.full(len(y), np.nan))
        try:
            mean, sd = model.predict(X, return_std=True, **asked)
        except NotAvailableError:  # counts have no standard deviation
            return Prediction(np.asarray(model.predict(X, **asked)), np.full(len(y), np.nan))
        return Prediction(mean, normal_log_density(y, mean, sd))

    def _shares(self, found: Vector, known: NDArray[Any], y: Vector) -> Prediction:
        """Put probabilities in the order of all classes: a fold may lack one."""
        assert self.classes is not None
        shares = np.zeros((len(y), len(self.classes)))
        shares[:, np.searchsorted(self.classes, known)] = found
        own = shares[np.arange(len(y)), y.astype(int)]
        mean = shares[:, 1] if len(self.classes) == 2 else shares
        return Prediction(mean, np.log(np.maximum(own, 1e-300)))


def estimator_candidate(
    model: Any, data: Any, groups: str | None, response: str | None
) -> Candidate:
    """See an estimator as a candidate.

    Raises
    ------
    DataError
        If the response isn't named, or has one class only.
    """
    require("sklearn", extra="ml")
    if response is None:
        raise DataError(
            f"response= is needed for an estimator: which column {type(model).__name__} is to "
            "predict."
        )
    table = read_table(data)
    column = table.column(response)
    takes = "groups" in inspect.signature(model.fit).parameters
    formula = getattr(model, "random", None) is not None
    leaving = (response,) if groups is None or formula else (response, groups)
    labels = None if groups is None or formula or not takes else table.column(groups).values
    target = np.asarray(column.values)
    y, classes = _numbers(model, column, target)
    X = without_columns(data, leaving)
    return EstimatorCandidate(model, X, target, y, classes, labels, response)


def _numbers(model: Any, column: Any, target: NDArray[Any]) -> tuple[Vector, NDArray[Any] | None]:
    """Return the response as numbers, and the classes that they stand for."""
    if not hasattr(model, "predict_proba"):
        return np.asarray(column.as_float("response="), dtype=np.float64), None
    classes, places = np.unique(target, return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"the response {column.name!r} has 1 class, {classes[0]!r}; a classifier needs two or "
            "more."
        )
    return places.astype(np.float64), classes
