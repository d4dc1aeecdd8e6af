"""What a fit knows of each of its linear predictors: names, coefficients, natural scales."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError, NotAvailableError, did_you_mean
from partialpool.families.scales import scale_of
from partialpool.generalized.estimates import LinearPredictor, part_slice
from partialpool.named import NamedVector
from partialpool.results import VarCorr, relative_parameters, variance_components

if TYPE_CHECKING:
    from partialpool.generalized.estimated import EstimatedModel

__all__ = [
    "components_of",
    "constant_of",
    "covariance_of",
    "covariance_parameters",
    "fixed_effects_of",
    "predictor_of",
    "residual_deviation",
    "standard_errors_of",
    "with_constants",
]

Vector = NDArray[np.float64]


def predictor_of(fit: EstimatedModel, part: str) -> LinearPredictor:
    """Return one linear predictor: its design, coefficients and random effects.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    part
        ``"mean"``, ``"dispersion"`` or ``"zero_inflation"``.

    Raises
    ------
    ModelError
        If the model has no formula for the part.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> fit.predictor("mean").fixef.names
    ('Intercept', 'YEAR[T.96]', 'YEAR[T.97]')
    """
    if part not in fit.designs:
        raise ModelError(
            f"the model has no formula for {part!r}, but for {', '.join(fit.designs)}."
            f"{did_you_mean(str(part), fit.designs)}"
        )
    return LinearPredictor(part, fit.designs[part], fit.solution)


def fixed_effects_of(fit: EstimatedModel, part: str) -> NamedVector:
    """Return the coefficients of any part, on the scale of its linear predictor.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    part
        ``"mean"``, ``"dispersion"`` (log), ``"shape"``, ``"zero_inflation"`` (logit) or
        ``"thresholds"``.

    Raises
    ------
    ModelError
        If the model has no such part.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> phi = np.exp(fixed_effects_of(fit, "dispersion")["Intercept"])
    >>> bool(np.isclose(phi, fit.dispersion["phi"]))
    True
    """
    return NamedVector(_names(fit, part), fit.solution.beta[part])


def covariance_of(fit: EstimatedModel, part: str) -> Vector:
    """Return the covariance (p, p) of any part's coefficients; NaN for columns left out.

    From the second derivatives in all parameters, those of covariances and dispersion included:
    differences of the exact gradient. With ``method="joint"`` or ``"pql"`` and with
    ``reml=True`` that of the mean's is given the other parameters.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    part
        As for :func:`fixed_effects_of`.

    Raises
    ------
    ModelError
        If the model has no such part.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> fit.vcov_of("dispersion").shape
    (1, 1)
    """
    _names(fit, part)
    cut = part_slice(fit.solution, part)
    return fit.solution.vcov[cut, cut]


def standard_errors_of(fit: EstimatedModel, part: str) -> NamedVector:
    """Return the standard errors of any part's coefficients; see :func:`covariance_of`.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    part
        As for :func:`fixed_effects_of`.

    Raises
    ------
    ModelError
        If the model has no such part.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> fit.stderr_of("dispersion").names
    ('Intercept',)
    """
    return NamedVector(_names(fit, part), np.sqrt(np.diag(covariance_of(fit, part))))


def constant_of(fit: EstimatedModel, part: str) -> NamedVector:
    """Return a dispersion or shape on its natural scale, under its name in the variance.

    Empty if the family has none; NaN if a formula lets it vary from row to row.
    """
    if part not in fit.parts:
        return NamedVector((), np.empty(0))
    scale = scale_of(part, fit.family.name)
    eta = np.nan if part in fit.designs else float(fit.solution.beta[part][0])
    return NamedVector((scale.symbol,), np.array([scale.value(eta)]))


def residual_deviation(fit: EstimatedModel) -> float:
    """Return the residual standard deviation of a Gaussian family.

    Raises
    ------
    NotAvailableError
        If the family has none.
    """
    if fit.family.name != "gaussian":
        raise NotAvailableError(
            f"{fit.family.name} has no residual standard deviation. Its dispersion is "
            "fit.dispersion."
        )
    return float(fit.dispersion[0])


def components_of(fit: EstimatedModel, part: str) -> VarCorr:
    """Return standard deviations and correlations of a part's random effects.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    part
        As for :func:`predictor_of`.

    Raises
    ------
    ModelError
        If the model has no formula for the part.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="nbinom2")
    >>> fit.varcorr_of("mean")
    LOCATION  Intercept  sd ...
    """
    predictor = fit.predictor(part)
    own = fit.family.name == "gaussian" and part == "mean" and "dispersion" not in fit.designs
    sigma = fit.sigma if own else None
    return variance_components(predictor.design, predictor.solution, sigma)


def covariance_parameters(fit: EstimatedModel) -> NamedVector:
    """Return the covariance parameters of all parts, term by term, in lme4's order within one.

    Their names are ``"herd.Intercept"``, and ``"zero_inflation.Nest.Intercept"`` in other parts
    than the mean.
    """
    names: list[str] = []
    values: list[Vector] = []
    for p in fit.predictors:
        own, theta = relative_parameters(p.design, p.solution)
        names += [name if p.name == "mean" else f"{p.name}.{name}" for name in own]
        values.append(theta)
    return NamedVector(tuple(names), np.concatenate(values))


def with_constants(fit: EstimatedModel, eta: dict[str, Vector]) -> dict[str, Vector]:
    """Add to linear predictors on some rows those that have no formula, by part."""
    n = len(next(iter(eta.values())))
    constant = {
        part: beta if part == "thresholds" else np.full(n, beta[0])
        for part, beta in fit.solution.beta.items()
        if part not in fit.designs
    }
    return {part: (eta | constant)[part] for part in fit.parts if part in eta | constant}


def _names(fit: EstimatedModel, part: str) -> tuple[str, ...]:
    if part not in fit.parts:
        raise ModelError(
            f"the model has no part {part!r}, but {', '.join(fit.parts)}."
            f"{did_you_mean(str(part), fit.parts)}"
        )
    if part in fit.designs:
        return fit.designs[part].columns
    if part == "thresholds":
        levels = fit.response.levels or ()
        return tuple(f"{a}|{b}" for a, b in pairwise(levels))
    return ("Intercept",)
