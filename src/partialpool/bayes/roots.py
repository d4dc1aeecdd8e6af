"""Where a function of one parameter is zero."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Root", "find_roots"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
# How near zero a function comes that touches it, beside its size elsewhere.
_TOUCHES = 1e-9


@dataclass(frozen=True, slots=True)
class Root:
    """A zero of a function, and how steeply it goes through it (0: it only touches)."""

    at: float
    slope: float


def find_roots(function: Function, grid: Array) -> tuple[Root, ...]:
    """Find the zeros of a function among some values.

    Parameters
    ----------
    function
        Of arrays; NaN or infinite where it isn't defined.
    grid
        Values, in any order, close together where zeros may lie.

    Examples
    --------
    >>> [round(root.at, 6) for root in find_roots(lambda x: x**2 - 4, np.linspace(-9, 9, 100))]
    [-2.0, 2.0]
    >>> find_roots(lambda x: np.abs(x), np.array([-1.0, 0.5, 2.0]))[0].slope
    0.0
    """
    with np.errstate(all="ignore"):
        places = np.unique(grid)
        values = function(places)
        known = np.isfinite(values)
        places, values = places[known], values[known]
        found = (*_crossings(function, places, values), *_touching(function, places, values))
        return tuple(sorted(found, key=lambda root: root.at))


def _crossings(function: Function, places: Array, values: Array) -> tuple[Root, ...]:
    signs = np.sign(values)
    step = 1e-6 * (float(np.std(places)) or 1.0)
    out = [_root(function, float(x), step) for x in places[signs == 0]]
    for i in np.flatnonzero(signs[1:] * signs[:-1] < 0):
        x = _between(function, places[i], places[i + 1])
        # A pole changes the sign too, but the function is large there.
        if np.abs(function(np.asarray(x))) <= min(abs(values[i]), abs(values[i + 1])):
            out.append(_root(function, x, step))
    return tuple(out)


def _between(function: Function, low: float, high: float) -> float:
    from scipy.optimize import brentq

    near = 1e-12 * (high - low)
    return float(
        brentq(lambda x: float(function(np.asarray(x))), low, high, xtol=near, maxiter=1000)
    )


def _root(function: Function, x: float, step: float) -> Root:
    ends = function(np.array([x - step, x + step]))
    if not np.isfinite(ends).all() or ends[0] * ends[1] >= 0:
        return Root(x, 0.0)
    return Root(x, float(ends[1] - ends[0]) / (2 * step))


def _touching(function: Function, places: Array, values: Array) -> Iterator[Root]:
    """Find where a function reaches zero without a change of sign."""
    from scipy.optimize import minimize_scalar

    size, last = np.abs(values), len(values) - 1
    limit = _TOUCHES * float(np.median(size)) if len(size) else 0.0
    for i in _lowest(values):
        ends = places[max(i - 1, 0)], places[min(i + 1, last)]
        found = minimize_scalar(
            lambda x: abs(float(function(np.asarray(x)))),
            bounds=ends,
            method="bounded",
            options={"xatol": 1e-12 * (1.0 + abs(float(places[i])))},
        )
        if found.fun <= limit:
            yield Root(float(found.x), 0.0)


def _lowest(values: Array) -> NDArray[np.intp]:
    """Places where a function that keeps its sign comes nearer to zero than on either side."""
    ends = np.array([np.inf])
    before, after = np.r_[ends, values[:-1]], np.r_[values[1:], ends]
    size = np.abs(values)
    least = (size < np.abs(before)) & (size <= np.abs(after))
    keeps = (values * np.where(np.isinf(before), values, before) > 0) & (
        values * np.where(np.isinf(after), values, after) > 0
    )
    return np.flatnonzero(least & keeps)
