"""Priors as NumPyro has them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from partialpool.bayes.priors import Prior

__all__ = ["Law", "coefficient_prior", "law_of", "scale_distribution"]


@partial(jax.tree_util.register_dataclass, data_fields=["numbers"], meta_fields=["kind"])
@dataclass(frozen=True, slots=True)
class Law:
    """A prior whose kind shapes a program, and whose numbers are its input."""

    kind: str
    numbers: tuple[Any, ...]


def law_of(prior: Prior) -> Law:
    """Part a prior in kind and numbers.

    Examples
    --------
    >>> from partialpool.bayes.priors import LKJ
    >>> law_of(LKJ(2))
    Law(kind='lkj', numbers=(2.0,))
    """
    return Law(prior.name, tuple(float(x) for x in astuple(prior)))


def scale_distribution(law: Law) -> Any:
    """Return the distribution of a number that is positive, or between 1 and 2."""
    match law.kind, law.numbers:
        case "half_normal", (scale,):
            return dist.HalfNormal(scale)
        case "half_student_t", (df, scale):
            return dist.FoldedDistribution(dist.StudentT(df, 0.0, scale))
        case "half_cauchy", (scale,):
            return dist.HalfCauchy(scale)
        case "exponential", (rate,):
            return dist.Exponential(rate)
        case "gamma", (shape, rate):
            return dist.Gamma(shape, rate)
        case "inverse_gamma", (shape, scale):
            return dist.InverseGamma(shape, scale)
        case "log_normal", (mean, sd):
            return dist.LogNormal(mean, sd)
        case "uniform", (low, high):
            return dist.Uniform(low, high)
        case _:
            return dist.ImproperUniform(dist.constraints.positive, (), ())


def coefficient_prior(law: Law, value: Any) -> Any:
    """Log-density of a coefficient, 0 where the prior is flat."""
    match law.kind, law.numbers:
        case "normal", (mean, sd):
            return dist.Normal(mean, sd).log_prob(value)
        case "student_t", (df, mean, scale):
            return dist.StudentT(df, mean, scale).log_prob(value)
        case "cauchy", (location, scale):
            return dist.Cauchy(location, scale).log_prob(value)
        case "laplace", (location, scale):
            return dist.Laplace(location, scale).log_prob(value)
        case _:
            return jnp.zeros(())
