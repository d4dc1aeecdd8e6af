"""Models of every kind, seen as something that is fitted to some rows and predicts others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.extras import require
from partialpool.frames import read_table
from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit
from partialpool.validation.densities import normal_log_density, predictive_log_density
from partialpool.validation.refits import given_for, refit
from partialpool.validation.rows import take_rows, without_columns

__all__ = ["Candidate", "Prediction", "Random", "Trained", "candidate"]

Vector = NDArray[np.float64]
Rows = NDArray[Any]
Random = Literal["with", "without", "none"]
"""Whether random effects took part; "none" for a model that has none to leave out."""
_BOTH: tuple[Random, ...] = ("with", "without")
_NONE: tuple[Random, ...] = ("none",)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions of held-out rows.

    Attributes
    ----------
    mean : (m,) array
        In units of the response.
    log_density : (m,) array
        Of the rows under the model's predictive distribution; NaN where it gives none.
    """

    mean: Vector
    log_density: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model fitted to some rows.

    Attributes
    ----------
    ways
        With random effects and without, or "none" where it has none to leave out.
    predict
        Predicts rows, by position in the table.
    """

    ways: tuple[Random, ...]
    predict: Callable[[Rows, Random], Prediction]


class Candidate(Protocol):
    """A model to be validated."""

    @property
    def y(self) -> Vector:
        """Response of every row (n,); NaN where the model leaves the row out."""

    @property
    def response(self) -> str:
        """What the response is called."""

    def train(self, rows: Rows) -> Trained:
        """Fit to some rows, by position in the table."""


def candidate(model: Any, data: Any, groups: str | None, response: str | None) -> Candidate:
    """See a model as a candidate.

    Parameters
    ----------
    model
        A fit, a scikit-learn estimator, or a callable from a table to a fit.
    data
        The table.
    groups
        The column of groups, if it is one.
    response
        The column of the response; needed for estimators.

    Raises
    ------
    DataError
        If the table isn't that of the fit, or the response isn't named.
    ModelError
        If it is no model.
    NotAvailableError
        If its response has several columns: an ordinal model.
    """
    if isinstance(model, LmmFit | GlmmFit):
        _refuse_categories(model)
        return FitCandidate(model, data)
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        return _estimator(model, data, groups, response)
    if callable(model) and not isinstance(model, type):
        return _function(model, data, response)
    raise ModelError(
        f"a model must be a fit, a scikit-learn estimator or a function from a table to a fit, "
        f"found {type(model).__name__}."
    )


def _refuse_categories(fit: Any) -> None:
    """Refuse a fit that predicts a probability for each category, not a mean."""
    if isinstance(fit, GlmmFit) and fit.family.name == "ordinal":
        raise NotAvailableError(
            f"cross_validate scores predictions of a mean, but the ordinal model of "
            f"{fit.response.text!r} gives a probability for each category. Validate one category "
            "against the rest with family='binomial'."
        )


def response_name(fit: Any) -> str:
    """Response of a fit, as its formula has it."""
    return str(fit.response.text if isinstance(fit, GlmmFit) else fit.design.formula.response)


def observed(fit: Any, n: int) -> Vector:
    """Response of every row of the table, NaN for rows that the fit leaves out."""
    y = fit.response.proportions if isinstance(fit, GlmmFit) else fit.design.y
    rows = fit.design.rows
    if rows.n_given != n:
        raise DataError(
            f"the fit is of a table of {rows.n_given} rows, but the data have {n}. Pass the table "
            "that it was fitted to."
        )
    out = np.full(n, np.nan)
    out[slice(None) if rows.kept is None else rows.kept] = y
    return out


@dataclass(frozen=True, slots=True, eq=False)
class FitCandidate:
    """A fit, made again on other rows of its table.

    Attributes
    ----------
    fit, data
        The fit and its table.
    """

    fit: LmmFit | GlmmFit
    data: Any

    @property
    def y(self) -> Vector:
        """Response of every row."""
        return observed(self.fit, read_table(self.data).n)

    @property
    def response(self) -> str:
        """What the response is called."""
        return response_name(self.fit)

    def train(self, rows: Rows) -> Trained:
        """Fit to some rows."""
        again = refit(self.fit, self.data, rows)

        y = self.y

        def predict(held_out: Rows, random: Random) -> Prediction:
            return _predict_fit(again, self.fit, self.data, held_out, random, y)

        return Trained(_BOTH if again.design.random else _NONE, predict)


def _predict_fit(
    again: Any, whole: Any, data: Any, rows: Rows, random: Random, y: Vector
) -> Prediction:
    table = take_rows(data, rows)
    given = given_for(whole, rows)
    wanted: Any = "none" if random == "without" else "all"
    mean = again.predict(table, random=wanted, new_levels="population", **given)
    if random == "without":
        return Prediction(np.asarray(mean), np.full(len(rows), np.nan))
    density = predictive_log_density(again, whole, table, rows, y[rows], given)
    return Prediction(np.asarray(mean), density)


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCandidate:
    """A function from a table to anything that predicts.

    Attributes
    ----------
    function, data, y, response
        The function, its table, the response of every row and its name.
    """

    function: Callable[[Any], Any]
    data: Any
    y: Vector
    response: str

    def train(self, rows: Rows) -> Trained:
        """Fit to some rows."""
        fit = self.function(take_rows(self.data, rows))
        _refuse_categories(fit)

        def predict(held_out: Rows, random: Random) -> Prediction:
            table = take_rows(self.data, held_out)
            options = _options(fit.predict, random)
            mean = np.asarray(fit.predict(table, **options), dtype=np.float64)
            density = np.full(len(held_out), np.nan)
            if isinstance(fit, LmmFit | GlmmFit) and random != "without":
                density = predictive_log_density(fit, fit, table, None, self.y[held_out], {})
            return Prediction(mean, density)

        return Trained(_ways(fit), predict)


def _ways(model: Any) -> tuple[Random, ...]:
    """Whether a model's random effects can be left out."""
    if isinstance(model, LmmFit | GlmmFit):
        return _BOTH if model.design.random else _NONE
    return _BOTH if "random" in inspect.signature(model.predict).parameters else _NONE


def _options(predict: Callable[..., Any], random: Random) -> dict[str, Any]:
    """Arguments of a predict method: which random effects, and new levels allowed."""
    known = inspect.signature(predict).parameters
    asked = {"random": "none" if random == "without" else "all", "new_levels": "population"}
    return {name: value for name, value in asked.items() if name in known}


def _function(model: Callable[[Any], Any], data: Any, response: str | None) -> Candidate:
    if response is not None:
        y = np.asarray(read_table(data).column(response).as_float("response="), dtype=np.float64)
        return FunctionCandidate(model, data, y, response)
    fit = model(data)
    if not (isinstance(fit, GlmmFit) or hasattr(fit, "design")):
        raise DataError(
            "the function's result doesn't say what its response is. Pass response= with the name "
            "of the column."
        )
    _refuse_categories(fit)
    return FunctionCandidate(model, data, observed(fit, read_table(data).n), response_name(fit))


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
        Numbers to be predicted: the response, or 1 for the second class.
    groups
        Passed on to ``fit`` and ``predict`` where they take groups; None where not.
    response
        Name of the response's column.
    """

    estimator: Any
    X: Any
    target: NDArray[Any]
    y: Vector
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

        return Trained(_ways(model), predict)

    def _predict(self, model: Any, rows: Rows, random: Random) -> Prediction:
        X, y = take_rows(self.X, rows), self.y[rows]
        extra: dict[str, Any] = {} if self.groups is None else {"groups": self.groups[rows]}
        if hasattr(model, "predict_proba"):
            options = {**extra, **_options(model.predict_proba, random)}
            share = np.asarray(model.predict_proba(X, **options))[:, 1]
            likelihood = np.where(y == 1.0, share, 1.0 - share)
            return Prediction(share, np.log(np.maximum(likelihood, 1e-300)))
        options = {**extra, **_options(model.predict, random)}
        if "return_std" not in inspect.signature(model.predict).parameters or random == "without":
            return Prediction(np.asarray(model.predict(X, **options)), np.full(len(y), np.nan))
        try:
            mean, sd = model.predict(X, return_std=True, **options)
        except NotAvailableError:  # counts have no standard deviation
            return Prediction(np.asarray(model.predict(X, **options)), np.full(len(y), np.nan))
        return Prediction(mean, normal_log_density(y, mean, sd))


def _estimator(model: Any, data: Any, groups: str | None, response: str | None) -> Candidate:
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
    y = _numbers(model, column, target)
    return EstimatorCandidate(model, without_columns(data, leaving), target, y, labels, response)


def _numbers(model: Any, column: Any, target: NDArray[Any]) -> Vector:
    if not hasattr(model, "predict_proba"):
        return np.asarray(column.as_float("response="), dtype=np.float64)
    classes = np.unique(target)
    if len(classes) != 2:
        raise DataError(
            f"the response {column.name!r} has {len(classes)} classes; cross_validate scores the "
            "probability of the second of two. Validate one class against the rest."
        )
    return np.asarray(target == classes[1], dtype=np.float64)
