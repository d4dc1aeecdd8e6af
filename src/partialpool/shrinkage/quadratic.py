"""A quadratic penalty kappa ||u||^2 + main ||w||^2, as a diagonal beside the cross-products."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.layout import Layout

__all__ = ["deviations_only", "penalty_diagonal"]

Vector = NDArray[np.float64]


def penalty_diagonal(layout: Layout, kappa: float, main: Vector) -> Vector:
    """Multipliers of all coefficients' squares.

    Parameters
    ----------
    layout
        Order of the coefficients.
    kappa
        Multiplier of the deviations.
    main : (p,) array
        Multipliers of the shared coefficients.
    """
    out = np.full(layout.size, kappa)
    out[: layout.p] = main
    return out


def deviations_only(layout: Layout, theta: Vector) -> Vector:
    """The coefficients with zeros for the shared ones."""
    out = theta.copy()
    out[: layout.p] = 0.0
    return out
