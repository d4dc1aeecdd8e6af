"""The response: one number for each row."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from partialpool.design.columns import check_finite
from partialpool.design.evaluation import evaluate
from partialpool.design.labels import Basis, Labels
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError, ModelError, PartialPoolWarning

__all__ = ["read_response", "refuse_dates", "refuse_lost_digits"]

# With fewer different values than this, rounding is part of the result.
_FEWEST_STEPS = 1000


def read_response(text: str, sheet: Sheet) -> NDArray[np.float64]:
    """Evaluate the response on the rows to fit.

    Raises
    ------
    DataError
        If it is no column of finite numbers.
    ModelError
        If it is the same everywhere, or has two columns.

    Warns
    -----
    PartialPoolWarning
        If it holds True and False.
    """
    if text.startswith("cbind("):
        raise ModelError(
            f"the response {text} has two columns, which is for binomial models. A linear model "
            "needs one: put the proportion in its place."
        )
    refuse_dates(text, sheet)
    value = evaluate(text, sheet).value
    if isinstance(value, Basis):
        raise DataError(f"the response {text} has several columns, but a model needs one.")
    if isinstance(value, Labels):
        raise _labels(text, value)
    y = np.asarray(value)
    y = np.broadcast_to(y, sheet.n) if y.ndim == 0 else y
    if y.dtype == bool:
        warnings.warn(
            f"the response {text} holds True and False, which are fitted as the numbers 1 and 0. "
            "A binomial model keeps its means between 0 and 1: partialpool.glmm(..., "
            "family='binomial').",
            PartialPoolWarning,
            stacklevel=2,
        )
    # A copy, since the user's own array may change later.
    y = np.array(y, dtype=np.float64)
    check_finite(text, y, sheet)
    if y.min() == y.max():
        raise ModelError(
            f"the response is constant: {text} is {y[0]:g} in all {len(y)} rows, so that there is "
            "nothing to explain."
        )
    refuse_lost_digits(text, y)
    return y


def refuse_dates(text: str, sheet: Sheet) -> None:
    """Refuse a column of dates, whose number of days depends on where counting starts.

    Raises
    ------
    DataError
        If the response is one.
    """
    column = sheet.columns.get(text)
    if column is None or column.numbers is None or column.numbers.dtype.kind != "M":
        return
    raise DataError(
        f"the response {text} must be numeric, found dates (the first is {column.numbers[0]}). "
        "Subtract a date from them before, which gives a duration, or write "
        f"as.numeric({text}) for the days since 1970-01-01."
    )


def refuse_lost_digits(text: str, y: NDArray[np.float64]) -> None:
    """Refuse values that lie so far from zero that their differences are rounding.

    Raises
    ------
    DataError
        If so.
    """
    # Of a response around 1e15, floats have kept steps of 1/8: the rest is gone for good.
    lowest, highest = float(y.min()), float(y.max())
    step = float(np.spacing(max(abs(lowest), abs(highest))))
    if (highest - lowest) < _FEWEST_STEPS * step:
        raise DataError(
            f"the response {text} varies by {highest - lowest:.3g} around {highest:.3g}, where "
            f"numbers of this precision are {step:.3g} apart, so that its digits are lost. "
            "Subtract a constant before the values are stored."
        )


def _labels(text: str, value: Labels) -> DataError:
    count = len(value.column.coded().levels)
    return DataError(
        f"the response {text} must be numeric, found {value.column.kind} with {count} level(s). "
        f"Convert it to numbers; as.numeric({text}) in the formula reads labels that are numbers."
    )
