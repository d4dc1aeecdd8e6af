"""Mean and variance of predictions, given the covariance parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.fitted import linear_part
from partialpool.inference.protocol import Fit, GaussianFit
from partialpool.inference.rows import PlacedRows, core_rows

__all__ = ["mean_of", "variance_forms"]


def mean_of(fit: Fit, placed: PlacedRows) -> NDArray[np.float64]:
    """X beta + Z b + offset; effects of new levels are zero."""
    rows = placed.rows
    eta = linear_part(rows.X, fit.fixef.values, rows.offset)
    if not placed.effects:
        return eta
    b = fit.solution.effects(fit.design)
    for i, new in placed.effects.items():
        known = np.where(new.codes[:, None] < 0, 0.0, b[i][new.codes])
        eta = eta + np.einsum("ij,ij->i", new.basis, known)
    return eta


def variance_forms(fit: GaussianFit, placed: PlacedRows) -> NDArray[np.float64]:
    """Variance over sigma^2 of every row's error, given the covariance parameters."""
    solution, rows = fit.solution, placed.rows
    blocks = core_rows(solution, fit.design, rows.n, placed.effects)
    forms = solution.quadratic_forms(rows.X, blocks)
    for i, new in placed.effects.items():
        unseen = new.codes < 0
        if unseen.any():
            z = new.basis[unseen] @ solution.factor(i)
            forms[unseen] += np.einsum("ij,ij->i", z, z)
    return forms
