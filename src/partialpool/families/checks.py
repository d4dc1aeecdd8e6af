"""What a family needs of a response, and how a response that isn't so is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError
from partialpool.families.response import Response

__all__ = [
    "refuse_constant",
    "refuse_overflow",
    "refuse_rows",
    "refuse_uncounted",
    "require_counts",
    "require_inside_unit",
    "require_nonnegative",
    "require_positive",
    "require_trials",
]

# Whose cube is a number still, and the sum of many such cubes.
_LARGEST = 1e100


def refuse_rows(
    response: Response, where: NDArray[np.bool_], found: str, needed: str, cure: str
) -> None:
    """Refuse rows of a response.

    Raises
    ------
    DataError
        If there are any, naming them and their values.
    """
    if where.any():
        raise DataError(
            f"the response {response.text} {found} in {response.show(where)}. {needed} "
            f"{response.advice or cure}"
        )


def refuse_overflow(response: Response) -> None:
    """Refuse measurements whose squares are beyond what a number can be."""
    refuse_rows(
        response, np.abs(response.values) > _LARGEST, f"is beyond {_LARGEST:g}",
        "Variances are squares and cubes of it, which overflow there.",
        "Correct these rows, or measure the response in a larger unit.",
    )  # fmt: skip


def require_counts(response: Response, family: str) -> None:
    """Refuse what can't be a count."""
    y = response.values
    refuse_rows(
        response, y < 0, "is negative", f"{family} is for counts: 0, 1, 2, ...",
        "Correct these rows or leave them out, or use a family for real numbers such as Gaussian.",
    )  # fmt: skip
    refuse_rows(
        response, y != np.floor(y), "is not a whole number",
        f"{family} is for counts: 0, 1, 2, ...",
        "For rates, use the counts with offset=log(exposure); for positive measurements, Gamma "
        "or Tweedie.",
    )  # fmt: skip


def require_positive(response: Response, family: str) -> None:
    """Refuse what isn't above zero."""
    word = "zero or negative" if (response.values < 0).any() else "zero"
    refuse_rows(
        response, response.values <= 0, f"is {word}", f"{family} is for positive numbers.",
        "For a mixture of zeros and positive numbers, use Tweedie; for negative ones, Gaussian.",
    )  # fmt: skip


def require_nonnegative(response: Response, family: str) -> None:
    """Refuse what is below zero."""
    refuse_rows(
        response, response.values < 0, "is negative", f"{family} is for numbers from 0 on.",
        "Correct these rows or leave them out, or use Gaussian.",
    )  # fmt: skip


def require_inside_unit(response: Response, family: str) -> None:
    """Refuse what isn't strictly between 0 and 1."""
    y = response.values
    refuse_rows(
        response, (y < 0) | (y > 1), "is outside 0 to 1",
        f"{family} is for proportions strictly between 0 and 1.",
        "Divide percentages by 100; use another family for what is no proportion.",
    )  # fmt: skip
    refuse_rows(
        response, (y == 0) | (y == 1), "is exactly 0 or 1",
        f"{family} is for proportions strictly between 0 and 1.",
        "If they are counts out of a total, use BetaBinomial with cbind(successes, failures); "
        "otherwise draw them inwards, for instance by (y * (n - 1) + 0.5) / n with n rows "
        "(Smithson & Verkuilen 2006).",
    )  # fmt: skip


def require_trials(response: Response, family: str) -> None:
    """Refuse what can't be successes out of trials."""
    y = response.values
    trials = np.ones_like(y) if response.trials is None else response.trials
    needed = f"{family} is for successes out of trials."
    refuse_rows(
        response, y < 0, "has a negative number of successes", needed,
        "Correct these rows or leave them out.",
    )  # fmt: skip
    refuse_rows(
        response, y > trials, "has more successes than trials", needed,
        "Correct these rows, or check that cbind(successes, failures) has the failures and not "
        "the trials.",
    )  # fmt: skip
    refuse_rows(
        response, y != np.floor(y), "is not a whole number of successes", needed,
        "Give the counts as cbind(successes, failures), or the proportion with weights=trials.",
    )  # fmt: skip


def refuse_uncounted(response: Response) -> None:
    """Refuse a response of which no row counts.

    Raises
    ------
    ModelError
        If there is none.
    """
    if not response.counted.any():
        raise ModelError(
            f"no row of the response {response.text} counts: each has no trials or weight zero."
        )


def refuse_constant(response: Response, values: NDArray[np.float64], *only: float) -> None:
    """Refuse a response that is the same in all rows that count.

    Parameters
    ----------
    response
        The response.
    values : (n,) array
        What must differ.
    *only
        Constants that are refused; none for any.

    Raises
    ------
    ModelError
        If it is, naming the value.
    """
    refuse_uncounted(response)
    counted = values[response.counted]
    lowest = float(counted.min())
    if lowest == counted.max() and (not only or lowest in only):
        raise ModelError(
            f"the response is constant: {response.text} is {response.describe(lowest)} in all "
            f"{len(counted)} rows that count, so that there is nothing to explain."
        )
