"""A response as a family sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import show_rows

__all__ = ["Response"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """One value for each row, with what goes with it.

    Attributes
    ----------
    text
        As the formula has it.
    values : (n,) array
        Numbers; successes where there are trials; positions of categories, from 0.
    trials : (n,) array, or None
        How many trials the successes are out of, None for one each. For an ordinal response
        the number of categories, in every row.
    levels
        Labels of the categories: two, the second a success, or those of an ordinal response.
    weights : (n,) array, or None
        Prior weights, which multiply the log-density. Weights that were trials are no longer
        among them.
    rows : (n,) array of int64, or None
        Which rows of the table these are, for messages; None for all.
    advice
        What helps against values that can't be, where it isn't to correct the table.

    Examples
    --------
    >>> Response("y", np.array([0.0, 2.0]), trials=np.array([3.0, 3.0])).proportions
    array([0.        , 0.66666667])
    """

    text: str
    values: Vector
    trials: Vector | None = None
    levels: tuple[str, ...] | None = None
    weights: Vector | None = None
    rows: NDArray[np.int64] | None = None
    advice: str | None = None

    def __post_init__(self) -> None:
        for array in (self.values, self.trials, self.weights):
            if array is not None:
                array.flags.writeable = False

    @property
    def proportions(self) -> Vector:
        """The share of successes, or the values where there are no trials; 0 of 0 trials is 0."""
        if self.trials is None:
            return self.values
        return self.values / np.maximum(self.trials, np.finfo(float).tiny)

    @property
    def scores(self) -> Vector:
        """What ordered categories count as (K,): numbers themselves, others their place from 1.

        Examples
        --------
        >>> Response("y", np.array([0.0, 1.0]), levels=("2", "4")).scores
        array([2., 4.])
        """
        levels = self.levels or ()
        try:
            return np.array([float(label) for label in levels])
        except ValueError:
            return np.arange(1.0, len(levels) + 1.0)

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Which rows say anything: those whose weight and trials aren't zero."""
        counted = np.ones(len(self.values), dtype=bool)
        for array in (self.trials, self.weights):
            if array is not None:
                counted &= array > 0
        return counted

    def describe(self, value: float) -> str:
        """Say in words what a value of :attr:`proportions` is.

        Examples
        --------
        >>> Response("y", np.array([0.0, 1.0]), levels=("no", "yes")).describe(1.0)
        "'yes'"
        """
        if self.levels is not None:
            return repr(self.levels[int(value)])
        if self.trials is not None and value in (0.0, 1.0):
            return "all successes" if value else "without successes"
        return f"{value:g}"

    def show(self, where: NDArray[np.bool_], values: Vector | None = None) -> str:
        """List the first rows of a condition and their values, for a message.

        Examples
        --------
        >>> y = np.array([-1.0, 4.0, -2.5])
        >>> Response("y", y).show(y < 0)
        '2 row(s): rows 0 and 2, counted from 0 (-1, -2.5)'
        """
        found = np.flatnonzero(where)
        rows = found if self.rows is None else self.rows[found]
        values = self.values if values is None else values
        shown = ", ".join(f"{value:g}" for value in values[found[:5]])
        dots = ", ..." if len(found) > 5 else ""
        return f"{len(found)} row(s): {show_rows(rows)} ({shown}{dots})"
