"""Responses made of the model's own residuals and effects, drawn again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.fitted import linear_part, residuals
from partialpool.inference.protocol import GaussianFit

__all__ = ["resample_residuals"]

Array = NDArray[np.float64]


def resample_residuals(fit: GaussianFit, rng: np.random.Generator, nsim: int) -> Array:
    """Draw effects and residuals with replacement and add them to the fixed part.

    Estimated effects and residuals vary less than the true ones, so both are centred and
    inflated until their covariances are those that the fit estimated.

    Returns
    -------
    (n, nsim) array

    References
    ----------
    Carpenter, Goldstein & Rasbash (2003), Applied Statistics 52(4), section 3.2.
    """
    design, solution = fit.design, fit.solution
    n = len(design.y)
    eta = np.repeat(linear_part(design.X, fit.fixef.values, design.offset)[:, None], nsim, axis=1)
    for i, (effects, b) in enumerate(zip(design.random, solution.effects(design), strict=True)):
        factor = solution.sigma * solution.factor(i)
        inflated = inflate(b, factor @ factor.T)
        drawn = inflated[rng.integers(0, len(b), size=(len(b), nsim))]
        eta += np.einsum("ik,isk->is", effects.basis, drawn[effects.factor.codes])
    counted = np.ones(n, dtype=bool) if design.weights is None else design.weights > 0
    noise = inflate(residuals(fit, "pearson")[counted, None], np.array([[solution.sigma**2]]))
    drawn = np.zeros((n, nsim))
    drawn[counted] = noise[rng.integers(0, len(noise), size=(int(counted.sum()), nsim)), 0]
    if design.weights is not None:
        drawn[counted] /= np.sqrt(design.weights[counted])[:, None]
    return np.asarray(eta + drawn)


def inflate(values: Array, covariance: Array) -> Array:
    """Centre the rows of an array and give them a covariance.

    By symmetric roots; directions in which the rows don't vary stay at zero.
    """
    centred = values - values.mean(axis=0)
    found = centred.T @ centred / len(centred)
    return np.asarray(centred @ _root(found, inverse=True) @ _root(covariance))


def _root(covariance: Array, inverse: bool = False) -> Array:
    sizes, axes = np.linalg.eigh(covariance)
    kept = sizes > 1e-12 * max(sizes[-1], 0.0)
    powers = np.zeros_like(sizes)
    powers[kept] = sizes[kept] ** (-0.5 if inverse else 0.5)
    return np.asarray((axes * powers) @ axes.T)
