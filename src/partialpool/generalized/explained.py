"""Explained variance of generalized models, on the scale of the link."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from partialpool.errors import NotAvailableError
from partialpool.generalized.solving import solve_designs
from partialpool.inference import ExplainedVariance, shares_of, variance_shares

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["explained_variance"]

# Variance of the standard logistic, normal and Gumbel distributions behind the links.
_LATENT = {"logit": np.pi**2 / 3.0, "probit": 1.0, "cloglog": np.pi**2 / 6.0}


def explained_variance(fit: GlmmFit) -> ExplainedVariance:
    """Compute Nakagawa's R squared and the intraclass correlation of a generalized mixed model.

    The residual variance on the scale of the link is that of the latent variable for the links
    of proportions, and log(1 + v / mu^2) for the log link, with the variance v that the family
    gives the mean mu of the model without fixed effects.

    Raises
    ------
    NotAvailableError
        For other families and links, for which there is no agreed residual variance.

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
    table 1.
    """
    return shares_of(variance_shares(fit.predictor()), _residual(fit))


def _residual(fit: GlmmFit) -> float:
    family, link = fit.family.name, fit.family.link.name
    if family == "binomial" and link in _LATENT:
        return _LATENT[link]
    if link == "log" and family in ("poisson", "nbinom1", "nbinom2") and len(fit.designs) == 1:
        return _logarithmic(fit, family)
    raise NotAvailableError(
        f"there is no agreed residual variance for {family} with the {link} link, and so no R2. "
        "It exists for binomial models, and for Poisson and negative binomial models with a log "
        "link and without zero inflation."
    )


def _logarithmic(fit: GlmmFit, family: str) -> float:
    mu = float(np.exp(_null_intercept(fit)))
    if family == "poisson":
        return float(np.log1p(1.0 / mu))
    phi = float(fit.dispersion[0])
    return float(np.log1p((1.0 + phi) / mu if family == "nbinom1" else 1.0 / mu + 1.0 / phi))


def _null_intercept(fit: GlmmFit) -> float:
    """Intercept of the same model without fixed effects."""
    design = fit.design
    null = replace(design, X=np.ones((len(design.X), 1)), columns=("Intercept",))
    designs = {**fit.designs, "mean": null}
    found = solve_designs(designs, fit.response, fit.family, fit.solution.zero, fit.approximation)
    return float(found.beta["mean"][0])
