"""Where a search starts, and in which unit it measures linear predictors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedProblem, vector
from partialpool.errors import ModelError
from partialpool.families import Ordinal, Response, ResponseFamily, Zero
from partialpool.solve.generalized.layout import Layout, Part

__all__ = ["link_unit", "start"]

Vector = NDArray[np.float64]

# Links whose linear predictors have no unit: a difference of one is moderate.
_FREE_OF_UNITS = ("log", "logit", "probit", "cloglog")


def link_unit(family: ResponseFamily, response: Response) -> float:
    """Return the response's spread on the scale of the mean's linear predictor.

    Nothing in a search may depend on the response's units, and with the identity link the
    linear predictor has the same.

    Examples
    --------
    >>> from partialpool.families import Gaussian
    >>> link_unit(Gaussian(), Response("y", np.array([1e5, 3e5])))
    100000.0
    """
    if family.link.name in _FREE_OF_UNITS or not response.counted.any():
        return 1.0
    y = response.proportions[response.counted]
    weights = None if response.weights is None else response.weights[response.counted]
    mean = float(np.average(y, weights=weights))
    deviation = float(np.sqrt(np.average((y - mean) ** 2, weights=weights)))
    # Where a mean is all but zero its inverse says nothing about the others.
    eta = family.link(max(abs(mean), deviation))
    with np.errstate(all="ignore"):
        unit = deviation / abs(float(family.link.slope(np.asarray(eta, dtype=np.float64))))
    return unit if np.isfinite(unit) and unit > 0.0 else 1.0


def start(
    layout: Layout,
    response: Response,
    family: ResponseFamily,
    zero: Zero,
    problem: GeneralizedProblem,
) -> list[Vector]:
    """Return coefficients to start from: constant linear predictors as the family has them.

    Raises
    ------
    ModelError
        If no coefficients keep the mean of every row in the family's range.
    """
    constants = family.start(response.values, response.trials, response.weights, zero)
    out = []
    for group, part in enumerate(layout.parts):
        beta = _constant(layout, part, constants.get(part.name, 0.0))[problem.kept(group)]
        if part.name == "mean":
            X = layout.rows(part.X)[:, problem.kept(group)]
            beta = _inside(layout, X, beta, constants.get("mean", 0.0), family)
        out.append(vector(beta))
    if isinstance(family, Ordinal):
        K = len(response.levels or ())
        out.append(vector(family.start_thresholds(response.values, K, response.weights)))
    return out


def _constant(layout: Layout, part: Part, value: float) -> Vector:
    beta = np.zeros(part.X.shape[1])
    if "Intercept" in part.columns:
        offset = 0.0 if part.offset is None else float(layout.rows(part.offset).mean())
        beta[part.columns.index("Intercept")] = value - offset
    return beta


def _inside(
    layout: Layout, X: Vector, beta: Vector, value: float, family: ResponseFamily
) -> Vector:
    """Move coefficients to where the mean of every row is in the family's range."""
    low, high = family.eta_range
    limited = np.isfinite(low) or np.isfinite(high)
    if family.link.name == "inverse" and not limited:
        # On one side of the pole; where columns don't allow that, anywhere but on it.
        low, high = (0.0, np.inf) if value > 0.0 else (-np.inf, 0.0)
    elif not limited:
        return beta
    given = layout.parts[0].offset
    offset = np.zeros(len(X)) if given is None else np.asarray(layout.rows(given), dtype=np.float64)

    def good(beta: Vector) -> bool:
        eta = X @ beta + offset
        return bool(((eta > low) & (eta < high)).all())

    if good(beta):
        return beta
    if X.shape[1]:
        beta = np.asarray(np.linalg.lstsq(X, value - offset, rcond=None)[0], dtype=np.float64)
        if good(beta) or not limited:
            return beta
        beta = _innermost(X, offset, low, high, value)
    if good(beta) or not limited:
        return beta
    raise ModelError(
        f"no coefficients keep the mean of every row in the range of the {family.name} family with "
        f"the {family.link.name} link, where the linear predictor lies between {low:g} and "
        f"{high:g}. Add an intercept, look at the offset, or use the link "
        f"{family.links[0]!r}."
    )


def _innermost(X: Vector, offset: Vector, low: float, high: float, value: float) -> Vector:
    """Find by a linear program the coefficients that stay furthest from the ends."""
    from scipy.optimize import linprog

    scale = np.abs(X).max(axis=0)
    scaled = X / np.where(scale > 0.0, scale, 1.0)
    rows, limits = [], []
    for sign, end in ((-1.0, low), (1.0, high)):
        if np.isfinite(end):
            rows.append(np.column_stack([sign * scaled, np.ones(len(X))]))
            limits.append(sign * (end - offset))
    most = min(abs(value - end) for end in (low, high) if np.isfinite(end))
    found = linprog(
        np.r_[np.zeros(X.shape[1]), -1.0],
        A_ub=np.vstack(rows),
        b_ub=np.concatenate(limits),
        bounds=[(None, None)] * X.shape[1] + [(None, most or 1.0)],
    )
    if found.x is None:
        return np.zeros(X.shape[1])
    return np.asarray(found.x[:-1] / np.where(scale > 0.0, scale, 1.0), dtype=np.float64)
