"""Linear predictors, fitted means and residuals of the rows a model was fitted to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError
from partialpool.families import Ordinal
from partialpool.generalized.deviance import unit_deviances

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["Residual", "fitted_means", "outcomes", "pearson_or_nan", "residuals"]

Residual = Literal["response", "pearson", "deviance", "working"]
Vector = NDArray[np.float64]


def fitted_means(fit: GlmmFit) -> Vector:
    """Compute the mean of every row (n,): of families with trials, of the proportion.

    Zero inflation is part of the mean. Of an ordinal response it is the mean of the categories
    where these are numbers, else of their positions, counted from 1.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> fitted_means(fit).shape
    (403,)
    """
    if isinstance(fit.family, Ordinal):
        return np.asarray(fit.family.probabilities(fit.eta) @ fit.response.scores)
    return fit.family.mean(fit.eta, fit.solution.zero)


def outcomes(fit: GlmmFit) -> Vector:
    """Return what the fitted means are means of: proportions where there are trials."""
    if isinstance(fit.family, Ordinal):
        return np.asarray(fit.response.scores[fit.response.values.astype(np.intp)])
    return fit.response.proportions


def _variance(fit: GlmmFit) -> Vector:
    """Compute the variance that the family gives every row's outcome (n,)."""
    eta = fit.eta
    if isinstance(fit.family, Ordinal):
        chances, scores = fit.family.probabilities(eta), fit.response.scores
        distances = scores - (chances @ scores)[:, np.newaxis]
        return np.asarray(np.sum(chances * distances**2, axis=1))
    trials = fit.response.trials if fit.family.has_trials else None
    return fit.family.variance(eta, fit.solution.zero, _some(trials))


def residuals(fit: GlmmFit, kind: Residual = "pearson") -> Vector:
    """Compute the residuals of every row (n,).

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    kind
        ``"response"``: response (proportion, where there are trials) less fitted mean;
        ``"pearson"``: that over the standard deviation that the family gives the row;
        ``"deviance"``: signed root of the row's part of the deviance; ``"working"``: response
        residual over the derivative of the mean in its linear predictor.

    Raises
    ------
    DataError
        If the kind is unknown.
    NotAvailableError
        If the family has no deviance.

    Examples
    --------
    >>> import partialpool as pp
    >>> cbpp = pp.load_dataset("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pp.glmm(formula, cbpp, family="binomial")
    >>> residuals(fit, "response")[:2].round(3)
    array([-0.165,  0.108])
    """
    kinds = get_args(Residual)
    if kind not in kinds:
        raise DataError(f"kind must be one of {', '.join(map(repr, kinds))}, found {kind!r}.")
    raw = outcomes(fit) - fitted_means(fit)
    if kind == "response":
        return raw
    # At the end of its range a mean has no variance and no slope: there a residual is zero or
    # infinite, and neither is worth a warning.
    with np.errstate(all="ignore"):
        found = _scaled(fit, kind, raw)
    return np.where(raw == 0.0, 0.0, found)


def _scaled(fit: GlmmFit, kind: Residual, raw: Vector) -> Vector:
    eta, response = fit.eta, fit.response
    if kind == "working":
        return np.asarray(raw / fit.family.link.slope(eta["mean"]))
    weights = 1.0 if response.weights is None else response.weights
    if kind == "deviance":
        deviances = unit_deviances(fit.family, response, eta, fit.solution.zero)
        return np.asarray(np.sign(raw) * np.sqrt(np.maximum(weights * deviances, 0.0)))
    # A row of no trials has no variance to be divided by, and says nothing.
    variance = np.where(response.counted, _variance(fit), 1.0)
    return np.asarray(raw * np.sqrt(weights / variance))


def pearson_or_nan(fit: GlmmFit) -> Vector:
    """Compute Pearson residuals, NaN where a family of the user's own has no variance."""
    try:
        return residuals(fit, "pearson")
    except NotAvailableError:
        return np.full(len(fit.response.values), np.nan)


def _some(trials: Vector | None) -> Vector | None:
    return None if trials is None else np.maximum(trials, 1e-300)
