"""Functions from a table to anything that predicts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import read_table
from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit
from partialpool.validation.densities import predictive_log_density
from partialpool.validation.fits import observed, refuse_categories, response_name
from partialpool.validation.kinds import Candidate, Prediction, Random, Rows, Trained, options, ways
from partialpool.validation.rows import take_rows

__all__ = ["FunctionCandidate", "function_candidate"]

Vector = NDArray[np.float64]


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
        refuse_categories(fit)

        def predict(held_out: Rows, random: Random) -> Prediction:
            table = take_rows(self.data, held_out)
            asked = options(fit.predict, random)
            mean = np.asarray(fit.predict(table, **asked), dtype=np.float64)
            density = np.full(len(held_out), np.nan)
            if isinstance(fit, LmmFit | GlmmFit) and random != "without":
                density = predictive_log_density(fit, fit, table, None, self.y[held_out], {})
            return Prediction(mean, density)

        return Trained(ways(fit), predict)


def function_candidate(model: Callable[[Any], Any], data: Any, response: str | None) -> Candidate:
    """See a function as a candidate; it is called once to learn of the response.

    Raises
    ------
    DataError
        If its result doesn't say what its response is, and no name is given.
    """
    if response is not None:
        y = np.asarray(read_table(data).column(response).as_float("response="), dtype=np.float64)
        return FunctionCandidate(model, data, y, response)
    fit = model(data)
    if not (isinstance(fit, GlmmFit) or hasattr(fit, "design")):
        raise DataError(
            "the function's result doesn't say what its response is. Pass response= with the name "
            "of the column."
        )
    refuse_categories(fit)
    return FunctionCandidate(model, data, observed(fit, read_table(data).n), response_name(fit))
