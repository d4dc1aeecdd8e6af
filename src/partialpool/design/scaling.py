"""Centring, scaling and single figures of a column, kept so that new rows get the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError

__all__ = ["FIGURES", "apply_scale", "learn_scale"]

State = dict[str, Any]
Vector = NDArray[np.float64]


def learn_scale(x: Vector, center: bool = True, scale: bool = True) -> State:
    """Find the shift and the divisor of R's ``scale``.

    Parameters
    ----------
    x : (n,) array
        Values, none missing.
    center
        Whether the mean is taken away.
    scale
        Whether to divide by the standard deviation (n - 1 in its denominator); by the root
        mean square where nothing is taken away, as R does.

    Raises
    ------
    DataError
        If all values are the same, so that there is nothing to divide by.
    """
    shift = float(x.mean()) if center else 0.0
    if not scale:
        return {"kind": "scale", "shift": shift, "divisor": 1.0}
    divisor = float(np.sqrt(np.sum((x - shift) ** 2) / max(len(x) - 1, 1)))
    if not divisor > 0:
        raise DataError("scale() needs at least two different values: a constant has no spread.")
    return {"kind": "scale", "shift": shift, "divisor": divisor}


def apply_scale(x: Vector, state: State) -> Vector:
    """Shift and divide.

    Examples
    --------
    >>> apply_scale(np.array([1.0, 3.0]), learn_scale(np.array([1.0, 2.0, 3.0])))
    array([-1.,  1.])
    """
    shifted: Vector = x - state["shift"]
    return shifted / state["divisor"] if state["divisor"] != 1.0 else shifted


def _sd(x: Vector) -> float:
    return float(np.std(x, ddof=1))


def _var(x: Vector) -> float:
    return float(np.var(x, ddof=1))


FIGURES: dict[str, Callable[[Vector], Any]] = {
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "sd": _sd,
    "sum": np.sum,
    "var": _var,
}
"""Functions of a whole column: computed once, on the rows fitted."""
