"""Priors as NumPyro has them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpyro.distributions as dist

from partialpool.bayes import priors as p

__all__ = ["coefficient_prior", "scale_distribution"]


def scale_distribution(prior: p.Prior) -> Any:
    """Return the distribution of a positive number."""
    match prior:
        case p.HalfNormal():
            return dist.HalfNormal(prior.scale)
        case p.HalfStudentT():
            return dist.FoldedDistribution(dist.StudentT(prior.df, 0.0, prior.scale))
        case p.HalfCauchy():
            return dist.HalfCauchy(prior.scale)
        case p.Exponential():
            return dist.Exponential(prior.rate)
        case p.Gamma():
            return dist.Gamma(prior.shape, prior.rate)
        case p.InverseGamma():
            return dist.InverseGamma(prior.shape, prior.scale)
        case p.LogNormal():
            return dist.LogNormal(prior.mean, prior.sd)
        case _:
            return dist.ImproperUniform(dist.constraints.positive, (), ())


def coefficient_prior(prior: p.Prior, value: Any) -> Any:
    """Log-density of a coefficient, 0 where the prior is flat."""
    match prior:
        case p.Normal():
            return dist.Normal(prior.mean, prior.sd).log_prob(value)
        case p.StudentT():
            return dist.StudentT(prior.df, prior.mean, prior.scale).log_prob(value)
        case _:
            return jnp.zeros(())
