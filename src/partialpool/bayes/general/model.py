"""One model function for every family: priors, linear predictors, likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from partialpool.bayes.assignment import Assigned
from partialpool.bayes.general.densities import log_density
from partialpool.bayes.general.layout import PartLayout, TermLayout
from partialpool.bayes.general.sites import coefficient_prior, scale_distribution
from partialpool.bayes.priors import LKJ

__all__ = ["Likelihood", "model"]


class Likelihood:
    """Names and numbers of the response."""

    def __init__(
        self, family: str, link: str, zero: str, y: Any, trials: Any, weights: Any
    ) -> None:
        self.family, self.link, self.zero = family, link, zero
        self.y, self.trials, self.weights = y, trials, weights


def model(
    layout: Mapping[str, PartLayout],
    scales: Mapping[str, tuple[str, Assigned]],
    likelihood: Likelihood,
) -> None:
    """State the model to NumPyro.

    Parameters
    ----------
    layout
        Linear predictors with a formula.
    scales
        Symbol and prior of those that are one number, by part.
    likelihood
        Of the response.
    """
    eta = {name: _predictor(name, part) for name, part in layout.items()}
    for part, (symbol, assigned) in scales.items():
        value = numpyro.sample(symbol, scale_distribution(assigned.prior))
        eta[part] = jnp.log(value) * jnp.ones(())
    rows = log_density(
        likelihood.family,
        likelihood.link,
        likelihood.zero,
        likelihood.y,
        likelihood.trials,
        likelihood.weights,
        eta,
    )
    numpyro.factor("likelihood", rows.sum())


def _predictor(name: str, part: PartLayout) -> Any:
    eta = part.start
    p, beta = part.Q.shape[1], part.origin
    if p:
        gamma = numpyro.sample(
            f"{name}.gamma", dist.ImproperUniform(dist.constraints.real, (), (p,))
        )
        beta = part.origin + part.map @ gamma
        numpyro.factor(f"{name}.prior", _fixed_prior(part, beta))
        eta = eta + part.Q @ gamma
    for t, term in enumerate(part.terms):
        eta = eta + _random(f"{name}.{t}", term, beta)
    return eta


def _fixed_prior(part: PartLayout, beta: Any) -> Any:
    total = jnp.zeros(())
    for i, assigned in enumerate(part.fixed):
        own = part.centred and i == 0
        total = total + coefficient_prior(assigned.prior, part.means @ beta if own else beta[i])
    return total


def _random(name: str, term: TermLayout, beta: Any) -> Any:
    """Z b: b itself, or b = D L z with z standard normal, where variances near zero do no harm."""
    scales = [
        numpyro.sample(f"{name}.sd.{i}", scale_distribution(a.prior))
        for i, a in enumerate(term.priors.scales)
    ]
    sd = jnp.stack(scales) if len(scales) == term.k else jnp.full(term.k, scales[0])
    sd = numpyro.deterministic(f"{name}.sd", sd)
    lower = numpyro.deterministic(f"{name}.lower", _lower(name, term))
    factor = sd[:, None] * lower
    if term.centred:
        mean = jnp.stack([beta[i] if i >= 0 else jnp.zeros(()) for i in term.shared])
        own = dist.MultivariateNormal(mean, scale_tril=factor).expand([term.levels]).to_event(1)
        b = numpyro.deterministic(f"{name}.b", numpyro.sample(f"{name}.sum", own) - mean)
    else:
        z = numpyro.sample(f"{name}.z", dist.Normal().expand([term.levels, term.k]).to_event(2))
        b = numpyro.deterministic(f"{name}.b", z @ factor.T)
    return (term.basis * b[term.codes]).sum(axis=1)


def _lower(name: str, term: TermLayout) -> Any:
    """Cholesky factor of the correlation matrix."""
    if term.priors.correlation is None:
        return jnp.eye(term.k)
    prior = term.priors.correlation.prior
    assert isinstance(prior, LKJ)
    if term.structure == "unstructured":
        return numpyro.sample(f"{name}.L", dist.LKJCholesky(term.k, prior.eta))
    serial = term.structure == "ar1"
    low = -1.0 if serial else -1.0 / (term.k - 1)
    place = numpyro.sample(f"{name}.rho", dist.Uniform(0.0, 1.0))
    rho = low + (1.0 - low) * place
    index = jnp.arange(term.k)
    lag = jnp.abs(index[:, None] - index[None, :])
    power = jnp.where(lag % 2 == 1, jnp.sign(rho), 1.0) * jnp.abs(rho) ** lag
    matrix = power if serial else jnp.where(lag == 0, 1.0, rho)
    lower = jnp.linalg.cholesky(matrix)
    log_det = 2.0 * jnp.log(jnp.diagonal(lower)).sum()
    numpyro.factor(f"{name}.corr", (prior.eta - 1.0) * log_det)
    return lower
