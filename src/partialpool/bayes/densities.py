"""Densities at one value: of priors exactly, of posteriors as well as the draws allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.conditionals import conditionals
from partialpool.bayes.priors import (
    Cauchy,
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Laplace,
    LogNormal,
    Normal,
    Prior,
    StudentT,
    Uniform,
)

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = [
    "conditional_density",
    "kernel_density",
    "log_prior_density",
    "prior_density",
    "tail_bound",
]

Array = NDArray[np.float64]


def prior_density(prior: Prior, x: float) -> float:
    """Density of a proper prior at x."""
    return float(np.exp(log_prior_density(prior, np.asarray(x))))


def log_prior_density(prior: Prior, x: Array) -> Array:
    """Log-density of a proper prior at every x."""
    with np.errstate(divide="ignore"):
        return np.asarray(_distribution(prior).logpdf(x))


def _distribution(prior: Prior) -> Any:
    from scipy import stats

    match prior:
        case Normal():
            return stats.norm(prior.mean, prior.sd)
        case StudentT():
            return stats.t(prior.df, prior.mean, prior.scale)
        case Cauchy():
            return stats.cauchy(prior.location, prior.scale)
        case Laplace():
            return stats.laplace(prior.location, prior.scale)
        case HalfNormal():
            return stats.halfnorm(scale=prior.scale)
        case HalfStudentT():
            return _HalfT(prior)
        case HalfCauchy():
            return stats.halfcauchy(scale=prior.scale)
        case Exponential():
            return stats.expon(scale=1 / prior.rate)
        case Gamma():
            return stats.gamma(prior.shape, scale=1 / prior.rate)
        case InverseGamma():
            return stats.invgamma(prior.shape, scale=prior.scale)
        case LogNormal():
            return stats.lognorm(prior.sd, scale=np.exp(prior.mean))
        case Uniform():
            return stats.uniform(prior.low, prior.high - prior.low)
    raise TypeError(f"{prior} has no density of one number")


class _HalfT:
    """The half of Student's t distribution, which SciPy lacks."""

    def __init__(self, prior: HalfStudentT) -> None:
        self.prior = prior

    def logpdf(self, x: Array) -> Array:
        from scipy import stats

        inside = np.log(2.0) + stats.t.logpdf(x, self.prior.df, scale=self.prior.scale)
        return np.where(x >= 0, inside, -np.inf)


def kernel_density(draws: Array, x: float, positive: bool = False) -> float:
    """Estimate a density from draws, with a width that heavy tails don't spoil.

    Of positive numbers what the kernel puts below zero is reflected.

    References
    ----------
    Silverman (1986), Density Estimation, equation 3.31.
    """
    width = _width(draws)

    def smooth(at: float) -> float:
        return float(np.exp(-0.5 * ((at - draws) / width) ** 2).mean())

    total = smooth(x) + (smooth(-x) if positive else 0.0)
    return total / float(width * np.sqrt(2 * np.pi))


def _width(draws: Array) -> float:
    low, high = np.quantile(draws, [0.25, 0.75])
    spread = min(float(draws.std()), float(high - low) / 1.349) or float(draws.std())
    return float(0.9 * spread * len(draws) ** -0.2)


def tail_bound(draws: Array, x: float, positive: bool = False) -> float | None:
    """Bound the density at a value that too few draws lie beyond; None if there are enough.

    A density that falls towards x is at x at most the share of draws beyond q over |x - q|,
    for every q between the bulk and x.
    """
    above = int((draws > x).sum())
    if min(above, len(draws) - above) >= 10:
        return None
    if positive and (np.abs(draws - x) < _width(draws)).sum() >= 10:
        return None
    distance = np.sort(np.abs(draws - x))
    counts = np.arange(10, max(len(draws) // 4, 11))
    counts = counts[counts < len(draws)]
    return float(((counts + 1) / len(draws) / distance[counts]).min())


def conditional_density(fit: BayesFit, weights: Array, x: float) -> float:
    """Density of weights'beta at x, averaged over draws of the covariance.

    Given standard deviations, correlations and sigma the coefficients of a Gaussian model are
    normal, so that the average is right where no draw lies.

    Parameters
    ----------
    fit
        By the marginal engine.
    weights
        Of every kept coefficient.
    x
        Where.

    References
    ----------
    Gelfand & Smith (1990), Journal of the American Statistical Association 85, 398-409.
    """
    from scipy.special import logsumexp

    logs = []
    for precision, score in conditionals(fit):
        sides = np.stack([np.broadcast_to(weights, score.shape), score], axis=2)
        found = np.linalg.solve(precision, sides)
        variance, mean = (found[:, :, i] @ weights for i in (0, 1))
        logs.append(-0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance))
    every = np.concatenate(logs)
    return float(np.exp(logsumexp(every) - np.log(len(every))))
