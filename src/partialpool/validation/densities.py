"""How probable held-out rows were: predictive densities of fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import Response
from partialpool.generalized import GlmmFit
from partialpool.solve.generalized import row_density
from partialpool.validation.refits import weights_for

__all__ = ["normal_log_density", "predictive_log_density"]

Vector = NDArray[np.float64]

_NODES = 31


def normal_log_density(y: Vector, mean: Vector, sd: Vector) -> Vector:
    """Log-density of a normal distribution.

    Examples
    --------
    >>> normal_log_density(np.zeros(1), np.zeros(1), np.ones(1)).round(4)
    array([-0.9189])
    """
    return np.asarray(-0.5 * np.log(2 * np.pi) - np.log(sd) - 0.5 * ((y - mean) / sd) ** 2)


def predictive_log_density(
    fit: Any,
    whole: Any,
    table: Any,
    rows: NDArray[Any] | None,
    y: Vector,
    given: dict[str, Any],
) -> Vector:
    """Log-density of held-out rows, averaged over the error of their linear predictor.

    Parameters
    ----------
    fit
        Fitted to other rows.
    whole
        The fit of all rows, which knows weights and trials of these.
    table, rows
        The held-out rows and their positions; None where weights aren't known.
    y : (m,) array
        Their response.
    given
        Arrays to be passed on.

    Returns
    -------
    (m,) array
        NaN for generalized models with more parts than a mean.
    """
    weights = None if rows is None else weights_for(whole, rows)
    if isinstance(fit, GlmmFit):
        return _generalized(fit, whole, table, rows, y, weights, given)
    found = fit.predict(table, new_levels="population", se=True, **given)
    mean, se = np.asarray(found["estimate"]), np.asarray(found["std_error"])
    noise = fit.sigma**2 if weights is None else fit.sigma**2 / np.maximum(weights, 1e-300)
    return normal_log_density(y, mean, np.sqrt(se**2 + noise))


def _generalized(
    fit: GlmmFit,
    whole: GlmmFit,
    table: Any,
    rows: NDArray[Any] | None,
    y: Vector,
    weights: Vector | None,
    given: dict[str, Any],
) -> Vector:
    if fit.parts != ("mean",) or (rows is None and fit.response.trials is not None):
        return np.full(len(y), np.nan)
    found = fit.predict(table, type="link", new_levels="population", se=True, **given)
    eta, se = np.asarray(found["estimate"]), np.asarray(found["std_error"])
    trials = _trials(whole, rows)
    own = None if whole.response.weights is None else weights
    counts = y if trials is None else np.round(y * trials, 9)
    held_out = Response(fit.response.text, counts, trials, weights=own)
    density = row_density(held_out, fit.family, "none")
    nodes, mass = np.polynomial.hermite_e.hermegauss(_NODES)
    at = np.stack(
        [
            density.evaluate([eta + se * node], 0, False)[0].reshape(len(y), -1)[:, 0]
            for node in nodes
        ]
    )
    top = at.max(axis=0)
    averaged = top + np.log((mass / mass.sum()) @ np.exp(at - top))
    # The core gives the constants of all rows as one sum, which is what scores need.
    return np.asarray(averaged + density.constant / len(y))


def _trials(whole: GlmmFit, rows: NDArray[Any] | None) -> Vector | None:
    if whole.response.trials is None or rows is None:
        return None
    kept = whole.design.rows.kept
    places = rows if kept is None else np.searchsorted(kept, rows)
    return np.ascontiguousarray(whole.response.trials[places])
