"""The response of a generalized model: counts, successes out of trials, categories."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.columns import check_finite
from partialpool.design.evaluation import evaluate
from partialpool.design.labels import Basis, Labels
from partialpool.design.response import refuse_dates, refuse_lost_digits
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError, PartialPoolWarning, show_rows
from partialpool.families import Ordinal, Response, ResponseFamily, Zero
from partialpool.frames import encode
from partialpool.frames.column import labels_of, show_labels

__all__ = ["read_generalized_response"]

Vector = NDArray[np.float64]

_FORMS = (
    "It can be 0 and 1, True and False, a column of two labels (the second is the success), "
    "cbind(successes, failures), or a proportion with weights=trials."
)
# Proportions are often stored with three digits, a third as 0.333; more than this is no rounding.
_DIGITS, _MOST_ROUNDING = 1e-3, 0.05
_MOST_CATEGORIES = 50


def read_generalized_response(
    text: str,
    sheet: Sheet,
    weights: Vector | None,
    family: ResponseFamily,
    zero: Zero = "none",
    believed: bool = False,
) -> Response:
    """Evaluate the response on the rows to fit, as its family needs it, and check it.

    Parameters
    ----------
    text
        Its expression.
    sheet
        The rows to fit.
    weights : (n,) array, or None
        Those given. With proportions they are the numbers of trials; otherwise prior weights,
        which multiply the log-density.
    family
        Whose response it is.
    zero
        What ``zero_inflation=`` adds to it.
    believed
        Whether there are priors, so that counts may be zero throughout.

    Raises
    ------
    DataError
        If it isn't what the family needs, naming rows.
    ModelError
        If it is constant.

    Warns
    -----
    PartialPoolWarning
        If the order of an ordinal response is that of the alphabet.
    """
    value = evaluate(text, sheet).value
    if isinstance(value, Basis) and not (family.has_trials and text.startswith("cbind(")):
        raise _several(text, family)
    if isinstance(family, Ordinal):
        response = _categories(text, value, sheet, weights)
    elif family.has_trials:
        response = _successes(text, value, sheet, weights, family)
    else:
        values = _numbers(text, value, sheet, family)
        response = Response(text, values, weights=weights, rows=sheet.rows)
    family.check(response, zero, believed)
    if family.name in ("gaussian", "student_t"):
        refuse_lost_digits(text, response.values)
    return response


def _several(text: str, family: ResponseFamily) -> DataError:
    return DataError(
        f"the response {text} has several columns, but {family.name} needs one. "
        "cbind(successes, failures) is for binomial and betabinomial."
    )


def _numbers(text: str, value: Any, sheet: Sheet, family: ResponseFamily) -> Vector:
    refuse_dates(text, sheet)
    if isinstance(value, Labels):
        levels = value.column.coded().levels
        _refuse_stray_text(text, value, sheet, family)
        other = "binomial" if len(levels) == 2 else "ordinal"
        raise DataError(
            f"the response {text} must be numeric for {family.name}, found {value.column.kind} "
            f"({show_labels(levels)}). Use family={other!r}, or convert it to numbers."
        )
    y = np.asarray(value)
    if y.dtype == bool:
        raise DataError(
            f"the response {text} holds True and False, but {family.name} needs numbers. Use "
            f"family='binomial', or write as.numeric({text}) in the formula."
        )
    return _column(text, y, sheet)


def _refuse_stray_text(text: str, value: Labels, sheet: Sheet, family: ResponseFamily) -> None:
    """Name the cells that turned a column of numbers into text."""
    cells = value.column.values
    strange = np.array([not _is_number(cell) for cell in cells])
    if strange.all() or not strange.any():
        return
    found = np.flatnonzero(strange)
    rows = found if sheet.rows is None else sheet.rows[found]
    raise DataError(
        f"the response {text} must be numeric for {family.name}, but holds text in {len(found)} "
        f"row(s): {show_rows(rows)} ({show_labels(cells[found])}). Correct these cells or leave "
        "their rows out."
    )


def _is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True


def _column(text: str, value: Any, sheet: Sheet) -> Vector:
    # A copy, since the user's own array may change later.
    y = np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), sheet.n))
    check_finite(text, y, sheet)
    return y


def _successes(
    text: str, value: Any, sheet: Sheet, weights: Vector | None, family: ResponseFamily
) -> Response:
    if isinstance(value, Basis):
        return _two_columns(text, value.values, sheet, weights)
    if isinstance(value, Labels):
        return _two_labels(text, value, sheet, weights)
    y = _column(text, value, sheet)
    binary = bool(((y == 0) | (y == 1)).all())
    # A 0 or 1 of weight w is as likely as w such trials, but only to binomial models.
    if weights is not None and not (binary and family.name == "binomial"):
        return _proportions(text, y, sheet, weights)
    if not binary:
        raise _neither(Response(text, y, rows=sheet.rows), family)
    return Response(text, y, weights=weights, rows=sheet.rows)


def _two_columns(text: str, columns: Vector, sheet: Sheet, weights: Vector | None) -> Response:
    if columns.shape[1] != 2:
        raise DataError(
            f"the response {text} has {columns.shape[1]} columns, but it needs 2: "
            "cbind(successes, failures)."
        )
    check_finite(text, columns, sheet)
    successes, failures = np.ascontiguousarray(columns.T)
    negative = failures < 0
    if negative.any():
        shown = Response(text, failures, rows=sheet.rows).show(negative)
        raise DataError(
            f"the response {text} has a negative number of failures in {shown}: more successes "
            "than trials. Correct these rows."
        )
    trials = successes + failures
    return Response(text, successes, trials, weights=weights, rows=sheet.rows)


def _two_labels(text: str, value: Labels, sheet: Sheet, weights: Vector | None) -> Response:
    labels, codes = _coded(text, value)
    if len(labels) > 2:
        raise DataError(
            f"the response {text} has {len(labels)} classes ({show_labels(labels, 5)}), but a "
            f"binomial model is about two. Write I({text} == {labels[-1]!r}) for one class against "
            "the others, or use family='ordinal' if they have an order."
        )
    return Response(text, codes.astype(np.float64), levels=labels, weights=weights, rows=sheet.rows)


def _proportions(text: str, y: Vector, sheet: Sheet, weights: Vector) -> Response:
    given = Response(text, y, rows=sheet.rows)
    outside = (y < 0) | (y > 1)
    if outside.any():
        raise DataError(
            f"the response {text} is no proportion in {given.show(outside)}: with weights=trials "
            "it is successes / trials, between 0 and 1. Numbers of successes are given as "
            "cbind(successes, failures)."
        )
    successes = np.round(y * weights)
    odd = np.abs(successes - y * weights) > np.minimum(_DIGITS * weights, _MOST_ROUNDING)
    if odd.any():
        raise DataError(
            f"the response {text} times the weights is not a whole number of successes in "
            f"{given.show(odd, y * weights)}, so that the weights aren't the numbers of trials. "
            "Give the counts as cbind(successes, failures)."
        )
    return Response(text, successes, trials=weights * 1.0, rows=sheet.rows)


def _neither(given: Response, family: ResponseFamily) -> DataError:
    y = given.values
    strange = (y != 0) & (y != 1)
    advice = ""
    found = np.unique(y)
    if len(found) == 2:
        low, high = labels_of(found)
        advice = f" If {low} and {high} are labels, write I({given.text} == {high})."
    elif y.min() >= 0 and y.max() <= 1:
        advice = " A proportion needs the numbers of trials: pass them as weights=."
    return DataError(
        f"the response {given.text} is neither 0 nor 1 in {given.show(strange)}, but the family is "
        f"{family.name}.{advice} {_FORMS}"
    )


def _categories(text: str, value: Any, sheet: Sheet, weights: Vector | None) -> Response:
    if isinstance(value, Labels):
        labels, codes = _coded(text, value, unused=True)
        if not (value.column.ordered or value.levels) and len(labels) > 2:
            warnings.warn(
                f"the categories of {text} have no order of their own and are taken in this one: "
                f"{' < '.join(map(repr, labels[:10]))}. Make the column an ordered categorical, or "
                f"write factor({text}, levels=[...]).",
                PartialPoolWarning,
                stacklevel=2,
            )
    else:
        coding = encode(_column(text, value, sheet))
        labels, codes = tuple(labels_of(coding.levels)), coding.codes
    if len(labels) > _MOST_CATEGORIES:
        raise DataError(
            f"the response {text} has {len(labels)} different values, but an ordinal model is for "
            f"up to {_MOST_CATEGORIES} categories. Use a family for numbers, or make classes first."
        )
    trials = np.full(sheet.n, float(len(labels)))
    return Response(text, codes.astype(np.float64), trials, labels, weights, sheet.rows)


def _coded(
    text: str, value: Labels, *, unused: bool = False
) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return labels in their order, and each row's position; categories in no row if asked."""
    column, coding = value.column, value.column.coded()
    if unused and column.codes is not None and column.levels is not None and not value.levels:
        return tuple(labels_of(column.levels)), column.codes
    labels = tuple(labels_of(coding.levels))
    if value.levels is None:
        return labels, coding.codes
    strange = [name for name in labels if name not in value.levels]
    if strange:
        raise DataError(
            f"the response {text} has label(s) {show_labels(strange)} that are not among its "
            f"levels=: {show_labels(value.levels, 10)}. Add them, or remove these rows."
        )
    order = tuple(name for name in value.levels if unused or name in labels)
    return order, np.array([order.index(name) for name in labels], dtype=np.int32)[coding.codes]
