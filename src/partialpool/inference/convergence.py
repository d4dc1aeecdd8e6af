"""Tests and intervals of a fit that is no optimum."""

from __future__ import annotations

import warnings

from partialpool.errors import ConvergenceWarning
from partialpool.inference.protocol import SearchedFit

__all__ = ["warn_unless_converged"]


def warn_unless_converged(fit: SearchedFit, what: str) -> None:
    """Warn that a result is not that of the model, since its search ended at no optimum.

    Parameters
    ----------
    fit
        A fitted model.
    what
        What is computed, in the plural.
    """
    if fit.converged:
        return
    warnings.warn(
        f"the search for this fit ended at no optimum, so that its {what} are not those of the "
        "model; the fit's summary says more.",
        ConvergenceWarning,
        stacklevel=3,
    )
