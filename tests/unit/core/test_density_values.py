"""Log-densities of the core against SciPy's, and in the limits that SciPy doesn't reach."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from partialpool.core import Density
from tests.unit.core.densities import PAIRS, case


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_the_log_density_is_that_of_scipy(family, link):
    rows = case(family, link)
    density = rows.density()
    # SciPy's own log-gammas cancel to about twelve digits.
    found = density.evaluate(rows.eta, 0, False)[0].sum() + density.constant
    np.testing.assert_allclose(found, rows.reference().sum(), rtol=1e-11)


@pytest.mark.parametrize(("family", "link"), PAIRS)
def test_rows_differ_from_scipy_by_terms_that_no_predictor_enters(family, link):
    rows = case(family, link)
    other = tuple(eta * 0.9 for eta in rows.eta)
    moved = type(rows)(rows.family, rows.link, rows.y, rows.trials, other, rows.logpdf)
    change = (
        rows.density().evaluate(rows.eta, 0, False)[0]
        - (rows.density().evaluate(other, 0, False)[0])
    )
    np.testing.assert_allclose(change, rows.reference() - moved.reference(), rtol=1e-9, atol=1e-11)


def log_density(family, link, y, trials, *eta):
    columns = [np.array([float(x)]) for x in (y, *eta)]
    m = None if trials is None else np.array([float(trials)])
    density = Density(family, link, columns[0], m, None)
    return density.evaluate(columns[1:], 0, False)[0][0] + density.constant


@pytest.mark.parametrize("family", ["nbinom1", "nbinom2"])
@pytest.mark.parametrize("y", [0, 3, 100, 100_000])
def test_negative_binomials_become_the_poisson(family, y):
    mean, dispersion = np.log(y + 2.0), 46.0 if family == "nbinom2" else -46.0
    expected = stats.poisson.logpmf(y, y + 2.0)
    found = log_density(family, "log", y, None, mean, dispersion)
    # y log y less y log y: that is where the digits of a large count go.
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15 * y * mean)


def test_a_betabinomial_of_great_precision_is_the_binomial():
    found = log_density("betabinomial", "logit", 37, 90, 0.3, 50.0)
    assert found == pytest.approx(stats.binom.logpmf(37, 90, special.expit(0.3)), rel=1e-12)


def test_a_t_of_many_degrees_of_freedom_is_the_normal():
    found = log_density("student_t", "identity", 2.5, None, 1.0, 0.2, 60.0)
    assert found == pytest.approx(stats.norm.logpdf(2.5, 1.0, np.exp(0.2)), rel=1e-13)


def test_a_beta_of_great_precision_is_a_normal_around_its_mean():
    mu, phi = 0.3, np.exp(30.0)
    sd = np.sqrt(mu * (1 - mu) / (1 + phi))
    found = log_density("beta", "identity", mu + sd, None, mu, 30.0)
    assert found == pytest.approx(stats.norm.logpdf(mu + sd, mu, sd), abs=1e-5)


@pytest.mark.parametrize("log_phi", [-9.0, -2.0, 1.0])
@pytest.mark.parametrize("shape", [-2.0, 0.0, 1.5])
def test_a_tweedie_density_and_its_mass_at_zero_sum_to_one(log_phi, shape):
    # The first dispersion needs the integral instead of the sum, or a stride through the sum.
    zero = np.exp(log_density("tweedie", "log", 0.0, None, 0.5, log_phi, shape))
    mean, power = np.exp(0.5), 1 + special.expit(shape)
    sd = np.sqrt(np.exp(log_phi) * mean**power)
    y = np.linspace(max(mean - 12 * sd, 1e-9), mean + 12 * sd, 4001)
    if log_phi > -9.0:
        y = np.exp(np.linspace(-100.0, 8.0, 20_001))
    columns = [np.full(len(y), x) for x in (0.5, log_phi, shape)]
    density = Density("tweedie", "log", y, None, None)
    values = np.exp(density.evaluate(columns, 0, False)[0] - np.log(y))
    assert zero + integrate.simpson(values, x=y) == pytest.approx(1.0, abs=1e-6)


def test_fractional_successes_are_as_many_weights():
    y, trials, eta = np.array([2.5, 0.3]), np.array([4.0, 1.0]), np.array([0.2, -0.7])
    p = special.expit(eta)
    found = Density("binomial", "logit", y, trials, None).evaluate([eta], 0, False)[0]
    np.testing.assert_allclose(found, y * np.log(p) + (trials - y) * np.log1p(-p), rtol=1e-14)


@pytest.mark.parametrize(
    ("family", "y"),
    [("truncated_poisson", 0.0), ("truncated_nbinom2", 0.0), ("gamma", 0.0), ("beta", 1.0)],
)
def test_a_response_that_cannot_be_has_no_finite_log_density(family, y):
    link = "logit" if family == "beta" else "log"
    with np.errstate(all="ignore"):
        density = Density(family, link, np.array([y]), None, None)
        eta = [np.zeros(1)] * density.predictors
        assert not np.isfinite(density.evaluate(eta, 0, False)[0][0])


@pytest.mark.parametrize("link", ["identity", "inverse", "sqrt", "inverse_squared"])
def test_a_mean_outside_the_domain_of_its_link_has_no_finite_log_density(link):
    eta = np.array([0.0 if link == "sqrt" else -0.5])
    density = Density("poisson", link, np.array([2.0]), None, None)
    assert not np.isfinite(density.evaluate([eta], 3, False)[0][0])
