import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes import draws

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(draws, "_MANY", 1000)


def test_many_effects_are_kept_in_single_precision_and_are_the_same(few, monkeypatch, tmp_path):
    sleep = pp.load_dataset("sleepstudy")
    single = pp.bmm(SLEEP, sleep, draws=200, seed=1)
    monkeypatch.setattr(draws, "_MANY", 10**9)
    double = pp.bmm(SLEEP, sleep, draws=200, seed=1)
    (a,), (b,) = single.draws.parts["mean"].effects, double.draws.parts["mean"].effects
    assert (a.dtype, b.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(a, b.astype(np.float32))
    for name, values in double.parameters.items():
        np.testing.assert_array_equal(single.parameters[name], values)
    np.testing.assert_allclose(single.predict(), double.predict(), rtol=1e-6)
    one, two = (fit.ranef("Subject", cond_sd=True)["Days_sd"] for fit in (single, double))
    np.testing.assert_allclose(one, two, rtol=1e-5)
    assert "single precision" in str(single)
    assert "single precision" not in str(double)
    single.save(tmp_path / "sleep.model")
    back = pp.load(tmp_path / "sleep.model")
    np.testing.assert_array_equal(back.draws.parts["mean"].effects[0], a)


def test_the_general_engine_keeps_them_so_too(few):
    data = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pp.bmm(formula, data, "binomial", draws=100, tune=200, chains=2, seed=1)
    assert fit.draws.parts["mean"].effects[0].dtype == np.float32
    assert fit.draws.parts["mean"].fixef.dtype == np.float64


def test_covariances_of_effects_are_the_same_level_by_level(monkeypatch):
    from partialpool.bayes import estimates

    fit = pp.bmm(SLEEP, pp.load_dataset("sleepstudy"), draws=50, seed=1)
    (whole,) = fit.solution.conditional(fit.design)
    monkeypatch.setattr(estimates, "_LEVELS", 4)
    (blocks,) = fit.solution.conditional(fit.design)
    np.testing.assert_array_equal(whole, blocks)
    own = fit.draws.parts["mean"].effects[0][:, :, 3].reshape(200, 2)
    np.testing.assert_allclose(whole[3], np.cov(own, rowvar=False))
