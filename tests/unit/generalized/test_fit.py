"""What a fit says about its parts, from estimates made by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from tests.unit.generalized.fakes import fake, table, varying

COUNT = "count ~ x + (x | g)"


@pytest.fixture(scope="module")
def fit():
    return fake(COUNT, "nbinom2", dispersion="~ z", zero_inflation="~ z + (1 | h)")


def test_the_parts_stand_in_the_order_of_the_core(fit):
    assert fit.parts == ("mean", "dispersion", "zero_inflation")
    assert [p.name for p in fit.predictors] == ["mean", "dispersion", "zero_inflation"]


def test_every_part_has_coefficients_errors_and_a_block_of_the_covariance(fit):
    assert fit.fixef.names == ("Intercept", "x")
    assert fit.fixef_of("zero_inflation").to_dict() == {"Intercept": 0.3, "z": 0.1}
    np.testing.assert_array_equal(fit.vcov_of("dispersion"), fit.solution.vcov[2:4, 2:4])
    assert_allclose(fit.stderr_of("dispersion").values ** 2, np.diag(fit.vcov_of("dispersion")))
    assert_allclose(fit.stderr.values**2, np.diag(fit.vcov))


def test_an_unknown_part_is_refused_with_the_known_ones(fit):
    with pytest.raises(ModelError, match=r"no part 'zero', but mean, dispersion, zero_inflation"):
        fit.fixef_of("zero")
    with pytest.raises(ModelError, match=r"no formula for 'dispersions'.* Did you mean"):
        fit.predictor("dispersions")


def test_a_part_without_a_formula_has_a_coefficient_but_no_predictor():
    fit = fake("count ~ x + (1 | g)", "nbinom2")
    assert fit.fixef_of("dispersion").to_dict() == {"Intercept": 0.3}
    with pytest.raises(ModelError, match="no formula for 'dispersion', but for mean"):
        fit.ranef(part="dispersion")


def test_random_effects_are_those_of_the_part_asked_for(fit):
    assert list(fit.ranef(cond_sd=True).columns) == [
        "g", "Intercept", "x", "Intercept_sd", "x_sd",
    ]  # fmt: skip
    assert_allclose(fit.ranef(cond_sd=True)["x_sd"], 0.2)
    zero = fit.ranef(part="zero_inflation")
    assert zero["h"].tolist() == [*"pqrs"]
    assert_allclose(zero["Intercept"], fit.solution.modes["zero_inflation"][0][:, 0])
    assert_allclose(fit.coef(part="zero_inflation")["Intercept"], 0.3 + zero["Intercept"])


def test_theta_lists_the_covariance_parameters_of_all_parts(fit):
    assert fit.theta_names == (
        "g.Intercept", "g.Intercept.x", "g.x", "zero_inflation.h.Intercept",
    )  # fmt: skip
    assert_allclose(fit.theta, [0.7, 0.0, 0.7, 0.7])
    assert_allclose(fit.varcorr_of("zero_inflation").terms[0].sd, 0.7)


def test_numbers_derived_from_the_likelihood_agree_with_it(fit):
    assert (fit.loglik, fit.objective, fit.df, fit.nobs, fit.df_residual) == (-100, 200, 5, 60, 55)
    assert fit.aic == 210
    assert_allclose(fit.bic, 200 + 5 * np.log(60))
    assert fit.ngroups == {"g": 6, "h": 4}


def test_rows_that_say_nothing_do_not_count():
    data = table().assign(m=lambda d: np.where(d.index == 3, 0, d["m"]))
    data["wins"] = np.minimum(data["wins"], data["m"])
    fit = fake("cbind(wins, m - wins) ~ x + (1 | g)", "binomial", data=data)
    assert fit.nobs == 59
    assert np.isfinite(fit.residuals()).all()


def test_a_dispersion_is_given_on_its_natural_scale():
    assert fake("y ~ (1 | g)", "gaussian").dispersion.to_dict() == {"sigma": np.exp(0.3)}
    assert fake("size ~ (1 | g)", "gamma").dispersion.to_dict() == {"alpha": np.exp(0.3)}
    assert len(fake("count ~ (1 | g)", "poisson").dispersion) == 0


def test_a_dispersion_that_varies_is_no_number(fit):
    assert np.isnan(fit.dispersion["phi"])


def test_only_gaussian_models_have_a_residual_standard_deviation(fit):
    assert fake("y ~ (1 | g)", "gaussian").sigma == np.exp(0.3)
    with pytest.raises(NotAvailableError, match=r"nbinom2 has no residual .* fit.dispersion"):
        _ = fit.sigma


def test_the_residual_standard_deviation_stands_among_the_components():
    assert fake("y ~ (1 | g)", "gaussian").varcorr.residual_sd == np.exp(0.3)
    assert fake("count ~ (1 | g)", "poisson").varcorr.residual_sd is None
    assert "Residual" not in repr(fake("count ~ (1 | g)", "poisson").varcorr)


def test_thresholds_are_named_after_the_categories_on_both_sides():
    fit = fake("grade ~ x + (1 | g)", "ordinal")
    assert fit.thresholds.to_dict() == {"low|mid": -0.5, "mid|high": 0.5}
    assert fit.fixef.names == ("x",)
    assert len(fake("count ~ (1 | g)", "poisson").thresholds) == 0


def test_a_column_left_out_is_nan_in_everything_about_it():
    data = table().assign(twice=lambda d: 2 * d["x"])
    fit = fake("count ~ x + twice + (1 | g)", "poisson", data=data,
               beta={"mean": [0.3, 0.1, np.nan]})  # fmt: skip
    assert fit.aliased == {"twice": "2 * x"}
    assert np.isnan(fit.stderr["twice"])
    assert np.isfinite(fit.fitted).all()


def test_linear_predictors_of_all_parts_are_on_the_rows():
    fit = fake("size ~ x + (1 | g)", "tweedie")
    assert {name: eta.shape for name, eta in fit.eta.items()} == {
        "mean": (60,), "dispersion": (60,), "shape": (60,),
    }  # fmt: skip
    np.testing.assert_array_equal(fit.linear_predictor, fit.eta["mean"])


def test_a_fit_cannot_be_changed(fit):
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.solution = None


# --- fitted values and residuals --------------------------------------------------------------


def test_fitted_values_of_trials_are_proportions():
    fit = fake("cbind(wins, m - wins) ~ x + (1 | g)", "binomial")
    assert_allclose(fit.fitted, 1 / (1 + np.exp(-fit.linear_predictor)))
    raw = table()["wins"] / table()["m"] - fit.fitted
    assert_allclose(fit.residuals("response"), raw)
    sd = np.sqrt(fit.fitted * (1 - fit.fitted) / table()["m"])
    assert_allclose(fit.residuals("pearson"), raw / sd)


def test_fitted_values_have_the_zeros_that_are_added():
    fit = fake("count ~ x + (1 | g)", "poisson", zero_inflation="~ z")
    share = 1 / (1 + np.exp(-fit.eta["zero_inflation"]))
    assert_allclose(fit.fitted, (1 - share) * np.exp(fit.linear_predictor))


def test_working_residuals_are_on_the_scale_of_the_link():
    fit = fake("count ~ x + (1 | g)", "poisson")
    assert_allclose(fit.residuals("working"), table()["count"] / fit.fitted - 1)


@pytest.mark.parametrize(
    ("formula", "family"),
    [
        ("y ~ x + (1 | g)", "gaussian"),
        ("cbind(wins, m - wins) ~ x + (1 | g)", "binomial"),
        ("yes ~ x + (1 | g)", "binomial"),
        ("count ~ x + (1 | g)", "poisson"),
        ("count ~ x + (1 | g)", "nbinom2"),
        ("size ~ x + (1 | g)", "gamma"),
        ("size ~ x + (1 | g)", "inverse_gaussian"),
        ("size ~ x + (1 | g)", "tweedie"),
    ],
)
def test_deviance_residuals_are_signed_and_near_pearsons_where_the_fit_is_near(formula, family):
    fit = fake(formula, family)
    deviance, raw = fit.residuals("deviance"), fit.residuals("response")
    np.testing.assert_array_equal(np.sign(deviance), np.sign(raw))
    assert np.isfinite(deviance).all()
    # Near the mean twice the log-likelihood lost is the squared Pearson residual, unscaled.
    slopes = np.polyfit(fit.residuals("pearson")[near(raw)], deviance[near(raw)], 1)
    assert slopes[0] > 0


def near(raw):
    return np.argsort(np.abs(raw))[:10]


def test_poisson_deviances_are_mccullagh_and_nelders():
    fit = fake("count ~ x + (1 | g)", "poisson")
    y, mu = table()["count"].to_numpy(float), fit.fitted
    log = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mu), 0)
    assert_allclose(fit.residuals("deviance") ** 2, 2 * (log - (y - mu)), atol=1e-12)


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("count ~ x + (1 | g)", "nbinom1", {}),
        ("count ~ x + (1 | g)", "poisson", {"zero_inflation": "~ 1"}),
    ],
)
def test_families_without_a_deviance_have_no_such_residuals(formula, family, options):
    with pytest.raises(NotAvailableError, match=r"aren't defined for .*kind='pearson'"):
        fake(formula, family, **options).residuals("deviance")


def test_an_unknown_kind_of_residual_is_refused(fit):
    with pytest.raises(DataError, match=r"kind must be one of 'response', .* found 'scaled'"):
        fit.residuals("scaled")


# --- simulation -------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_draws(fit):
    np.testing.assert_array_equal(fit.simulate(2, seed=3), fit.simulate(2, seed=3))
    assert fit.simulate(2, seed=3).shape == (60, 2)


def test_draws_have_the_mean_that_was_fitted():
    fit = fake("cbind(wins, m - wins) ~ x + (1 | g)", "binomial")
    draws = fit.simulate(4000, seed=1, conditional=True)
    assert draws.max(axis=1).max() <= table()["m"].max()
    assert_allclose(draws.mean(axis=1) / table()["m"], fit.fitted, atol=0.05)


def test_new_random_effects_are_drawn_for_every_part():
    fit = fake("count ~ 1 + (1 | g)", "poisson", zero_inflation="~ 1 + (1 | h)", sd=1.5)
    draws = fit.simulate(400, seed=1)
    ours = draws.reshape(6, 10, 400).mean(axis=1).std()
    kept = fit.simulate(400, seed=1, conditional=True).reshape(6, 10, 400).mean(axis=1)
    assert ours > kept.std(axis=1).mean()


def test_draws_of_categories_are_positions():
    draws = fake("grade ~ x + (1 | g)", "ordinal").simulate(5, seed=1)
    assert set(np.unique(draws)) == {0.0, 1.0, 2.0}


@pytest.mark.parametrize("nsim", [0, 1.5, "two"])
def test_a_number_of_draws_is_at_least_one(fit, nsim):
    with pytest.raises(DataError, match="nsim must be a whole number of at least 1"):
        fit.simulate(nsim)


# --- refitting --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, 2.0], r"each of the 60 rows fitted, found an array of shape \(2,\)"),
        (np.full(60, np.nan), "finite numbers, found nan in row 0"),
        (np.full(60, -1.0), "is negative in 60 row"),
        (["a"] * 60, "needs an array of numbers"),
    ],
)
def test_a_response_that_the_family_cannot_have_is_refused(fit, y, message):
    with pytest.raises(DataError, match=message):
        fit.refit(y)


def test_categories_are_refitted_by_position():
    fit = fake("grade ~ x + (1 | g)", "ordinal")
    with pytest.raises(DataError, match=r"positions of categories, 0 to 2, found .* rows 0, 1"):
        fit.refit(np.full(60, 3.0))


def test_categories_count_from_one_and_numbers_as_what_they_are():
    grades = pp.glmm("grade ~ x + (1 | g)", varying(), family="ordinal")
    chances = np.asarray(grades.predict(type="probabilities"))
    assert_allclose(grades.fitted, chances @ [1, 2, 3])
    raw = grades.residuals("response")
    assert_allclose(raw + grades.fitted, grades.response.values + 1)
    variance = chances @ [1, 4, 9] - grades.fitted**2
    assert_allclose(grades.residuals("pearson"), raw / np.sqrt(variance))
    scored = varying().assign(grade=lambda d: d["grade"].map({"low": 10, "mid": 20, "high": 40}))
    tens = pp.glmm("grade ~ x + (1 | g)", scored.astype({"grade": float}), family="ordinal")
    assert_allclose(tens.fitted, chances @ [10, 20, 40], rtol=1e-6)


@pytest.mark.parametrize("eta", [-800.0, -40.0, 40.0, 800.0])
@pytest.mark.parametrize("kind", ["response", "pearson", "deviance", "working"])
@pytest.mark.parametrize("family", ["binomial", "poisson", "nbinom2", "gamma"])
def test_residuals_at_the_end_of_a_range_are_quiet(family, kind, eta):
    formula = {"binomial": "yes", "gamma": "size"}.get(family, "count") + " ~ x + (1 | g)"
    fit = fake(formula, family)
    far = {part: np.full(60, eta) for part in fit.eta}
    moved = dataclasses.replace(fit, solution=dataclasses.replace(fit.solution, eta=far))
    residuals = moved.residuals(kind)
    assert residuals.shape == (60,)
    assert (residuals[moved.residuals("response") == 0] == 0).all()


def test_a_dispersion_of_ones_own_can_have_predictors():
    def log_density(y, mu, dispersion):
        return -np.log(dispersion) - 0.5 * ((y - mu) / dispersion) ** 2 - 0.5 * np.log(2 * np.pi)

    family = pp.families.Family("normal", log_density, link="identity")
    ours = pp.glmm("y ~ x + (1 | g)", varying(), family=family, dispersion="~ z")
    theirs = pp.glmm("y ~ x + (1 | g)", varying(), family="gaussian", dispersion="~ z")
    assert ours.loglik == pytest.approx(theirs.loglik, abs=1e-8)
    assert_allclose(ours.fixef_of("dispersion"), theirs.fixef_of("dispersion"), rtol=1e-4)
