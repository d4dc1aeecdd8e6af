"""New rows whose fixed part the rows fitted leave open."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import PartialPoolWarning
from partialpool.inference.ddf import estimable
from partialpool.inference.protocol import Fit

__all__ = ["blank_undetermined"]

_SHOWN = 5


def blank_undetermined(
    fit: Fit, X: NDArray[np.float64], what: str = "fixed part", stacklevel: int = 2
) -> NDArray[np.float64]:
    """Make rows NaN that the columns which were left out of the fit would change.

    Parameters
    ----------
    fit
        One fitted linear predictor.
    X : (m, p) array
        Its columns on the rows to predict.
    what
        What it is called.
    stacklevel
        How many calls away the warning's line is.

    Warns
    -----
    PartialPoolWarning
        Naming rows and columns.
    """
    beta = fit.fixef
    if np.isfinite(beta.values).all():
        return X
    unknown = np.isfinite(X).all(axis=1) & ~estimable(fit, X).ok
    if not unknown.any():
        return X
    rows = np.flatnonzero(unknown)
    shown = ", ".join(map(str, rows[:_SHOWN])) + (", ..." if len(rows) > _SHOWN else "")
    left_out = [n for n, b in zip(beta.names, beta.values, strict=True) if np.isnan(b)]
    names = ", ".join(map(repr, left_out[:_SHOWN])) + (", ..." if len(left_out) > _SHOWN else "")
    warnings.warn(
        f"{len(rows)} row(s) are predicted as NaN: {shown}. Their {what} needs coefficients "
        f"that the rows fitted don't determine ({names} left out), as of a combination of levels "
        "that these never had.",
        PartialPoolWarning,
        stacklevel=stacklevel + 1,
    )
    return np.where(unknown[:, None], np.nan, X)
