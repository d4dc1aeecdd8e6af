"""Predictions on every scale, from estimates made by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.stats import norm

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError, PartialPoolWarning
from tests.unit.generalized.fakes import fake, table

NEW = {"x": [0.5, -1.0], "z": [1.0, 0.0], "g": ["b", "e"], "h": ["q", "p"]}


def expit(eta):
    return 1 / (1 + np.exp(-np.asarray(eta)))


@pytest.fixture(scope="module")
def binomial():
    return fake("cbind(wins, m - wins) ~ x + (1 | g)", "binomial")


@pytest.fixture(scope="module")
def inflated():
    return fake("count ~ x + (1 | g)", "poisson", zero_inflation="~ z + (1 | h)")


@pytest.fixture(scope="module")
def ordinal():
    return fake("grade ~ x + (1 | g)", "ordinal")


# --- scales -----------------------------------------------------------------------------------


def test_the_rows_fitted_are_predicted_as_fitted(binomial, inflated):
    for fit in (binomial, inflated):
        assert_allclose(fit.predict(), fit.fitted)
        assert_allclose(fit.predict(type="link"), fit.linear_predictor)


def test_the_latent_scale_is_that_of_the_link(binomial):
    np.testing.assert_array_equal(binomial.predict(type="latent"), binomial.predict(type="link"))


def test_new_rows_get_the_effects_of_their_levels(binomial):
    b = binomial.ranef()["Intercept"].to_numpy()
    eta = 0.3 + 0.1 * np.array([0.5, -1.0]) + b[[1, 4]]
    assert_allclose(binomial.predict(NEW, type="link"), eta)
    assert_allclose(binomial.predict(NEW), expit(eta))


def test_without_random_effects_no_group_is_needed(binomial):
    assert_allclose(binomial.predict({"x": [1.0]}, random="none"), expit([0.4]))


def test_zero_inflation_has_scales_of_its_own(inflated):
    kinds = ("response", "conditional", "zero_probability")
    mean, conditional, zero = (inflated.predict(NEW, type=kind) for kind in kinds)
    assert_allclose(conditional, np.exp(inflated.predict(NEW, type="link")))
    assert_allclose(mean, (1 - zero) * conditional)
    b = inflated.ranef(part="zero_inflation")["Intercept"].to_numpy()
    assert_allclose(zero, expit(0.3 + 0.1 * np.array([1.0, 0.0]) + b[[1, 0]]))


def test_a_named_group_counts_in_every_part(inflated):
    zero = inflated.predict(NEW, type="zero_probability", random=["g"])
    assert_allclose(zero, expit([0.4, 0.3]))
    link = inflated.predict(NEW, type="link", random=["h"])
    assert_allclose(link, [0.35, 0.2])


def test_a_dispersion_is_predicted_on_its_natural_scale():
    fit = fake("count ~ x + (1 | g)", "nbinom2", dispersion="~ z")
    assert_allclose(fit.predict(NEW, type="dispersion"), np.exp([0.4, 0.3]))


def test_ordinal_responses_are_probabilities_or_classes(ordinal):
    frame = ordinal.predict(NEW)
    assert list(frame) == ["low", "mid", "high"]
    eta = ordinal.predict(NEW, type="link")
    assert_allclose(frame["low"], expit(-0.5 - eta))
    assert_allclose(frame["high"], 1 - expit(0.5 - eta))
    assert_allclose(ordinal.predict(NEW, type="probabilities")["mid"], frame["mid"])
    assert ordinal.predict(NEW, type="class").tolist() == ["high", "low"]


def test_a_row_that_lacks_a_value_is_nan(inflated):
    new = {**NEW, "z": [np.nan, 0.0]}
    assert np.isnan(inflated.predict(new)).tolist() == [True, False]
    assert np.isfinite(inflated.predict(new, type="conditional")).all()


def test_predictions_are_of_the_kind_that_came_in(ordinal):
    assert isinstance(ordinal.predict(pl.DataFrame(NEW)), pl.DataFrame)
    frame = ordinal.predict(pd.DataFrame(NEW, index=[7, 9]))
    assert frame.index.tolist() == [7, 9]


def test_an_offset_array_is_asked_for_again():
    fit = fake("count ~ x + (1 | g)", "poisson", offset=np.ones(60))
    with pytest.raises(DataError, match="Pass offset= for these"):
        fit.predict(NEW)
    plain = fake("count ~ x + (1 | g)", "poisson")
    assert_allclose(fit.predict(NEW, offset=[1.0, 2.0]), plain.predict(NEW) * np.exp([1.0, 2.0]))


# --- new levels -------------------------------------------------------------------------------


def test_a_new_level_of_any_part_is_refused_by_name(inflated):
    with pytest.raises(DataError, match=r"'h' has 1 level\(s\) that the fit hasn't seen: 'new'"):
        inflated.predict({**NEW, "h": ["q", "new"]})


def test_a_new_level_can_count_as_the_population(binomial):
    new = {"x": [1.0], "g": ["new"]}
    assert_allclose(binomial.predict(new, new_levels="population"), expit([0.4]))


# --- means over the random effects ------------------------------------------------------------


def exact(function, eta, sd):
    return quad(lambda u: function(eta + sd * u) * norm.pdf(u), -12, 12, epsabs=1e-12)[0]


def test_a_population_mean_is_the_integral_over_the_random_effects(binomial):
    mean = binomial.predict({"x": [1.0, -2.0]}, type="population")
    assert_allclose(mean, [exact(expit, 0.4, 0.7), exact(expit, 0.1, 0.7)], rtol=1e-9)


def test_a_population_mean_is_short_for_a_corrected_one(binomial):
    new = {"x": [1.0, -2.0]}
    np.testing.assert_array_equal(
        binomial.predict(new, type="population"),
        binomial.predict(new, random="none", bias_correct=True),
    )


def test_a_log_normal_mean_is_known_in_closed_form():
    fit = fake("count ~ x + (x | g)", "poisson")
    x = np.array([0.0, 1.0, -2.0])
    variance = 0.49 * (1 + x**2)
    mean = np.exp(0.3 + 0.1 * x + variance / 2)
    assert_allclose(fit.predict({"x": x}, type="population"), mean, rtol=1e-9)


def test_parts_with_random_effects_are_averaged_together(inflated):
    mean = inflated.predict({"x": [1.0], "z": [2.0]}, type="population")
    share = exact(expit, 0.5, 0.7)
    assert_allclose(mean, (1 - share) * np.exp(0.4 + 0.49 / 2), rtol=1e-6)


def test_a_new_level_is_averaged_over_and_a_known_one_is_not(binomial):
    new = {"x": [1.0, 1.0], "g": ["b", "new"]}
    mean = binomial.predict(new, new_levels="population", bias_correct=True)
    assert_allclose(mean[0], binomial.predict({"x": [1.0], "g": ["b"]})[0])
    assert_allclose(mean[1], exact(expit, 0.4, 0.7), rtol=1e-9)


def test_nothing_is_averaged_on_the_scale_of_the_link(binomial):
    new = {"x": [1.0]}
    assert_allclose(binomial.predict(new, type="link", random="none", bias_correct=True), [0.4])


def test_probabilities_of_the_population_sum_to_one(ordinal):
    frame = ordinal.predict({"x": [1.0]}, type="population")
    low = exact(lambda eta: expit(-0.5 - eta), 0.3, 0.7)
    assert_allclose(frame["low"], [low], rtol=1e-9)
    assert_allclose(sum(frame[name] for name in ("low", "mid", "high")), [1.0])


def test_a_model_without_random_terms_is_its_own_population():
    fit = fake("count ~ x", "poisson")
    assert_allclose(fit.predict(type="population"), fit.fitted)


# --- standard errors --------------------------------------------------------------------------


def test_errors_on_the_link_scale_are_the_joint_ones(binomial):
    both = binomial.predict(NEW, type="link", se=True)
    assert_allclose(both["std_error"], 0.5)


def test_errors_of_the_mean_are_by_the_delta_method(binomial):
    both = binomial.predict(NEW, se=True)
    mu = both["estimate"]
    assert_allclose(both["std_error"], 0.5 * mu * (1 - mu), rtol=1e-6)


def test_a_new_level_adds_its_variance(binomial):
    new = {"x": [1.0], "g": ["new"]}
    both = binomial.predict(new, type="link", se=True, new_levels="population")
    assert_allclose(both["std_error"], np.sqrt(0.25 + 0.49))


def test_errors_without_random_effects_are_those_of_the_coefficients(binomial):
    both = binomial.predict({"x": [1.0]}, type="link", random="none", se=True)
    assert_allclose(both["std_error"], np.sqrt([[1, 1] @ binomial.vcov @ [1, 1]]), rtol=1e-6)


def test_errors_carry_the_coefficients_of_all_parts(inflated):
    both = inflated.predict({"x": [1.0], "z": [0.0]}, random="none", se=True)
    mu, share = np.exp(0.4), expit(0.3)
    slopes = np.array([(1 - share) * mu, (1 - share) * mu, -share * (1 - share) * mu, 0.0])
    assert_allclose(
        both["std_error"], np.sqrt([slopes @ inflated.solution.vcov @ slopes]), rtol=1e-6
    )


def test_errors_of_a_population_mean_are_those_of_the_coefficients():
    fit = fake("count ~ x + (1 | g)", "poisson")
    both = fit.predict({"x": [1.0]}, type="population", se=True)
    assert_allclose(
        both["std_error"], both["estimate"] * np.sqrt([1, 1] @ fit.vcov @ [1, 1]), rtol=1e-6
    )


def test_errors_of_the_rows_fitted_come_in_the_kind_of_the_data(binomial):
    frame = binomial.predict(se=True)
    assert list(frame.columns) == ["estimate", "std_error"]
    assert len(frame) == 60


def test_probabilities_have_errors_behind_the_names_of_their_categories(ordinal):
    frame = ordinal.predict(NEW, se=True)
    labels = ordinal.response.levels
    assert list(frame) == [*labels, *(f"{label}_std_error" for label in labels)]
    assert_allclose(frame[labels[0]], ordinal.predict(NEW)[labels[0]])


def test_the_error_of_the_lowest_category_is_that_of_its_threshold_less_the_predictor():
    rng = np.random.default_rng(6)
    x, g = rng.normal(size=300), np.arange(300) % 10
    latent = x + rng.normal(size=10)[g] + rng.logistic(size=300)
    rated = {"x": x, "g": g, "rating": np.digitize(latent, [-1.0, 1.0])}
    fit = pp.glmm("rating ~ x + (1 | g)", rated, family="ordinal")
    at = np.array([-1.0, 0.0, 2.0])
    frame = fit.predict({"x": at}, random="none", se=True)
    # P(lowest) = F(threshold - x beta), with the covariance of both; coefficients stand as in beta.
    assert [len(fit.solution.beta[part]) for part in ("mean", "thresholds")] == [1, 2]
    L = np.column_stack([-at, np.ones(3), np.zeros(3)])
    error = np.sqrt(np.einsum("ij,jk,ik->i", L, fit.solution.vcov, L))
    p = np.asarray(frame["0"])
    # The slopes are differences in steps of 6e-6, exact to ten digits or so.
    assert_allclose(frame["0_std_error"], p * (1 - p) * error, rtol=1e-8)


@pytest.mark.parametrize("random", ["all", "none"])
def test_two_ordered_categories_have_the_errors_of_a_binomial_model(random):
    rng = np.random.default_rng(5)
    x, g = rng.normal(size=300), np.arange(300) % 10
    y = (x + rng.normal(size=10)[g] + rng.logistic(size=300) > 0).astype(int)
    data = {"x": x, "g": g, "y": y}
    ordered = pp.glmm("y ~ x + (1 | g)", data, family="ordinal").predict(se=True, random=random)
    binomial = pp.glmm("y ~ x + (1 | g)", data, family="binomial").predict(se=True, random=random)
    # Two searches end at one optimum, to their tolerances.
    assert_allclose(ordered["1"], binomial["estimate"], rtol=1e-5)
    for category in ("0", "1"):
        assert_allclose(ordered[f"{category}_std_error"], binomial["std_error"], rtol=1e-4)


def test_a_most_probable_category_has_no_error(ordinal):
    with pytest.raises(DataError, match="has no standard error: ask for type='probabilities'"):
        ordinal.predict(NEW, type="class", se=True)


def test_the_conditional_mean_has_errors_though_there_are_more_zeros(inflated):
    both = inflated.predict(NEW, type="conditional", se=True)
    assert_allclose(both["std_error"], 0.5 * both["estimate"], rtol=1e-6)


# --- bad arguments ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"type": "mean"}, DataError, "type must be one of 'response', .* found 'mean'"),
        ({"new_levels": "drop"}, DataError, "must be 'error' or 'population', found 'drop'"),
        ({"random": ["k"]}, DataError, r"random='k' is neither a grouping factor \(g\)"),
        ({"random": 3}, DataError, "random must be 'all', 'none' or a list"),
        ({"inapplicable": "drop"}, DataError, "must be 'error' or 'ignore', found 'drop'"),
        ({"type": "zero_probability"}, ModelError, "needs a model with zero inflation"),
        ({"type": "dispersion"}, ModelError, "needs a model with dispersion"),
        ({"type": "class"}, ModelError, "needs a model with ordinal categories"),
    ],
)
def test_what_cannot_be_predicted_is_refused(binomial, options, error, message):
    with pytest.raises(error, match=message):
        binomial.predict(NEW, **options)


def test_missing_columns_are_named(inflated):
    with pytest.raises(DataError, match=r"lack the column\(s\) 'z'"):
        inflated.predict({name: NEW[name] for name in ("x", "g", "h")})


def test_the_table_of_the_tests_has_every_kind_of_response():
    assert set(table()) >= {"count", "wins", "grade", "size", "y"}


@pytest.mark.parametrize("type_", ["link", "conditional"])
def test_columns_of_parts_that_take_no_part_need_not_be_known(inflated, type_):
    few = {name: NEW[name] for name in ("x", "g")}
    assert_allclose(inflated.predict(few, type=type_), inflated.predict(NEW, type=type_))


def test_the_zero_part_alone_needs_its_own_columns_only(inflated):
    few = {name: NEW[name] for name in ("z", "h")}
    expected = inflated.predict(NEW, type="zero_probability")
    assert_allclose(inflated.predict(few, type="zero_probability"), expected)


def without_a_cell():
    """Make counts and grades without rows of one combination of two factors."""
    rng = np.random.default_rng(0)
    a, b = rng.choice([*"uw"], 200), rng.choice([*"xyz"], 200)
    kept = (a != "w") | (b != "z")
    y = rng.poisson(2, 200)
    columns = {"a": a, "b": b, "g": rng.integers(0, 12, 200), "y": y}
    return {name: values[kept] for name, values in columns.items()} | {
        "grade": np.minimum(y, 2)[kept]
    }


CELLS = {"a": ["u", "w", "w"], "b": ["z", "z", "x"], "g": [1, 2, 3]}


@pytest.mark.parametrize(
    "asked", [{}, {"type": "link"}, {"se": True}, {"type": "population", "se": True}]
)
def test_a_cell_that_the_data_never_had_is_no_number(asked):
    fit = pp.glmm("y ~ a * b + (1 | g)", without_a_cell(), family="poisson")
    with pytest.warns(PartialPoolWarning, match=r"1 row\(s\) are predicted as NaN: 1\."):
        found = fit.predict(CELLS, **asked)
    for values in found.values() if "se" in asked else [found]:
        assert np.isfinite(values).tolist() == [True, False, True]


def test_a_cell_that_zero_inflation_never_had_matters_where_it_enters():
    data = without_a_cell()
    fit = pp.glmm("y ~ a + (1 | g)", data, family="poisson", zero_inflation="~ a * b")
    with pytest.warns(PartialPoolWarning, match="zero inflation's fixed part"):
        assert np.isnan(fit.predict(CELLS)).tolist() == [False, True, False]
    assert np.isfinite(fit.predict(CELLS, type="conditional")).all()


def test_a_row_without_probabilities_has_no_most_probable_class():
    fit = pp.glmm("grade ~ a * b + (1 | g)", without_a_cell(), family="ordinal")
    with pytest.warns(PartialPoolWarning, match="predicted as NaN"):
        assert [value is None for value in fit.predict(CELLS, type="class")] == [False, True, False]


@pytest.mark.parametrize(
    ("family", "pole"),
    [
        (pp.families.Gamma("inverse"), "inverse"),
        (pp.families.InverseGaussian("1/mu^2"), "inverse_squared"),
    ],
)
def test_a_mean_that_has_no_average_over_random_effects_is_refused(family, pole):
    rng = np.random.default_rng(4)
    g = np.arange(300) % 20
    eta = 2.0 + 0.3 * rng.normal(size=20)[g]
    y = rng.gamma(20.0, (1 / eta if pole == "inverse" else eta**-0.5) / 20.0)
    fit = pp.glmm("y ~ 1 + (1 | g)", {"y": y, "g": g}, family=family)
    with pytest.raises(NotAvailableError, match=f"with the {pole} link the mean has no average"):
        fit.predict(type="population")
    with pytest.raises(NotAvailableError, match="diverges"):
        fit.predict({"g": [99]}, new_levels="population", bias_correct=True)
    # Nothing is averaged over, so that nothing diverges.
    assert np.isfinite(fit.predict(random="none")).all()
    np.testing.assert_allclose(fit.predict(bias_correct=True), fit.predict())
