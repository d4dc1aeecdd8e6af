"""Combinations of coefficients when some columns were left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.protocol import Fit, WaldFit

__all__ = ["Estimable", "estimable"]

Matrix = NDArray[np.float64]
# Rounding of a combination of columns, relative to its size.
_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Estimable:
    """Combinations of the estimated coefficients.

    Attributes
    ----------
    L : (m, r) array
        On the estimated coefficients only.
    ok : (m,) array of bool
        Whether the data determine the combination.
    """

    L: Matrix
    ok: NDArray[np.bool_]


def estimable(fit: Fit | WaldFit, L: Matrix) -> Estimable:
    """Write combinations of all coefficients (m, p) as ones of the estimated.

    A column that others determine adds to a combination what these others do; a combination
    that treats it otherwise isn't determined by the data.
    """
    kept = np.isfinite(fit.fixef.values)
    if kept.all():
        return Estimable(L, np.ones(len(L), dtype=bool))
    X, weights = fit.design.X, fit.design.weights
    if weights is not None:
        X = X[weights > 0]
    solved = np.linalg.lstsq(X[:, kept], X[:, ~kept], rcond=None)[0]
    implied = L[:, kept] @ solved
    size = np.maximum(np.abs(L).max(axis=1, initial=0.0), 1e-300)[:, None]
    # A column that the others determine nearly, but for its last digits, is left out as well.
    misfit = np.abs(X[:, kept] @ solved - X[:, ~kept]).max(axis=0, initial=0.0)
    share = misfit / np.maximum(np.abs(X[:, ~kept]).max(axis=0, initial=0.0), 1e-300)
    near = np.maximum(_ROUNDING, 10.0 * np.minimum(share, 1e-4))
    ok = np.all(np.abs(implied - L[:, ~kept]) <= near * size * (1 + np.abs(implied)), axis=1)
    return Estimable(L[:, kept], ok)
