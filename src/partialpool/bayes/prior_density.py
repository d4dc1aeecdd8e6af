"""Log-densities of the priors at every draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.densities import log_prior_density
from partialpool.bayes.priors import LKJ, Constant, Flat, Prior
from partialpool.bayes.statement import Statement

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["has_flat", "log_priors"]

Array = NDArray[np.float64]


def has_flat(stated: Statement) -> bool:
    """Whether a prior is flat, so that nothing can be drawn from the priors."""
    return any(isinstance(a.prior, Flat) for a in stated.priors.everything())


def log_priors(fit: BayesFit) -> dict[str, Array]:
    """Log-density of every parameter's prior at the draws, (C, D) each.

    Those of correlations are up to a constant; flat priors and known numbers are left out.
    """
    out: dict[str, Array] = {}
    values = fit.parameters
    for part, design in fit.designs.items():
        priors, own = fit.statement.priors.parts[part], fit.draws.parts[part]
        kept = fit.statement.kept[part]
        for place, assigned in enumerate(priors.fixed):
            at = own.fixef[:, :, kept[place]]
            if place == 0 and priors.centred:
                at = own.fixef[:, :, kept] @ design.X[:, kept].mean(axis=0)
            _add(out, assigned.parameter, assigned.prior, at)
        for term, corr in zip(priors.terms, own.corr, strict=True):
            for assigned in term.scales:
                _add(out, assigned.parameter, assigned.prior, values[assigned.parameter])
            if term.correlation is not None:
                assert isinstance(term.correlation.prior, LKJ)
                log_det = np.linalg.slogdet(corr)[1]
                name = term.correlation.parameter
                density = (term.correlation.prior.eta - 1.0) * log_det
                # Two terms of one factor share the name of their correlations.
                out[name] = out.get(name, 0.0) + density
    centre = _centre(fit)
    for assigned in fit.statement.priors.thresholds:
        # The priors hold at the columns' means.
        _add(out, assigned.parameter, assigned.prior, values[assigned.parameter] - centre)
    for symbol, assigned in fit.statement.priors.scales.items():
        _add(out, symbol, assigned.prior, values[symbol])
    return out


def _centre(fit: BayesFit) -> Array:
    kept = fit.statement.kept["mean"]
    beta = fit.draws.parts["mean"].fixef[:, :, kept]
    return np.asarray(beta @ fit.design.X[:, kept].mean(axis=0))


def _add(out: dict[str, Array], name: str, prior: Prior, at: Array) -> None:
    if not isinstance(prior, (Flat, Constant)):
        out[name] = log_prior_density(prior, at)
