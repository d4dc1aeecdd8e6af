"""Fits of this package, made again on other rows of their table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError
from partialpool.frames import read_table
from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit
from partialpool.validation.densities import predictive_log_density
from partialpool.validation.kinds import BOTH, NONE, Prediction, Random, Rows, Trained
from partialpool.validation.refits import given_for, refit
from partialpool.validation.rows import take_rows

__all__ = ["FitCandidate", "observed", "refuse_categories", "response_name"]

Vector = NDArray[np.float64]


def refuse_categories(fit: Any) -> None:
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

        return Trained(BOTH if again.design.random else NONE, predict)


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
