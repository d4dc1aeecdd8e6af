"""The log-density of the rows, in the order in which the core wants them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partialpool.core import Density
from partialpool.families import Family, Response, ResponseFamily, Zero

__all__ = ["density_maker", "merges", "row_constants", "row_density", "take", "threshold_columns"]

Vector = NDArray[np.float64]
Positions = NDArray[np.int64]
Made = tuple[Density, float]
_LARGE = 1000.0


def merges(response: Response, family: ResponseFamily, zero: Zero) -> bool:
    """Whether rows that differ in nothing but the response may be added up."""
    if isinstance(family, Family):
        return False
    if family.core_name(zero) == "poisson":
        # Of large counts the core writes each row's distance from the best fit.
        return bool(response.values.max(initial=0.0) < _LARGE)
    return family.core_name(zero) == "binomial"


def take(response: Response, rows: NDArray[np.intp] | None) -> Response:
    """Pick rows of a response."""
    if rows is None:
        return response
    return Response(
        response.text,
        response.values[rows],
        _pick(response.trials, rows),
        response.levels,
        _pick(response.weights, rows),
        rows if response.rows is None else response.rows[rows],
        response.advice,
    )


def row_density(response: Response, family: ResponseFamily, zero: Zero) -> Density:
    """Return the log-density of a response's rows, of the core's or of a user's family."""
    if isinstance(family, Family):
        return Density(family.density(response), len(response.values), len(family.parts()))
    name, link = family.core_name(zero), family.link.name
    return Density(name, link, response.values, response.trials, response.weights)


def row_constants(response: Response, family: ResponseFamily, zero: Zero) -> Vector:
    """Return what a density's ``constant`` sums: by row what no linear predictor enters."""
    kinds = [x for x in (response.values, response.trials, response.weights) if x is not None]
    _, first, kind = np.unique(np.stack(kinds), axis=1, return_index=True, return_inverse=True)
    alone = (take(response, first[[i]]) for i in range(len(first)))
    return np.array([row_density(one, family, zero).constant for one in alone])[kind]


def density_maker(
    response: Response, family: ResponseFamily, zero: Zero
) -> Callable[[Positions, Positions], Made]:
    """Return what the core calls to have the density of its rows.

    The function takes the order of the rows and where each group of equal ones starts; it
    returns the density of the groups and what that leaves out of the log-likelihood.
    """

    def make(order: Positions, start: Positions) -> Made:
        rows = take(response, order)
        density = row_density(rows, family, zero)
        constant = density.constant
        if len(start) < len(order):
            density = _merged(family, zero, rows, start)
        return density, constant

    return make


def _merged(family: ResponseFamily, zero: Zero, rows: Response, start: Positions) -> Density:
    weights = np.ones(len(rows.values)) if rows.weights is None else rows.weights
    total = np.add.reduceat(weights * rows.values, start)
    if family.core_name(zero) == "binomial":
        trials = weights if rows.trials is None else weights * rows.trials
        return Density("binomial", family.link.name, total, np.add.reduceat(trials, start), None)
    # Poisson: w (y eta - mu) summed is W (mean eta - mu).
    share = np.add.reduceat(weights, start)
    return Density("poisson", family.link.name, total / share, None, share)


def threshold_columns(response: Response) -> tuple[Vector, Vector]:
    """Columns of the upper and of the lower threshold of each row's category (n, K - 1)."""
    n, K = len(response.values), len(response.levels or ())
    category = response.values.astype(np.intp)
    indicator = np.zeros((n, K + 1))
    rows = np.arange(n)
    indicator[rows, category] = 1.0
    upper = indicator[:, : K - 1]
    indicator = np.zeros((n, K + 1))
    indicator[rows, category] = 1.0
    lower = indicator[:, 1:K]
    return upper, lower


def _pick(values: Vector | None, rows: NDArray[np.intp]) -> Vector | None:
    return None if values is None else values[rows]
