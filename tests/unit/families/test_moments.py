from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from partialpool.families import (
    Binomial,
    NegativeBinomial,
    Ordinal,
    StudentT,
    TruncatedNegativeBinomial,
    TruncatedPoisson,
    Tweedie,
    resolve,
)
from tests.unit.families.cases import CASES, predictors

N = 200_000


@pytest.mark.parametrize(("family", "zero"), CASES.values(), ids=CASES.keys())
def test_draws_have_the_mean_and_the_variance_that_the_family_states(family, zero):
    # A t distribution needs a fourth moment for its variance to settle.
    eta = predictors(family, zero, N, shape=2.0 if family.name == "student_t" else 0.3)
    trials = np.full(N, 7.0) if family.has_trials else None
    y = family.simulate(eta, np.random.default_rng(3), trials, zero)
    y = y if trials is None else y / trials
    mean, variance = family.mean(eta, zero)[0], family.variance(eta, zero, trials)[0]
    # Five standard errors, of which the variance's comes from the draws.
    assert abs(y.mean() - mean) < 5 * np.sqrt(variance / N)
    fourth = np.mean((y - y.mean()) ** 4)
    assert abs(y.var() - variance) < 5 * np.sqrt((fourth - variance**2) / N)


@pytest.mark.parametrize("kind", [1, 2])
def test_positive_counts_follow_the_conditional_distribution(kind):
    family = TruncatedNegativeBinomial(kind)
    eta = predictors(family, "none", N, mean=-1.5, dispersion=-0.5)
    y = family.simulate(eta, np.random.default_rng(5))
    mu, phi = np.exp(-1.5), np.exp(-0.5)
    size, odds = (mu / phi, phi) if kind == 1 else (phi, mu / phi)
    dist = stats.nbinom(size, 1 / (1 + odds))
    for count in (1, 2, 3):
        share = dist.pmf(count) / dist.sf(0)
        assert abs(np.mean(y == count) - share) < 5 * np.sqrt(share * (1 - share) / N)


def test_positive_counts_of_a_vanishing_mean_are_ones():
    family = TruncatedPoisson()
    eta = {"mean": np.full(100, -700.0)}
    assert family.mean(eta)[0] == 1.0
    assert family.variance(eta)[0] == 0.0
    assert (family.simulate(eta, np.random.default_rng(1)) == 1.0).all()


def test_positive_counts_of_a_large_mean_are_all_counts():
    family = TruncatedNegativeBinomial()
    eta = {"mean": np.full(5, 12.0), "dispersion": np.zeros(5)}
    plain = NegativeBinomial()
    np.testing.assert_allclose(family.mean(eta), plain.mean(eta), rtol=1e-4)
    np.testing.assert_allclose(family.variance(eta), plain.variance(eta), rtol=1e-4)


def test_a_t_distribution_of_two_degrees_of_freedom_has_no_variance():
    eta = {"mean": np.zeros(1), "dispersion": np.zeros(1), "shape": np.log([2.0])}
    assert StudentT().variance(eta)[0] == np.inf


def test_the_binomial_variance_keeps_its_digits_near_one():
    variance = Binomial().variance({"mean": np.array([-40.0, 40.0])})
    np.testing.assert_allclose(variance, np.exp(-40.0), rtol=1e-14)


def test_tweedie_draws_are_zero_as_often_as_their_poisson_number():
    eta = predictors(Tweedie(), "none", N)
    y = Tweedie().simulate(eta, np.random.default_rng(11))
    mu, phi, p = np.exp(0.4), np.exp(0.7), 1 + 1 / (1 + np.exp(-0.3))
    share = np.exp(-(mu ** (2 - p)) / (phi * (2 - p)))
    assert abs(np.mean(y == 0) - share) < 5 * np.sqrt(share * (1 - share) / N)


def test_ordinal_draws_follow_the_probabilities():
    eta = predictors(Ordinal("probit"), "none", N)
    y = Ordinal("probit").simulate(eta, np.random.default_rng(2))
    chances = Ordinal("probit").probabilities(eta)[0]
    np.testing.assert_allclose(chances[0], stats.norm.cdf(-1.4), rtol=1e-12)
    assert chances.sum() == pytest.approx(1.0)
    # Five standard errors of a share are at most 0.0056.
    np.testing.assert_allclose(np.bincount(y.astype(int)) / N, chances, atol=0.0056)


@pytest.mark.parametrize(("family", "zero"), CASES.values(), ids=CASES.keys())
def test_the_start_is_finite_and_near_the_mean(family, zero):
    eta = predictors(family, zero, 2000)
    trials = np.full(2000, 7.0) if family.has_trials else None
    y = family.simulate(eta, np.random.default_rng(8), trials, zero)
    start = family.start(y, trials, None, zero)
    expected = [part for part in family.parts(zero) if part != "thresholds"]
    assert list(start) == expected
    assert np.isfinite(list(start.values())).all()
    assert abs(start["mean"] - 0.4) < 0.6


def test_weights_count_in_the_start():
    y, weights = np.array([0.0, 0.0, 4.0, 4.0, 5.0, 1.0]), np.array([0, 0, 1.0, 1.0, 2.0, 0])
    (mean,) = TruncatedPoisson().start(y, None, weights).values()
    assert mean == pytest.approx(np.log(4.0))


def test_ordinal_starts_at_the_cumulative_shares():
    y = np.array([0.0, 1.0, 1.0, 2.0])
    found = Ordinal("probit").start_thresholds(y, 3, np.array([2.0, 1.0, 0.0, 1.0]))
    np.testing.assert_allclose(found, stats.norm.ppf([0.5, 0.75]), atol=1e-15)


def test_draws_stay_strictly_inside_their_range():
    wide = {"mean": np.repeat([-3.0, 3.0], 500), "dispersion": np.full(1000, -4.0)}
    rng = np.random.default_rng(1)
    shares = resolve("beta").simulate(wide, rng)
    assert ((shares > 0) & (shares < 1)).all()
    assert (resolve("gamma").simulate(wide, rng) > 0).all()


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("poisson", "identity"),
        ("nbinom2", "identity"),
        ("gamma", "inverse"),
        ("inverse_gaussian", "identity"),
        ("binomial", "identity"),
        ("tweedie", "identity"),
    ],
)
def test_draws_of_means_outside_the_range_are_at_its_end(name, link):
    family = type(resolve(name))(link=link)
    eta = {part: np.full(50, 0.3) for part in family.parts()} | {"mean": np.full(50, -2.0)}
    drawn = family.simulate(eta, np.random.default_rng(1))
    assert np.isfinite(drawn).all()
    assert (drawn >= 0).all()
