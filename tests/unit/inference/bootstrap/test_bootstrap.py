"""Draws of whole data sets, and what is made of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError
from partialpool.inference.bootstrap import sampling
from partialpool.inference.bootstrap.cases import resample_units
from partialpool.inference.bootstrap.residual import inflate, resample_residuals


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


def test_parametric_draws_are_refits_of_simulated_responses(fit):
    found = fit.bootstrap(300, seed=1, acceleration=False)
    first = np.random.default_rng(np.random.SeedSequence(1).spawn(2)[0])
    y = sampling.draw(fit, first, 256).y
    assert_allclose(found.draws[5], fit.refit(y[:, 5]).tidy()["estimate"], rtol=1e-12)
    assert found.names[-1] == "sigma"


@pytest.mark.parametrize("kind", ["parametric", "residual", "case"])
def test_a_seed_gives_the_same_draws_for_any_number_of_threads(fit, kind):
    pp.set_threads(1)
    one = fit.bootstrap(40, kind, seed=3, acceleration=False)
    pp.set_threads(2)
    two = fit.bootstrap(40, kind, seed=3, acceleration=False)
    pp.set_threads()
    assert_array_equal(one.draws, two.draws)


def test_standard_errors_are_those_of_the_model(fit):
    found = fit.bootstrap(2000, seed=4, acceleration=False)
    # The standard deviation of 2,000 draws is known to 1.6 % (one standard error).
    assert_allclose(found.std_error[:2], fit.stderr.values, rtol=0.06)


@pytest.mark.parametrize("kind", ["residual", "case"])
def test_resampling_finds_about_the_same_errors(fit, kind):
    found = fit.bootstrap(1000, kind, seed=5, acceleration=False)
    # 18 subjects: their own spread differs from the estimated one.
    assert_allclose(found.std_error[:2], fit.stderr.values, rtol=0.15)


def test_percentiles_are_those_of_the_draws(fit):
    found = fit.bootstrap(999, seed=6, acceleration=False)
    table = found.confint(level=0.9)
    ordered = np.sort(found.draws[:, 1])
    # (n + 1) 0.05 = 50 and (n + 1) 0.95 = 950, counted from one.
    assert_allclose([table["conf_low"][1], table["conf_high"][1]], ordered[[49, 949]])


def test_basic_intervals_are_percentiles_reflected_at_the_estimate(fit):
    found = fit.bootstrap(200, seed=7, acceleration=False)
    percentile, basic = found.confint(), found.confint(method="basic")
    assert_allclose(basic["conf_low"], 2 * found.estimate - percentile["conf_high"])


@pytest.mark.parametrize("method", ["basic", "normal"])
def test_intervals_end_where_the_parameter_does(fit, method):
    found = fit.bootstrap(40, seed=1, acceleration=False)
    labels = "sd(Subject.Intercept)", "corr(Subject.Intercept,Subject.Days)"
    at = [found.names.index(label) for label in labels]
    estimate, draws = found.estimate.copy(), found.draws.copy()
    estimate[at[0]], draws[:, at[0]] = 1.0, np.linspace(0.0, 8.0, 40)
    estimate[at[1]], draws[:, at[1]] = 0.8, np.linspace(-0.9, 0.8, 40)
    table = dataclasses.replace(found, estimate=estimate, draws=draws).confint(method=method)
    assert table["conf_low"][at[0]] == 0.0
    assert table["conf_high"][at[1]] == 1.0


def test_a_statistic_of_ones_own_has_no_range(fit):
    found = fit.bootstrap(20, seed=1, statistic=lambda f: {"sd__x": f.fixef[1] - 20.0})
    assert (found.confint(method="basic")["conf_low"] < 0).all()


def test_one_draw_makes_no_interval(fit):
    with pytest.raises(DataError, match="two draws or more, and there are 1: take n=1000"):
        fit.bootstrap(1, seed=1).confint()


def test_bca_without_bias_and_skewness_is_the_percentile_interval(fit):
    found = fit.bootstrap(199, seed=8, acceleration=False)
    symmetric = np.concatenate([found.estimate - found.draws, found.draws - found.estimate])
    made = type(found)(
        found.names, found.parameters, found.estimate, found.estimate + symmetric, "parametric",
        len(symmetric), (0, ""), None, found.frame_kind,
    )  # fmt: skip
    assert_allclose(made.confint(method="bca").iloc[:, 3:], made.confint().iloc[:, 3:], rtol=1e-9)


def test_acceleration_is_the_skewness_of_the_jackknife():
    data = pp.load_dataset("Dyestuff")
    fit = pp.lmm("Yield ~ 1 + (1 | Batch)", data)
    found = fit.bootstrap(10, seed=9)
    left_out = [
        pp.lmm("Yield ~ 1 + (1 | Batch)", data[data["Batch"] != batch]).fixef[0]
        for batch in data["Batch"].cat.categories
    ]
    influence = np.mean(left_out) - np.array(left_out)
    expected = np.sum(influence**3) / (6 * np.sum(influence**2) ** 1.5)
    assert_allclose(found.acceleration[0], expected, rtol=1e-6)


def test_a_statistic_of_ones_own_has_the_names_it_gives(fit):
    found = fit.bootstrap(5, statistic=lambda f: {"ratio": f.fixef[1] / f.sigma}, seed=10)
    assert found.names == ("ratio",)
    assert_allclose(found.estimate, fit.fixef[1] / fit.sigma)
    assert found.draws.shape == (5, 1)


def test_a_statistic_that_returns_words_is_refused(fit):
    with pytest.raises(DataError, match="statistic has to return a number"):
        fit.bootstrap(5, statistic=lambda f: "good")


def test_an_interruption_keeps_the_draws_made(fit, monkeypatch):
    calls = iter(range(100))

    def stop_at_the_third(*arguments):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return solve_many(*arguments)

    solve_many = sampling.solve_many
    monkeypatch.setattr(sampling, "solve_many", stop_at_the_third)
    found = fit.bootstrap(1000, seed=11)
    assert found.draws.shape == (512, 6)
    assert "interrupted: 1,000 were asked for" in repr(found)
    monkeypatch.undo()
    assert_array_equal(found.draws, fit.bootstrap(1000, seed=11).draws[:512])


def test_a_group_drawn_twice_counts_as_two():
    fit = pp.lmm("strength ~ 1 + (1 | batch / cask)", pp.load_dataset("Pastes"))
    batch = next(e.factor for e in fit.design.random if e.factor.name == "batch")
    design = resample_units(fit.design, batch, np.random.default_rng(1))
    sizes = {e.factor.name: len(e.factor.levels) for e in design.random}
    assert sizes == {"batch": 10, "batch:cask": 30}
    assert len(design.y) == 60


def test_levels_that_cross_the_groups_stay_the_same_ones():
    fit = pp.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", pp.load_dataset("Penicillin"))
    plate = next(e.factor for e in fit.design.random if e.factor.name == "plate")
    design = resample_units(fit.design, plate, np.random.default_rng(1))
    assert {e.factor.name: len(e.factor.levels) for e in design.random} == {
        "plate": 24,
        "sample": 6,
    }


def test_inflated_effects_have_the_covariance_that_is_asked_for():
    rng = np.random.default_rng(2)
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    values = inflate(rng.normal(size=(30, 2)), covariance)
    assert_allclose(values.T @ values / 30, covariance, rtol=1e-12)
    assert_allclose(values.mean(axis=0), 0.0, atol=1e-14)


def test_rows_of_weight_zero_keep_their_mean_in_residual_draws():
    data = pp.load_dataset("sleepstudy").assign(w=lambda d: (d["Days"] > 0).astype(float))
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", data, weights="w")
    y = resample_residuals(fit, np.random.default_rng(3), 4)
    assert np.isfinite(y).all()


def test_generalized_models_draw_parametrically():
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pp.glmm(formula, pp.load_dataset("cbpp"), family="binomial")
    found = fit.bootstrap(4, seed=12)
    assert found.names == ("Intercept", "period[T.2]", "period[T.3]", "period[T.4]",
                           "sd(herd.Intercept)")  # fmt: skip
    assert np.isfinite(found.draws).all()
    with pytest.raises(NotAvailableError, match="kind='case' exists for linear"):
        fit.bootstrap(4, "case")


def test_the_other_predictors_of_a_generalized_model_are_drawn_too():
    rng = np.random.default_rng(6)
    g, x = np.arange(200) % 10, rng.normal(size=200)
    y = rng.negative_binomial(2, 0.3, 200) * (rng.uniform(size=200) > 0.3)
    fit = pp.glmm("y ~ x + (1 | g)", {"y": y, "x": x, "g": g}, family="nbinom2",
                  zero_inflation="~ x")  # fmt: skip
    found = fit.bootstrap(3, seed=12)
    assert found.names == (
        "Intercept", "x", "sd(g.Intercept)", "dispersion.Intercept",
        "zero_inflation.Intercept", "zero_inflation.x",
    )  # fmt: skip
    estimates = dict(zip(found.names, found.estimate, strict=True))
    assert estimates["zero_inflation.x"] == fit.fixef_of("zero_inflation")["x"]
    assert len(np.unique(found.draws[:, -1])) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, found 0"),
        ({"kind": "wild"}, "kind must be 'parametric', 'residual' or 'case', found 'wild'"),
        ({"kind": "case", "resample": "Subjet"}, "no grouping factor.*Did you mean 'Subject'"),
    ],
)
def test_arguments_that_are_none_are_refused(fit, arguments, message):
    with pytest.raises(DataError, match=message):
        fit.bootstrap(**({"n": 3} | arguments))


def test_methods_that_are_none_are_refused(fit):
    found = fit.bootstrap(3, seed=1, acceleration=False)
    with pytest.raises(DataError, match=r"method must be one of 'percentile'.*found 'profile'"):
        found.confint(method="profile")
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        found.confint(level=95)


def test_cases_of_crossed_factors_have_to_be_named():
    fit = pp.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", pp.load_dataset("Penicillin"))
    with pytest.raises(DataError, match="resample='plate' or resample='sample'"):
        fit.bootstrap(3, "case")
    assert fit.bootstrap(3, "case", resample="plate", acceleration=False).draws.shape[0] == 3


@pytest.mark.parametrize("kind", ["parametric", "residual"])
def test_crossed_factors_need_no_name_where_no_cases_are_drawn(kind):
    data = pp.load_dataset("Penicillin")
    fit = pp.lmm("diameter ~ 1 + (1 | plate) + (1 | sample)", data)
    found = fit.bootstrap(30, kind=kind, seed=1)
    assert np.isfinite(found.acceleration).all()
    assert np.isfinite(found.confint(0.8, method="bca")["conf_low"]).all()


def test_what_no_draw_can_do_is_said_at_once():
    family = pp.families.Family(
        "own", lambda y, mu: y * np.log(mu) - mu, support="counts", variance=lambda mu: mu
    )
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", data, family=family)
    with pytest.raises(NotAvailableError, match=r"'own' has no simulate"):
        fit.bootstrap(3)
