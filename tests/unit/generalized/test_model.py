"""Real fits: figures of lme4 and glmmTMB, and what one kind of model says of another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from tests.unit.generalized.fakes import varying

GRADES = pl.Enum(["low", "mid", "high"])
CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
OWLS = "SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest)"


@pytest.fixture(scope="module")
def cbpp():
    return pp.glmm(CBPP, pp.load_dataset("cbpp"), family="binomial")


@pytest.fixture(scope="module")
def owls():
    return pp.glmm(
        OWLS,
        pp.load_dataset("Owls"),
        family=pp.families.NegativeBinomial(kind=1),
        zero_inflation="~ FoodTreatment + (1 | Nest)",
    )


# --- figures of other programs ------------------------------------------------------------------


def test_cbpp_is_fitted_as_by_lme4(cbpp):
    """lme4 1.1-31, glmer with PIRLS tolerance 1e-13, polished: good to 1e-7."""
    assert_allclose(cbpp.objective, 184.052564, atol=1e-5)
    assert_allclose(cbpp.fixef.values, [-1.398344, -0.991925, -1.128217, -1.579744], atol=6e-4)
    assert_allclose(cbpp.varcorr.terms[0].sd, [0.642261], rtol=1e-5)
    assert_allclose(cbpp.stderr["Intercept"], 0.232479, rtol=1e-4)
    assert cbpp.df_residual == 51


@pytest.mark.parametrize(
    ("options", "objective"),
    [
        ({"quadrature": 5}, 183.968076),
        ({"quadrature": 25}, 183.966738),
        ({"method": "joint"}, 184.108591),
        ({"information": "expected"}, 184.052564),
        ({"family": pp.families.Binomial("probit"), "information": "expected"}, 185.242447),
    ],
)
def test_the_other_approximations_are_lme4_s_too(options, objective):
    """lme4 1.1-31; with quadrature, the saturated log-likelihood that it leaves out added."""
    fit = pp.glmm(CBPP, pp.load_dataset("cbpp"), **({"family": "binomial"} | options))
    assert_allclose(fit.objective, objective, atol=1e-5)


def test_owls_are_fitted_as_by_glmmtmb(owls):
    """glmmTMB 1.1.5, family nbinom1, ziformula ~ FoodTreatment + (1 | Nest)."""
    assert_allclose(owls.objective, 3321.216230, atol=1e-5)
    assert_allclose(owls.fixef_of("zero_inflation").values, [-2.674318, 2.112455], rtol=1e-4)
    assert_allclose(owls.stderr_of("zero_inflation").values, [0.392595, 0.346371], rtol=1e-4)
    assert_allclose(owls.dispersion["phi"], 3.804560, rtol=1e-4)


def test_a_dispersion_formula_is_glmmtmb_s():
    """glmmTMB 1.1.5, dispformula ~ DOY, family nbinom2."""
    data = pp.load_dataset("Salamanders")
    fit = pp.glmm("count ~ spp + mined + (1 | site)", data, family="nbinom2", dispersion="~ DOY")
    assert_allclose(fit.objective, 1650.994538, atol=1e-5)
    assert_allclose(fit.fixef_of("dispersion").values, [-0.057471, -0.172469], rtol=1e-4)
    assert_allclose(fit.stderr_of("dispersion").values, [0.137008, 0.147972], rtol=1e-4)


def test_random_effects_and_their_spread_are_lme4_s(cbpp):
    """lme4 1.1-31, ranef(condVar = TRUE)."""
    frame = cbpp.ranef(cond_sd=True).set_index("herd").loc[["1", "15"]]
    assert np.isfinite(frame.to_numpy()).all()
    # The conditional variance of a level in a model with one random intercept.
    W = cbpp.response.trials * cbpp.fitted * (1 - cbpp.fitted)
    herd = cbpp.design.random[0].factor
    total = np.bincount(herd.codes, W)
    sd = 1 / np.sqrt(total + 1 / cbpp.varcorr.terms[0].sd[0] ** 2)
    assert_allclose(cbpp.ranef(cond_sd=True)["Intercept_sd"], sd, rtol=1e-6)


# --- the same model said differently ------------------------------------------------------------


def test_every_form_of_a_binomial_response_is_the_same_model(cbpp):
    data = pp.load_dataset("cbpp")
    share = pp.glmm(
        "I(incidence / size) ~ period + (1 | herd)", data, family="binomial", weights="size"
    )
    assert_allclose(share.objective, cbpp.objective, rtol=1e-10)
    assert share.response.weights is None


def test_two_labels_are_zero_and_one():
    data = varying().assign(word=lambda d: np.where(d["yes"] == 1, "yes", "no"))
    words = pp.glmm("word ~ x + (1 | g)", data, family="binomial")
    numbers = pp.glmm("yes ~ x + (1 | g)", data, family="binomial")
    assert words.objective == numbers.objective


def test_weights_count_rows_more_than_once():
    data = varying()
    twice = data.iloc[np.repeat(np.arange(240), 2)]
    weighted = pp.glmm("count ~ x + (1 | g)", data, family="poisson", weights=np.full(240, 2.0))
    doubled = pp.glmm("count ~ x + (1 | g)", twice, family="poisson")
    assert_allclose(weighted.objective, doubled.objective, rtol=1e-9)


def test_an_offset_argument_is_an_offset_of_the_formula():
    data = varying()
    first = pp.glmm("count ~ x + (1 | g)", data, family="poisson", offset="z / 2")
    second = pp.glmm("count ~ x + offset(z / 2) + (1 | g)", data, family="poisson")
    assert first.objective == second.objective


def test_of_a_normal_response_laplaces_approximation_is_exact():
    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = pp.glmm(formula, sleep, family="gaussian")
    linear = pp.lmm(formula, sleep, reml=False)
    assert_allclose(fit.objective, linear.objective, rtol=1e-10)
    assert_allclose(fit.sigma, linear.sigma, rtol=1e-5)
    assert_allclose(fit.predict(se=True)["estimate"], linear.predict(), rtol=1e-6)


def test_standard_errors_of_predictions_know_that_the_covariances_are_estimates():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.glmm("Reaction ~ Days + (Days | Subject)", sleep, family="gaussian")
    # predict(se.fit = TRUE) of glmmTMB 1.1.5, subject 308.
    theirs = [12.945135, 11.065934, 9.466487, 8.309931, 7.795937]
    assert_allclose(fit.predict(se=True)["std_error"][:5], theirs, rtol=2e-6)


def test_standard_errors_with_zero_inflation_know_the_random_effects_of_both_parts():
    fit = pp.glmm(
        "SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest)",
        pp.load_dataset("Owls"),
        family="nbinom1",
        zero_inflation="~ FoodTreatment + (1 | Nest)",
    )
    # predict(se.fit = TRUE) of glmmTMB 1.1.5, the first two rows.
    both = fit.predict(se=True)[:2]
    assert_allclose(both["estimate"], [6.985854851, 3.176030381], rtol=5e-6)
    assert_allclose(both["std_error"], [1.1036068497, 0.9138245723], rtol=5e-6)
    zeros = fit.predict(type="zero_probability", se=True)["std_error"][:2]
    assert_allclose(zeros, [0.05262853477, 0.13415201164], rtol=5e-6)


def test_without_random_terms_it_is_a_generalized_linear_model():
    fit = pp.glmm("count ~ x + z", varying(), family="poisson")
    assert_allclose(fit.design.X.T @ (fit.response.values - fit.fitted), 0, atol=1e-4)
    assert fit.criterion == "exact likelihood"
    assert fit.ngroups == {}


def test_no_zero_inflation_can_be_said_as_in_r():
    data = varying()
    fit = pp.glmm("count ~ x + (1 | g)", data, family="poisson", zero_inflation="~ 0")
    assert fit.parts == ("mean",)


def test_truncated_counts_with_zeros_are_a_hurdle():
    fit = pp.glmm("count ~ x + (1 | g)", varying(), family="truncated_poisson",
                  zero_inflation="~ z")  # fmt: skip
    zero = pp.glmm("I(count == 0) ~ z", varying(), family="binomial")
    assert_allclose(fit.fixef_of("zero_inflation").values, zero.fixef.values, rtol=1e-5)


def test_an_ordinal_model_of_two_categories_is_binomial():
    data = varying().assign(two=lambda d: pd.Categorical(d["yes"], [0, 1], ordered=True))
    ordinal = pp.glmm("two ~ x + (1 | g)", data, family="ordinal")
    binomial = pp.glmm("yes ~ x + (1 | g)", data, family="binomial")
    assert_allclose(ordinal.objective, binomial.objective, atol=1e-6)
    assert_allclose(ordinal.fixef["x"], binomial.fixef["x"], rtol=1e-4)
    assert_allclose(-ordinal.thresholds[0], binomial.fixef["Intercept"], rtol=1e-4)


# --- what is done with a fit --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "family", "options"),
    [
        ("cbind(wins, m - wins) ~ x + f + (x | g)", "binomial", {}),
        ("count ~ x + (1 | g) + (1 | h)", "nbinom2", {}),
        ("count ~ x + (1 | g)", "poisson", {"zero_inflation": "~ z + (1 | h)"}),
        ("size ~ x + (1 | g)", "gamma", {"dispersion": "~ z"}),
        ("grade ~ x + (1 | g)", "ordinal", {}),
        ("y ~ x + (1 | g)", "student_t", {}),
    ],
)
def test_every_fit_can_do_everything(formula, family, options):
    data = pl.from_pandas(varying()).with_columns(pl.col("grade").cast(GRADES).to_physical())
    fit = pp.glmm(formula, data, family=family, **options)
    assert fit.converged
    assert np.isfinite(fit.residuals()).all()
    assert isinstance(fit.ranef("g", cond_sd=True), pl.DataFrame)
    assert isinstance(fit.coef("g"), pl.DataFrame)
    assert isinstance(fit.tidy(), pl.DataFrame)
    assert np.isfinite(fit.predict(type="link", se=True)["std_error"].to_numpy()).all() or options
    again = fit.refit(fit.simulate(1, seed=2)[:, 0])
    assert again.parts == fit.parts
    assert "fixed effects" in str(fit).lower()


def test_a_refit_of_the_same_response_is_the_same_fit(cbpp):
    again = cbpp.refit(cbpp.response.values)
    assert again.objective == cbpp.objective
    np.testing.assert_array_equal(again.fixef.values, cbpp.fixef.values)


def test_a_population_mean_is_that_of_many_new_herds(cbpp):
    rows = cbpp.simulate(4000, seed=1) / cbpp.response.trials[:, None]
    first = pp.load_dataset("cbpp")["period"].to_numpy() == "1"
    mean = cbpp.predict({"period": ["1"]}, type="population")
    # 4,000 draws of 15 herds leave a standard error of about 5e-4.
    assert_allclose(rows[first].mean(), mean[0], atol=2e-3)


def test_fits_are_compared(cbpp):
    data = pp.load_dataset("cbpp")
    small = pp.glmm(CBPP.replace("period", "1"), data, family="binomial")
    none = pp.glmm(CBPP.replace(" + (1 | herd)", ""), data, family="binomial")
    comparison = pp.compare(cbpp, small, none)
    assert [model.npar for model in comparison.models] == [2, 4, 5]
    assert_allclose(comparison.models[2].statistic, none.objective - cbpp.objective)


def test_a_linear_model_compares_with_a_generalized_one_of_densities():
    data = varying()
    linear = pp.lmm("y ~ x + (1 | g)", data, reml=False)
    heavy = pp.glmm("y ~ x + (1 | g)", data, family="student_t")
    assert pp.compare(linear, heavy).models[1].npar == 5
    with pytest.raises(ModelError, match="don't compare: the likelihood of one is a product of"):
        pp.compare(
            pp.lmm("count ~ x + (1 | g)", data, reml=False),
            pp.glmm("count ~ x + (1 | g)", data, family="poisson"),
        )


def test_other_approximations_do_not_compare(cbpp):
    other = pp.glmm(CBPP, pp.load_dataset("cbpp"), family="binomial", quadrature=5)
    with pytest.raises(ModelError, match=r"different approximations .* fit2 by adaptive"):
        pp.compare(cbpp, other)


def test_other_trials_do_not_compare(cbpp):
    data = pp.load_dataset("cbpp").assign(size=lambda d: d["size"] + 1)
    with pytest.raises(DataError, match=r"their numbers of trials differ in 56 row"):
        pp.compare(cbpp, pp.glmm(CBPP, data, family="binomial"))


def test_rows_left_out_are_those_of_all_formulas():
    data = varying()
    data.loc[[0, 5], "z"] = np.nan
    data.loc[7, "x"] = np.nan
    fit = pp.glmm(
        "count ~ x + (1 | g)", data, family="poisson", zero_inflation="~ z", missing="drop"
    )
    assert fit.nobs == 237
    assert "3 rows of 240 left out for missing values: x in 1 and z in 2." in " ".join(
        str(fit).split()
    )


def test_a_covariate_that_does_not_apply_everywhere_leaves_its_column_there():
    data = varying()
    late = data["h"] > "h4"
    data = data.assign(z=np.where(late, data["z"], np.nan), late=late * 1)
    fit = pp.glmm(
        "count ~ x + (1 | g)",
        data,
        family="poisson",
        zero_inflation="~ 1 + z",
        applicable={"z": "late == 1"},
    )
    np.testing.assert_array_equal(fit.designs["zero_inflation"].X[~late, 1], 0.0)
    new = {"x": [1.0], "z": [np.nan], "late": [0]}
    assert np.isfinite(fit.predict(new, random="none")).all()


def geometric(**functions):
    return pp.families.Family(
        "geometric",
        lambda y, mu: y * np.log(mu) - (y + 1) * np.log1p(mu),
        support="counts",
        **functions,
    )


def test_a_family_of_ones_own_is_fitted_like_any_other():
    own = pp.glmm("count ~ x + (1 | g)", varying(), family=geometric())
    negative = pp.glmm("count ~ x + (1 | g)", varying(), family="nbinom2")
    # The geometric distribution is the negative binomial one of phi = 1.
    assert pp.compare(own, negative).models[1].statistic > 0
    assert np.isfinite(own.predict(se=True)["std_error"]).all()


def test_without_a_variance_there_are_no_pearson_residuals_but_all_the_rest():
    fit = pp.glmm("count ~ x + (1 | g)", varying(), family=geometric())
    assert "residuals" not in str(fit)
    assert fit.augment()["pearson"].isna().all()
    with pytest.raises(NotAvailableError, match="has no variance"):
        fit.residuals()
    given = pp.glmm(
        "count ~ x + (1 | g)", varying(), family=geometric(variance=lambda mu: mu * (1 + mu))
    )
    assert "Scaled (Pearson) residuals" in str(given)


def test_restricted_likelihoods_of_other_fixed_effects_do_not_compare():
    data = varying()
    small = pp.glmm("yes ~ x + (1 | g)", data, family="binomial", reml=True)
    large = pp.glmm("yes ~ x + z + (1 | g)", data, family="binomial", reml=True)
    with pytest.raises(ModelError, match="restricted likelihoods compare only if"):
        pp.compare(small, large)
    with pytest.raises(ModelError, match="some fits are by REML"):
        pp.compare(small, pp.glmm("yes ~ x + z + (1 | g)", data, family="binomial"))


def test_standard_errors_do_not_depend_on_the_units_of_the_response():
    data = varying()
    fit = pp.glmm("y ~ x + (1 | g)", data, family="gaussian")
    large = pp.glmm("y ~ x + (1 | g)", data.assign(y=data["y"] * 2e4), family="gaussian")
    assert_allclose(np.asarray(large.stderr) / 2e4, np.asarray(fit.stderr), rtol=1e-2)
    assert "Correlation" in str(large)
