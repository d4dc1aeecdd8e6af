"""How often a test finds an effect."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import binomtest, nct, t

import partialpool as pp
from partialpool.errors import DataError, UnknownNameError


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


def test_power_of_least_squares_is_that_of_the_noncentral_t():
    x = np.tile([0.0, 1.0], 20)
    model = pp.stated_model("y ~ x", {"x": x}, fixef={"Intercept": 0, "x": 0.8}, sd={}, sigma=1)
    found = model.power("x", n=1000, seed=1)
    shift, cut = 0.8 / np.sqrt(0.1), t.ppf(0.975, 38)
    exact = nct.sf(cut, 38, shift) + nct.cdf(-cut, 38, shift)
    low, high = found.interval(0.999)
    assert low < exact < high


def test_without_an_effect_the_power_is_the_level(fit):
    found = fit.power("Days", {"Days": 0.0}, n=400, alpha=0.1, seed=2)
    low, high = found.interval(0.999)
    assert low < 0.1 < high


def test_the_interval_is_clopper_and_pearsons(fit):
    found = fit.power("Days", {"Days": 3.0}, n=50, seed=3)
    exact = binomtest(round(50 * found.share), 50).proportion_ci()
    np.testing.assert_allclose(found.interval(), [exact.low, exact.high], rtol=1e-9)


def test_a_seed_gives_the_same_p_values(fit):
    one, two = (fit.power("Days = 10", n=20, seed=4) for _ in range(2))
    assert_array_equal(one.p_values, two.p_values)
    assert "Days = 10: rejected at 0.05" in repr(one)


def test_an_interruption_keeps_what_was_drawn(fit, monkeypatch):
    from partialpool.inference import power

    module = __import__("sys").modules[power.__module__]
    calls = iter(range(100))
    test = module._test

    def stop_at_the_fifth(*arguments):
        if next(calls) == 4:
            raise KeyboardInterrupt
        return test(*arguments)

    monkeypatch.setattr(module, "_test", stop_at_the_fifth)
    found = fit.power("Days", n=50, seed=5)
    assert len(found.p_values) == 4
    assert "interrupted, 50 were asked for" in repr(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a whole number"),
        ({"alpha": 5}, "alpha must lie between 0 and 1, found 5"),
        ({"effect": {"days": 1.0}}, "effect names no coefficient.*'days'.*Did you mean 'Days'"),
    ],
)
def test_arguments_that_are_none_are_refused(fit, arguments, message):
    with pytest.raises((DataError, UnknownNameError), match=message):
        fit.power("Days", **arguments)


def test_power_is_a_table_of_one_row(fit):
    found = fit.power("Days", n=50, seed=1)
    low, high = found.interval(0.9)
    row = found.to_frame(0.9).iloc[0].tolist()
    assert row == ["Days = 0", found.share, low, high]


def test_an_interval_of_power_needs_a_level_that_is_one(fit):
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        fit.power("Days", n=3, seed=1).interval(95)
