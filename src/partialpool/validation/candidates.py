"""Models of every kind, seen as something that is fitted to some rows and predicts others."""

from __future__ import annotations

from typing import Any

from partialpool.errors import ModelError
from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit
from partialpool.validation.estimators import estimator_candidate
from partialpool.validation.fits import FitCandidate, refuse_categories
from partialpool.validation.functions import function_candidate
from partialpool.validation.kinds import Candidate

__all__ = ["candidate"]


def candidate(model: Any, data: Any, groups: str | None, response: str | None) -> Candidate:
    """See a model as a candidate.

    Parameters
    ----------
    model
        A fit, a scikit-learn estimator, or a callable from a table to a fit.
    data
        The table.
    groups
        The column of groups, if it is one.
    response
        The column of the response; needed for estimators.

    Raises
    ------
    DataError
        If the table isn't that of the fit, or the response isn't named.
    ModelError
        If it is no model.
    NotAvailableError
        If its response has several columns: an ordinal model.
    """
    if isinstance(model, LmmFit | GlmmFit):
        refuse_categories(model)
        return FitCandidate(model, data)
    if hasattr(model, "get_params") and hasattr(model, "fit"):
        return estimator_candidate(model, data, groups, response)
    if callable(model) and not isinstance(model, type):
        return function_candidate(model, data, response)
    raise ModelError(
        f"a model must be a fit, a scikit-learn estimator or a function from a table to a fit, "
        f"found {type(model).__name__}."
    )
