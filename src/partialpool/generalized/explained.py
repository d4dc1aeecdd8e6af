"""Explained variance of generalized models, on the scale of the link."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, NotAvailableError
from partialpool.families import Family
from partialpool.generalized.solving import solve_designs
from partialpool.inference import ExplainedVariance, shares_of, variance_shares

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["ResidualVariance", "explained_variance"]

Array = NDArray[np.float64]
ResidualVariance: TypeAlias = Literal["lognormal", "delta", "trigamma"]
# Variance of the standard logistic, normal and Gumbel distributions behind the links.
_LATENT = {"logit": np.pi**2 / 3.0, "probit": 1.0, "cloglog": np.pi**2 / 6.0}


def explained_variance(fit: GlmmFit, residual: ResidualVariance = "lognormal") -> ExplainedVariance:
    """Compute Nakagawa's R squared and the intraclass correlation of a generalized mixed model.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    residual
        The variance of a row on the scale of the link, from the family's variance v at the mean mu
        of the model without fixed effects (with each row's offset, dispersion and zero inflation,
        averaged over rows). ``"lognormal"``: log(1 + v / mu^2) for the log link; the latent
        variable's variance for binomial and ordinal models (pi^2 / 3 for logit, 1 for probit,
        pi^2 / 6 for cloglog); v times the squared slope of the link for others. ``"delta"``: v
        times the squared slope of the link for all (one trial of a binomial model).
        ``"trigamma"``: psi'(mu^2 / v) for the log link of Poisson, negative binomial and gamma
        models.

    Raises
    ------
    DataError
        If there is no such residual variance.
    NotAvailableError
        For families without a variance, and beta-binomial ones, for whose rows no residual
        variance on the link's scale is agreed on.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> round(explained_variance(fit).r2_marginal, 3)
    0.085

    References
    ----------
    Nakagawa, Johnson & Schielzeth (2017), Journal of the Royal Society Interface 14: 20170213,
    table 1 and section 3.
    """
    if residual not in ("lognormal", "delta", "trigamma"):
        raise DataError(f"residual must be 'lognormal', 'delta' or 'trigamma', found {residual!r}.")
    return shares_of(variance_shares(fit.predictor()), _residual(fit, residual))


def _residual(fit: GlmmFit, kind: ResidualVariance) -> float:
    family, link = fit.family.name, fit.family.link.name
    latent = family == "ordinal" or (family == "binomial" and kind == "lognormal")
    if latent and kind != "trigamma" and link in _LATENT:
        return _LATENT[link]
    if family in ("ordinal", "betabinomial") or isinstance(fit.family, Family):
        raise NotAvailableError(
            f"there is no agreed residual variance for {family} with the {link} link"
            f"{'' if kind == 'lognormal' else f' by {kind!r}'}, and so no R2. The shares of the "
            "random effects alone are fit.varcorr."
        )
    mu, slope, variance = _moments(fit)
    if kind == "trigamma":
        value = _trigamma(family, link, mu**2 / variance)
    elif link == "log" and kind == "lognormal":
        value = np.log1p(variance / mu**2)
    else:
        value = variance * slope**2
    used = fit.response.counted
    found = float(np.mean(value[used]))
    if not np.isfinite(found):
        raise NotAvailableError(
            f"the {family} distribution that was fitted has no finite variance, and so no R2."
        )
    return found


def _trigamma(family: str, link: str, size: Array) -> Array:
    from scipy.special import polygamma  # a tenth of a second, only here

    if link != "log" or family not in ("poisson", "nbinom1", "nbinom2", "gamma"):
        raise NotAvailableError(
            "residual='trigamma' is for the log link of Poisson, negative binomial and gamma "
            f"models, found {family} with the {link} link. Take 'lognormal' or 'delta'."
        )
    return np.asarray(polygamma(1, size), dtype=np.float64)


def _moments(fit: GlmmFit) -> tuple[Array, Array, Array]:
    """Mean, slope of the link and variance of every row without fixed effects (n,)."""
    offset = fit.design.offset
    mean = np.full(len(fit.response.values), _null_intercept(fit))
    eta = {**fit.eta, "mean": mean if offset is None else mean + offset}
    zero = fit.solution.zero
    mu = fit.family.mean(eta, zero)
    slope = 1.0 / fit.family.link.slope(eta["mean"])
    return mu, slope, fit.family.variance(eta, zero)


def _null_intercept(fit: GlmmFit) -> float:
    """Intercept of the same model without fixed effects."""
    design = fit.design
    null = replace(design, X=np.ones((len(design.X), 1)), columns=("Intercept",))
    designs = {**fit.designs, "mean": null}
    found = solve_designs(designs, fit.response, fit.family, fit.solution.zero, fit.approximation)
    return float(found.beta["mean"][0])
