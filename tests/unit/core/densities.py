"""Every family of the core with rows to evaluate it on, and its log-density by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from partialpool.core import Density

Vector = NDArray[np.float64]
Logpdf = Callable[..., Vector]

INVERSE: dict[str, Callable[[Vector], Vector]] = {
    "identity": lambda eta: eta,
    "log": np.exp,
    "logit": special.expit,
    "probit": special.ndtr,
    "cloglog": lambda eta: -np.expm1(-np.exp(eta)),
    "inverse": lambda eta: 1 / eta,
    "sqrt": np.square,
    "inverse_squared": lambda eta: 1 / np.sqrt(eta),
}
REAL = ("identity", "log", "inverse", "sqrt", "inverse_squared")
PROBABILITY = ("logit", "probit", "cloglog", "log", "identity")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Rows of one family with one link: response, trials and linear predictors."""

    family: str
    link: str
    y: Vector
    trials: Vector | None
    eta: tuple[Vector, ...]
    logpdf: Logpdf

    def density(self, weights: Vector | None = None) -> Density:
        return Density(self.family, self.link, self.y, self.trials, weights)

    def reference(self) -> Vector:
        mu = self.eta[0] if self.family == "ordinal" else INVERSE[self.link](self.eta[0])
        return self.logpdf(self.y, self.trials, mu, *self.eta[1:])


def poisson(y, _, mu):
    return stats.poisson.logpmf(y, mu)


def nbinom1(y, _, mu, log_phi):
    phi = np.exp(log_phi)
    return stats.nbinom.logpmf(y, mu / phi, 1 / (1 + phi))


def nbinom2(y, _, mu, log_size):
    size = np.exp(log_size)
    return stats.nbinom.logpmf(y, size, size / (size + mu))


def betabinom(y, trials, mu, log_phi):
    phi = np.exp(log_phi)
    return stats.betabinom.logpmf(y, trials, mu * phi, (1 - mu) * phi)


def beta(y, _, mu, log_phi):
    return stats.beta.logpdf(y, mu * np.exp(log_phi), (1 - mu) * np.exp(log_phi))


def gamma(y, _, mu, log_shape):
    return stats.gamma.logpdf(y, np.exp(log_shape), scale=mu / np.exp(log_shape))


def inverse_gaussian(y, _, mu, log_phi):
    phi = np.exp(log_phi)
    return stats.invgauss.logpdf(y, mu * phi, scale=1 / phi)


def student_t(y, _, mu, log_scale, log_df):
    return stats.t.logpdf(y, np.exp(log_df), loc=mu, scale=np.exp(log_scale))


def tweedie(y, _, mu, log_phi, shape):
    """Sum over the number j of gamma variables of the joint density of j and y."""
    phi, power = np.exp(log_phi)[:, None], (1 + special.expit(shape))[:, None]
    j, mu, at = np.arange(1, 400), mu[:, None], np.where(y > 0, y, 1.0)[:, None]
    rate = mu ** (2 - power) / (phi * (2 - power))
    scale = phi * (power - 1) * mu ** (power - 1)
    a = (2 - power) / (power - 1)
    terms = stats.poisson.logpmf(j, rate) + stats.gamma.logpdf(at, j * a, scale=scale)
    return np.where(y > 0, special.logsumexp(terms, axis=1), -rate[:, 0])


def ordinal(link: str) -> Logpdf:
    def logpdf(y, trials, eta, upper, lower):
        above = np.where(y == trials - 1, 1.0, INVERSE[link](upper - eta))
        below = np.where(y == 0, 0.0, INVERSE[link](lower - eta))
        return np.log(above - below)

    return logpdf


def inflated(counts: Logpdf) -> Logpdf:
    def logpdf(y, _, mu, *others):
        pi, counted = special.expit(others[-1]), np.exp(counts(y, None, mu, *others[:-1]))
        return np.log(pi * (y == 0) + (1 - pi) * counted)

    return logpdf


def truncated(counts: Logpdf) -> Logpdf:
    def logpdf(y, _, mu, *others):
        zero = counts(np.zeros_like(y), None, mu, *others)
        return counts(y, None, mu, *others) - np.log(-np.expm1(zero))

    return logpdf


def hurdle(counts: Logpdf) -> Logpdf:
    def logpdf(y, _, mu, *others):
        pi, given = special.expit(others[-1]), truncated(counts)(y, None, mu, *others[:-1])
        return np.where(y == 0, np.log(pi), np.log1p(-pi) + given)

    return logpdf


COUNTS: dict[str, tuple[Logpdf, int]] = {
    "poisson": (poisson, 1),
    "nbinom1": (nbinom1, 2),
    "nbinom2": (nbinom2, 2),
}
#: Log-density, number of predictors and links of each family.
FAMILIES: dict[str, tuple[Logpdf, int, tuple[str, ...]]] = {
    "gaussian": (lambda y, _, mu, d: stats.norm.logpdf(y, mu, np.exp(d)), 2, REAL),
    "student_t": (student_t, 3, REAL),
    "gamma": (gamma, 2, REAL),
    "inverse_gaussian": (inverse_gaussian, 2, REAL),
    "tweedie": (tweedie, 3, REAL),
    "binomial": (lambda y, m, mu: stats.binom.logpmf(y, m, mu), 1, PROBABILITY),
    "beta": (beta, 2, PROBABILITY),
    "betabinomial": (betabinom, 2, PROBABILITY),
    **{name: (logpdf, d, REAL) for name, (logpdf, d) in COUNTS.items()},
    **{f"zi_{name}": (inflated(f), d + 1, REAL) for name, (f, d) in COUNTS.items()},
    **{f"truncated_{name}": (truncated(f), d, REAL) for name, (f, d) in COUNTS.items()},
    **{f"hurdle_{name}": (hurdle(f), d + 1, REAL) for name, (f, d) in COUNTS.items()},
}


def _response(family: str, rng: np.random.Generator, n: int) -> tuple[Vector, Vector | None]:
    trials = None
    if family in ("binomial", "betabinomial"):
        trials = rng.integers(1, 80, n).astype(float)
        return rng.binomial(trials.astype(int), rng.random(n)).astype(float), trials
    if family in ("gaussian", "student_t"):
        return 1 + rng.normal(size=n), None
    if family == "beta":
        return rng.beta(2, 2, size=n), None
    if family == "ordinal":
        return rng.integers(0, 4, n).astype(float), np.full(n, 4.0)
    positive = rng.gamma(2.0, size=n) + 0.05
    if family in ("gamma", "inverse_gaussian"):
        return positive, None
    if family == "tweedie":
        return positive * (rng.random(n) < 0.7), None
    # Counts on both sides of 32, where the negative binomial takes another formula.
    return np.floor(rng.gamma(0.5, 20.0, size=n)) + family.startswith("truncated"), trials


def _mean_predictor(link: str, links: tuple[str, ...], rng: np.random.Generator, n: int) -> Vector:
    if links is PROBABILITY and link in ("log", "identity"):
        mu = rng.uniform(0.1, 0.9, n)
        return np.log(mu) if link == "log" else mu
    if link in ("identity", "inverse", "sqrt", "inverse_squared"):
        return rng.uniform(0.5, 2.5, n)
    return rng.normal(size=n)


def case(family: str, link: str, n: int = 60) -> Case:
    rng = np.random.default_rng(20240607)
    y, trials = _response(family, rng, n)
    if family == "ordinal":
        eta, upper = rng.normal(size=n), rng.normal(size=n)
        thresholds = (eta + upper, eta + upper - rng.uniform(0.2, 2.0, n))
        return Case(family, link, y, trials, (eta, *thresholds), ordinal(link))
    logpdf, d, links = FAMILIES[family]
    eta = _mean_predictor(link, links, rng, n)
    others = tuple(rng.uniform(-1.0, 1.5, n) for _ in range(d - 1))
    return Case(family, link, y, trials, (eta, *others), logpdf)


#: All pairs of a family and one of its links.
PAIRS = [(family, link) for family, (_, _, links) in FAMILIES.items() for link in links] + [
    ("ordinal", link) for link in PROBABILITY[:3]
]
