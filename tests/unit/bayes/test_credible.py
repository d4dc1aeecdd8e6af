"""Intervals are those of ArviZ, and the same in every table."""

import numpy as np
import pytest
from arviz_stats.base import array_stats

import partialpool as pp
from partialpool.bayes.credible import interval_ends
from partialpool.errors import DataError


@pytest.mark.parametrize("level", [0.5, 0.9, 0.94, 0.999])
@pytest.mark.parametrize("kind", ["eti", "hdi"])
def test_ends_are_those_of_arviz(kind, level):
    rng = np.random.default_rng(1)
    shape = (4, 503)
    draws = np.stack([rng.normal(size=shape), rng.gamma(0.7, size=shape), np.ones(shape)], axis=-1)
    lower, upper = interval_ends(draws, level, kind)
    for i in range(3):
        theirs = getattr(array_stats, kind)(draws[:, :, i].ravel(), prob=level)
        np.testing.assert_allclose([lower[i], upper[i]], theirs, rtol=1e-12)


def test_the_shortest_interval_of_a_known_distribution():
    # Of an exponential distribution it begins at zero and ends at the quantile of its level.
    draws = -np.log1p(-(np.arange(40_000) + 0.5) / 40_000).reshape(4, -1, 1)
    lower, upper = interval_ends(draws, 0.8, "hdi")
    np.testing.assert_allclose([lower[0], upper[0]], [0, np.log(5)], atol=1e-4)


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(6), 5)
    x = rng.normal(size=30)
    data = {"x": x, "g": g, "y": rng.normal(size=6)[g] + x + rng.normal(size=30)}
    return pp.bmm("y ~ x + I(2 * x) + (1 | g)", data, seed=1)


def test_tables_have_the_interval_that_is_asked_for(fit):
    draws = fit.parameters["sd(g.Intercept)"].ravel()
    for kind in ("eti", "hdi"):
        theirs = getattr(array_stats, kind)(draws, prob=0.8)
        for table in (fit.tidy(0.8, interval=kind), fit.confint(0.8, interval=kind)):
            row = list(table["term"]).index("sd__Intercept")
            np.testing.assert_allclose([table["conf_low"][row], table["conf_high"][row]], theirs)
            assert table["estimate"][row] == pytest.approx(draws.mean())
    # A skewed posterior's shortest interval lies lower.
    shortest, equal = fit.confint(interval="hdi"), fit.confint()
    assert shortest["conf_low"][row] < equal["conf_low"][row]
    assert np.isnan(shortest["conf_low"][2])  # of a column that was left out


def test_what_is_no_interval_is_refused(fit):
    for table in (fit.tidy, fit.confint):
        with pytest.raises(DataError, match="level must lie between 0 and 1, found 95"):
            table(95)
        with pytest.raises(DataError, match=r"interval must be 'eti' .* or 'hdi' .*found 'hpd'"):
            table(interval="hpd")
