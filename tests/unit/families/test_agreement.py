"""The compiled densities against formulas of SciPy and NumPy, in the families' own words."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, gammaln

from partialpool import core
from partialpool.families import FAMILIES, Family, Ordinal, Response, from_json, resolve
from tests.unit.families.cases import CASES, predictors

N = 40


def tweedie(y, mu, phi, p):
    """The Poisson sum of gamma amounts, term by term."""
    jumps = np.arange(1, 400)[:, np.newaxis]
    rate = mu ** (2 - p) / (phi * (2 - p))
    shape, scale = jumps * (2 - p) / (p - 1), phi * (p - 1) * mu ** (p - 1)
    positive = np.where(y > 0, y, 1.0)
    terms = stats.poisson.logpmf(jumps, rate) + stats.gamma.logpdf(positive, shape, scale=scale)
    return np.where(y > 0, np.logaddexp.reduce(terms, axis=0), -rate)


def counts(family, mu, phi):
    if family.name.endswith("poisson"):
        return stats.poisson(mu)
    size, odds = (phi, mu / phi) if family.name.endswith("2") else (mu / phi, phi)
    return stats.nbinom(size, 1 / (1 + odds))


def counted(family, zero, y, eta, mu, phi):
    dist = counts(family, mu, phi)
    log_density = dist.logpmf(y)
    if family.name.startswith("truncated"):
        log_density = np.where(y > 0, log_density - dist.logsf(0), -np.inf)
    if zero == "none":
        return log_density
    extra = expit(eta["zero_inflation"])
    return np.log(np.where(y == 0, extra, 0.0) + (1 - extra) * np.exp(log_density))


def log_density(family, zero, y, eta, trials):
    mu = family.link.inverse(eta["mean"])
    phi = np.exp(eta["dispersion"]) if "dispersion" in eta else np.ones(1)
    formulas = {
        "gaussian": lambda: stats.norm.logpdf(y, mu, phi),
        "student_t": lambda: stats.t.logpdf(y, np.exp(eta["shape"]), mu, phi),
        "gamma": lambda: stats.gamma.logpdf(y, phi, scale=mu / phi),
        "inverse_gaussian": lambda: stats.invgauss.logpdf(y, mu * phi, scale=1 / phi),
        "tweedie": lambda: tweedie(y, mu, phi, 1 + expit(eta["shape"])),
        "binomial": lambda: stats.binom.logpmf(y, trials, mu),
        "betabinomial": lambda: stats.betabinom.logpmf(y, trials, mu * phi, (1 - mu) * phi),
        "beta": lambda: stats.beta.logpdf(y, mu * phi, (1 - mu) * phi),
    }
    if family.name in formulas:
        return formulas[family.name]()
    return counted(family, zero, y, eta, mu, phi)


def rows(family, zero):
    rng = np.random.default_rng(4)
    eta = predictors(family, zero, N)
    eta["mean"] = eta["mean"] + 0.3 * rng.uniform(-1, 1, N)
    trials = rng.integers(1, 9, N) * 1.0 if family.has_trials else None
    return eta, trials, family.simulate(eta, rng, trials, zero), rng.uniform(0.5, 2.0, N)


@pytest.mark.parametrize(
    ("family", "zero"),
    [case for case in CASES.values() if case[0].name != "ordinal"],
    ids=[name for name in CASES if not name.startswith("ordinal")],
)
def test_the_core_has_the_same_density(family, zero):
    eta, trials, y, weights = rows(family, zero)
    density = core.Density(
        family.core_name(zero), family.link.name, core.vector(y), trials, weights
    )
    assert density.predictors == len(family.parts(zero))
    value, *_ = density.evaluate([core.vector(x) for x in eta.values()], 0, True)
    expected = weights * log_density(family, zero, y, eta, trials)
    # SciPy's own logarithms of gamma functions are good to about 1e-12.
    assert value.sum() + density.constant == pytest.approx(expected.sum(), rel=1e-10)


@pytest.mark.parametrize(
    ("name", "link"),
    [(name, link) for name in FAMILIES if name != "ordinal" for link in resolve(name).links],
)
def test_the_core_has_every_link(name, link):
    plain = resolve(name)
    family = from_json({**plain.to_json(), "link": link})
    rng = np.random.default_rng(6)
    eta = predictors(family, "none", N)
    # A mean that all families and links can have.
    eta["mean"] = family.link(rng.uniform(0.5, 0.7, N))
    trials = np.full(N, 4.0) if family.has_trials else None
    y = family.simulate(eta, rng, trials)
    density = core.Density(family.core_name(), link, core.vector(y), trials, None)
    value, *_ = density.evaluate([core.vector(x) for x in eta.values()], 0, True)
    expected = log_density(family, "none", y, eta, trials).sum()
    assert value.sum() + density.constant == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_ordinal_probabilities_are_the_cores(link):
    family = Ordinal(link)
    eta, _, y, _ = rows(family, "none")
    cuts = np.array([-np.inf, *eta["thresholds"], np.inf])
    upper, lower = cuts[y.astype(int) + 1], cuts[y.astype(int)]
    density = core.Density("ordinal", link, y, np.full(N, 4.0), None)
    # The ends are open, and not looked at.
    finite = [np.where(np.isfinite(x), x, 0.0) for x in (upper, lower)]
    value, *_ = density.evaluate([eta["mean"], *finite], 0, True)
    chances = family.probabilities(eta)[np.arange(N), y.astype(int)]
    np.testing.assert_allclose(value, np.log(chances), rtol=1e-12)


def test_a_family_of_ones_own_is_called_back_with_all_derivatives():
    def density(y, mu, dispersion):
        return (
            gammaln(y + dispersion) - gammaln(dispersion) - gammaln(y + 1)
            + dispersion * np.log(dispersion / (mu + dispersion))
            + y * np.log(mu / (mu + dispersion))
        )  # fmt: skip

    family = resolve("nbinom2")
    eta, _, y, weights = rows(family, "none")
    own = Family("own", density, support="counts")
    function = own.density(Response("y", y, weights=weights))
    called = core.Density(function, N, 2)
    built = core.Density("nbinom2", "log", y, None, weights)
    for every in (True, False):
        ours = called.evaluate([eta["mean"], eta["dispersion"]], 3, every)
        cores = built.evaluate([eta["mean"], eta["dispersion"]], 3, every)
        assert ours[0].sum() == pytest.approx(cores[0].sum() + built.constant, rel=1e-12)
        for mine, theirs in zip(ours[1:], cores[1:], strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-11)


LINKED = [
    (name, link)
    for name, make in FAMILIES.items()
    for link in make(None).links
    if name != "ordinal" and link != "sqrt"  # a negative predictor has a mean there: its square
]


@pytest.mark.parametrize(("name", "link"), LINKED)
def test_the_core_has_the_same_range_of_predictors(name, link):
    family = FAMILIES[name](link)
    low, high = family.eta_range
    y, trials = np.array([0.5 if name == "beta" else 1.0]), np.array([2.0])
    density = core.Density(name, link, y, trials if family.has_trials else None, None)

    def at(eta):
        others = [np.zeros(1)] * (density.predictors - 1)
        return density.evaluate([np.array([eta]), *others], 0, True)[0][0]

    for end, outwards in ((low, -1.0), (high, 1.0)):
        if np.isinf(end):
            assert np.isfinite(at(outwards * 5.0))
        else:
            assert at(end) == at(end + 0.3 * outwards) == -np.inf
            assert np.isfinite(at(end - 0.3 * outwards))
