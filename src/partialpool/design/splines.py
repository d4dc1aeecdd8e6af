"""Spline bases, as R's ``splines`` package makes them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, PartialPoolWarning

__all__ = ["apply_bs", "apply_ns", "learn_bs", "learn_ns"]

State = dict[str, Any]
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
# Share of the span beyond the boundary knots that is worth no warning: a derivative steps so far.
_NEAR = 1e-3


def learn_bs(
    x: Vector,
    df: int | None = None,
    knots: Any = None,
    degree: int = 3,
    include_intercept: bool = False,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
) -> State:
    """Place the knots of a B-spline basis as R's ``bs`` does: at quantiles of ``x``.

    Parameters
    ----------
    x : (n,) array
        Values, none missing.
    df
        Number of columns; taken from ``knots`` if these are given.
    knots
        Inner knots.
    degree
        Degree of the pieces.
    include_intercept
        Whether the first function stays, so that the columns sum to one.
    lower_bound, upper_bound
        Boundary knots, by default the range of ``x``.

    Raises
    ------
    DataError
        If the degrees of freedom are too few, or the knots lie outside the boundary.
    """
    bounds = _bounds(x, lower_bound, upper_bound, "bs")
    inner = _inner_knots(x, df, knots, degree + include_intercept, bounds, "bs")
    full = [bounds[0]] * (degree + 1) + inner + [bounds[1]] * (degree + 1)
    return {"kind": "bs", "knots": full, "degree": degree, "drop": int(not include_intercept)}


def apply_bs(x: Vector, state: State) -> Matrix:
    """Evaluate a B-spline basis; beyond the boundary its last pieces go on.

    Warns
    -----
    PartialPoolWarning
        If values lie noticeably beyond the boundary knots.
    """
    knots = np.array(state["knots"])
    near = _NEAR * (knots[-1] - knots[0])
    outside = (x < knots[0] - near) | (x > knots[-1] + near)
    if outside.any():
        warnings.warn(
            f"{np.count_nonzero(outside)} value(s) lie outside the boundary knots "
            f"[{knots[0]:g}, {knots[-1]:g}] of bs(), where the spline goes on as a polynomial and "
            "soon means nothing. Set lower_bound and upper_bound to cover them.",
            PartialPoolWarning,
            stacklevel=2,
        )
    return b_splines(x, knots, state["degree"])[:, state["drop"] :]


def learn_ns(
    x: Vector,
    df: int | None = None,
    knots: Any = None,
    include_intercept: bool = False,
    lower_bound: float | None = None,
    upper_bound: float | None = None,
) -> State:
    """Place the knots of a natural cubic spline basis as R's ``ns`` does.

    Parameters
    ----------
    x, df, knots, include_intercept, lower_bound, upper_bound
        As for :func:`learn_bs`.

    Returns
    -------
    dict
        The knots, and the matrix that takes cubic B-splines to those combinations whose
        second derivatives vanish at the boundary.
    """
    bounds = _bounds(x, lower_bound, upper_bound, "ns")
    inner = _inner_knots(x, df, knots, 1 + include_intercept, bounds, "ns")
    full = np.array([bounds[0]] * 4 + inner + [bounds[1]] * 4)
    drop = int(not include_intercept)
    curvature = b_splines(np.array(bounds), full, 3, derivative=2)[:, drop:]
    # R's own choice among all bases of this space, Householder signs included.
    rotation = np.linalg.qr(curvature.T, mode="complete").Q[:, 2:]
    return {"kind": "ns", "knots": full.tolist(), "rotation": rotation.tolist(), "drop": drop}


def apply_ns(x: Vector, state: State) -> Matrix:
    """Evaluate a natural spline basis; beyond the boundary it is linear."""
    knots, drop = np.array(state["knots"]), state["drop"]
    inside = np.clip(x, knots[0], knots[-1])
    basis = b_splines(inside, knots, 3)[:, drop:]
    outside = x != inside
    if outside.any():
        slope = b_splines(inside[outside], knots, 3, derivative=1)[:, drop:]
        basis[outside] += (x - inside)[outside, None] * slope
    natural: Matrix = basis @ np.array(state["rotation"])
    return natural


def _bounds(
    x: Vector, lower: float | None, upper: float | None, function: str
) -> tuple[float, float]:
    low = float(x.min()) if lower is None else float(lower)
    high = float(x.max()) if upper is None else float(upper)
    if not low < high:
        raise DataError(
            f"{function}() needs a lower bound below its upper bound, found {low:g} and {high:g}. "
            "A column with a single value has no spline."
        )
    return low, high


def _inner_knots(
    x: Vector,
    df: int | None,
    knots: Any,
    fewest: int,
    bounds: tuple[float, float],
    function: str,
) -> list[float]:
    if knots is not None:
        inner = sorted(float(knot) for knot in np.atleast_1d(knots))
        outside = [knot for knot in inner if not bounds[0] < knot < bounds[1]]
        if outside:
            raise DataError(
                f"the knots of {function}() must lie between {bounds[0]:g} and {bounds[1]:g}, "
                f"found {outside[0]:g}."
            )
        return inner
    if df is None:
        return []
    if not isinstance(df, int) or df < fewest:
        raise DataError(
            f"{function}() needs df to be a whole number from {fewest} on here, found {df!r}."
        )
    inside = x[(x >= bounds[0]) & (x <= bounds[1])]
    # Said before any array of that size is made: df may be a slip such as 40000.
    if df - fewest >= len(inside):
        raise DataError(
            f"{function}() can't place {df - fewest} knots among {len(inside)} values. Lower df."
        )
    between = np.linspace(0, 1, df - fewest + 2)[1:-1]
    placed = [float(knot) for knot in np.quantile(inside, between)]
    if any(not bounds[0] < knot < bounds[1] for knot in placed):
        raise DataError(
            f"{function}() can't place {len(placed)} knots at quantiles: too many values are the "
            "same. Lower df, or give knots=."
        )
    return placed


def b_splines(x: Vector, knots: Vector, degree: int, derivative: int = 0) -> Matrix:
    """Evaluate all B-splines on a knot vector, or their derivatives.

    Parameters
    ----------
    x : (n,) array
        Where; beyond the end knots the outermost pieces go on as polynomials.
    knots : (m,) array
        Non-decreasing, the end knots repeated ``degree + 1`` times.
    degree
        Degree of the pieces.
    derivative
        How many times to differentiate.

    Returns
    -------
    (n, m - degree - 1) array

    Notes
    -----
    The triangular scheme of de Boor (1978, A Practical Guide to Splines, X.(8)); a
    derivative is the difference quotient of splines of one degree less (X.(15)).
    """
    count = len(knots) - degree - 1
    if derivative:
        lower = b_splines(x, knots[1:-1], degree - 1, derivative - 1)
        span = knots[degree + 1 : -1] - knots[1 : -degree - 1]
        scaled = np.pad(lower * (degree / span), ((0, 0), (1, 1)))
        difference: Matrix = scaled[:, :-1] - scaled[:, 1:]
        return difference
    piece = np.clip(np.searchsorted(knots, x, side="right") - 1, degree, count - 1)
    local = np.zeros((len(x), degree + 1))
    local[:, 0] = 1.0
    for d in range(1, degree + 1):
        carried = np.zeros(len(x))
        for r in range(d):
            right, left = knots[piece + r + 1], knots[piece + r + 1 - d]
            share = local[:, r] / (right - left)
            local[:, r] = carried + (right - x) * share
            carried = (x - left) * share
        local[:, d] = carried
    basis = np.zeros((len(x), count))
    columns = piece[:, None] - degree + np.arange(degree + 1)
    np.put_along_axis(basis, columns, local, axis=1)
    return basis
