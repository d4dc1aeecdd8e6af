"""Intervals of predictions, plug-in and by the bootstrap."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import partialpool as pp
from partialpool.errors import DataError

Z = 1.959963984540054
NEW = {"Days": [0, 9, 5], "Subject": ["308", "309", "new"]}


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


def test_plug_in_intervals_are_normal_quantiles_of_the_standard_error(fit):
    mean = fit.predict(NEW, new_levels="population", se=True)
    found = fit.predict(NEW, new_levels="population", interval="confidence")
    assert_allclose(found["std_error"], mean["std_error"])
    assert_allclose(found["conf_low"], mean["estimate"] - Z * mean["std_error"])
    assert_allclose(found["conf_high"], mean["estimate"] + Z * mean["std_error"])


def test_an_observation_adds_the_residual_variance(fit):
    mean = fit.predict(NEW, new_levels="population", interval="confidence", level=0.8)
    one = fit.predict(NEW, new_levels="population", interval="prediction", level=0.8)
    assert_allclose(one["std_error"] ** 2 - mean["std_error"] ** 2, np.full(3, fit.sigma**2))


def test_a_seed_gives_the_same_bootstrap_for_any_number_of_threads(fit):
    ends = []
    for threads in (1, 3):
        pp.set_threads(threads)
        found = fit.predict(NEW, new_levels="population", interval="prediction",
                            method="bootstrap", draws=200, seed=1)  # fmt: skip
        ends.append([found["conf_low"], found["conf_high"]])
    pp.set_threads()
    assert_array_equal(*ends)


def test_with_much_data_the_bootstrap_gives_the_plug_in_interval():
    rng = np.random.default_rng(1)
    g = np.arange(3000) % 150
    y = rng.normal(size=150)[g] + rng.normal(size=3000)
    fit = pp.lmm("y ~ 1 + (1 | g)", {"y": y, "g": g})
    new = {"g": [0, 149, -1]}
    plug_in, bootstrap = (
        fit.predict(
            new, new_levels="population", interval="prediction", method=m, draws=4000, seed=2
        )
        for m in ("plug-in", "bootstrap")
    )
    # A 2.5 per cent quantile of 4,000 draws has a standard error of 0.04.
    assert_allclose(bootstrap["conf_low"], plug_in["conf_low"], atol=0.15)
    assert_allclose(bootstrap["conf_high"], plug_in["conf_high"], atol=0.15)


def test_with_few_groups_the_bootstrap_interval_is_longer():
    rng = np.random.default_rng(3)
    g = np.arange(20) % 4
    y = 3 * rng.normal(size=4)[g] + rng.normal(size=20)
    fit = pp.lmm("y ~ 1 + (1 | g)", {"y": y, "g": g})
    plug_in, bootstrap = (
        fit.predict({"g": [-1]}, new_levels="population", interval="prediction", method=m, seed=4)
        for m in ("plug-in", "bootstrap")
    )
    # t with 3 degrees of freedom has a quantile 1.6 times that of the normal.
    longer = (bootstrap["conf_high"] - bootstrap["conf_low"]) / (
        plug_in["conf_high"] - plug_in["conf_low"]
    )
    assert 1.3 < longer[0] < 2.2


def test_rows_in_pieces_give_the_same_distribution(fit, monkeypatch):
    from partialpool.inference import prediction_intervals

    arguments = {"new_levels": "population", "interval": "confidence", "method": "bootstrap",
                 "draws": 200, "seed": 5}  # fmt: skip
    whole = fit.predict({"Days": [1, 2], "Subject": ["308", "310"]}, **arguments)
    monkeypatch.setattr(prediction_intervals, "_NUMBERS", 200)
    pieces = fit.predict({"Days": [1, 2], "Subject": ["308", "310"]}, **arguments)
    assert_allclose(pieces["conf_low"], whole["conf_low"])


def test_the_rows_fitted_and_a_pandas_index(fit):
    found = fit.predict(interval="prediction")
    assert len(found) == 180
    new = pd.DataFrame(NEW, index=["a", "b", "c"])
    assert list(fit.predict(new, new_levels="population", interval="prediction").index) == [*"abc"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": "tolerance"}, "interval must be 'confidence' or 'prediction'"),
        ({"interval": "prediction", "method": "exact"}, "method must be 'plug-in' or 'bootstrap'"),
        ({"interval": "prediction", "draws": 10}, "draws must be a whole number of at least 100"),
        ({"interval": "prediction", "level": 1.0}, "level must lie between 0 and 1"),
        ({"interval": "prediction", "random": "none"}, "its interval needs random='all'"),
    ],
)
def test_arguments_that_are_none_are_refused(fit, arguments, message):
    with pytest.raises(DataError, match=message):
        fit.predict(NEW, new_levels="population", **arguments)


def test_intervals_of_least_squares_are_exact():
    fit = pp.lmm("y ~ x", {"x": np.arange(5.0), "y": np.array([1.0, 3, 2, 5, 4])})
    mean = fit.predict({"x": [0.0]}, interval="confidence")
    one = fit.predict({"x": [0.0]}, interval="prediction")
    # R's predict.lm.
    assert_allclose([mean["conf_low"][0], mean["conf_high"][0]], [-1.3001, 4.1001], atol=1e-3)
    assert_allclose([one["conf_low"][0], one["conf_high"][0]], [-3.0098, 5.8098], atol=1e-3)


def weighted():
    data = pp.load_dataset("sleepstudy")
    return data.assign(w=np.where(np.arange(len(data)) % 2 == 0, 1.0, 4.0))


def test_an_observation_has_the_weight_that_its_table_says():
    data = weighted()
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", data, weights="w")
    mean = fit.predict(data, interval="confidence")["std_error"]
    for new in (None, data):
        one = fit.predict(new, interval="prediction")["std_error"]
        assert_allclose(one**2 - mean**2, fit.sigma**2 / data["w"])
    bare = fit.predict(data.drop(columns="w"), interval="prediction")["std_error"]
    assert_allclose(bare**2 - mean**2, fit.sigma**2)
    by_array = pp.lmm("Reaction ~ Days + (Days | Subject)", data, weights=data["w"])
    unsaid = by_array.predict(data, interval="prediction")["std_error"]
    assert_allclose(unsaid**2 - mean**2, fit.sigma**2)


def test_the_bootstrap_of_an_observation_minds_its_weight():
    data = weighted()
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", data, weights="w")
    new = data.head(2).assign(w=[1.0, 1e6])
    plug_in, bootstrap = (
        fit.predict(new, interval="prediction", method=m, draws=2000, seed=1)
        for m in ("plug-in", "bootstrap")
    )
    for found in (plug_in, bootstrap):
        width = found["conf_high"] - found["conf_low"]
        assert width[1] < 0.5 * width[0]
    # A 2.5 per cent quantile of 2,000 draws has a standard error of 0.06 of these.
    assert_allclose(bootstrap["conf_low"], plug_in["conf_low"], atol=0.25 * fit.sigma)


def test_an_observation_of_weight_zero_has_no_bounds():
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", weighted(), weights="w")
    new = weighted().head(2).assign(w=[0.0, 1.0])
    for method in ("plug-in", "bootstrap"):
        found = fit.predict(new, interval="prediction", method=method, draws=200, seed=1)
        assert found["conf_low"][0] == -np.inf
        assert found["conf_high"][0] == np.inf
        assert np.isfinite(found["conf_low"][1])
