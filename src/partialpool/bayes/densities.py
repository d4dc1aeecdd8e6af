"""Densities at one value: of priors exactly, of posteriors as well as the draws allow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.priors import (
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
    Normal,
    Prior,
    StudentT,
    Uniform,
)
from partialpool.design import Design

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
# Draws of the covariance over which conditional densities are averaged, with random effects.
_MOST = 2000
# Random effects up to which dense algebra is faster than sparse.
_DENSE = 200


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
    for precision, score in _conditionals(fit):
        found = np.linalg.solve(precision, np.stack([weights, score], axis=1))
        mean, variance = float(weights @ found[:, 1]), float(weights @ found[:, 0])
        logs.append(-0.5 * (np.log(2 * np.pi * variance) + (x - mean) ** 2 / variance))
    return float(np.exp(logsumexp(logs) - np.log(len(logs))))


def _conditionals(fit: BayesFit) -> Iterator[tuple[Array, Array]]:
    """Precision and precision times mean of the coefficients, draw by draw."""
    design, own = fit.design, fit.draws.parts["mean"]
    kept = fit.statement.kept["mean"]
    w = np.ones(len(design.y)) if design.weights is None else np.asarray(design.weights)
    y = design.y if design.offset is None else design.y - design.offset
    XY = np.column_stack([design.X[:, kept], np.where(w > 0, y, 0.0)])
    Z = _columns(design)
    WXY = w[:, None] * XY
    A, B, C = XY.T @ WXY, Z.T @ WXY, (Z.T @ Z.multiply(w[:, None])).tocsc()
    prior, pull = _prior(fit)
    size = fit.draws.chains * fit.draws.draws
    sigma = fit.draws.scales["sigma"].ravel()
    sd = [x.reshape(size, -1) for x in own.sd]
    corr = [x.reshape(size, *x.shape[2:]) for x in own.corr]
    used = min(size, _MOST) if design.random else size
    for s in np.unique(np.linspace(0, size - 1, used).astype(int)):
        factors = [a[s][:, None] * np.linalg.cholesky(r[s]) for a, r in zip(sd, corr, strict=True)]
        found = (A - _absorbed(design, B, C, factors, sigma[s])) / sigma[s] ** 2
        yield found[:-1, :-1] + prior, found[:-1, -1] + pull


def _columns(design: Design) -> Any:
    """Columns of all random effects, sparse: by term, level, and effect within a level."""
    from scipy import sparse

    n, blocks = len(design.y), []
    for effects in design.random:
        k = len(effects.columns)
        at = effects.factor.codes.astype(np.intp)[:, None] * k + np.arange(k)
        place = (np.repeat(np.arange(n), k), at.ravel())
        shape = (n, len(effects.factor.levels) * k)
        blocks.append(sparse.csc_matrix((effects.basis.ravel(), place), shape=shape))
    return sparse.hstack(blocks, format="csc") if blocks else sparse.csc_matrix((n, 0))


def _absorbed(design: Design, B: Array, C: Any, factors: list[Array], sigma: float) -> Array:
    """B'L (L'CL + sigma^2 I)^-1 L'B: what the random effects take from the cross-products."""
    from scipy import sparse
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse.linalg import splu

    if not factors:
        return np.zeros((B.shape[1], B.shape[1]))
    L = sparse.block_diag(
        [
            sparse.kron(sparse.identity(len(effects.factor.levels)), factor)
            for effects, factor in zip(design.random, factors, strict=True)
        ],
        format="csc",
    )
    U, q = np.asarray(L.T @ B), len(B)
    M = (L.T @ C @ L + sigma**2 * sparse.identity(q)).tocsc()
    if q <= _DENSE:
        return np.asarray(U.T @ cho_solve(cho_factor(M.toarray()), U))
    return np.asarray(U.T @ splu(M, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0).solve(U))


def _prior(fit: BayesFit) -> tuple[Array, Array]:
    """Precision of the normal priors of the coefficients, and precision times mean."""
    priors, kept = fit.statement.priors.parts["mean"], fit.statement.kept["mean"]
    precision, pull = np.zeros((len(kept),) * 2), np.zeros(len(kept))
    for place, assigned in enumerate(priors.fixed):
        if isinstance(assigned.prior, Normal):
            row = np.eye(len(kept))[place]
            if place == 0 and priors.centred:
                row = fit.design.X[:, kept].mean(axis=0)
            precision += np.outer(row, row) / assigned.prior.sd**2
            pull += row * assigned.prior.mean / assigned.prior.sd**2
    return precision, pull
