"""Arguments, formulas and responses that a generalized model can't have, end to end."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, FormulaError, ModelError
from tests.unit.generalized.fakes import table

COUNT = "count ~ x + (1 | g)"


def fit(formula=COUNT, data=None, **options):
    options = {"family": "poisson"} | options
    return pp.glmm(formula, table() if data is None else data, **options)


def test_a_family_has_to_be_named():
    with pytest.raises(TypeError, match="family"):
        pp.glmm(COUNT, table())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "poison"}, "there is no family 'poison'. Did you mean 'poisson'?"),
        ({"family": 3}, "family must be a name such as 'binomial'"),
        ({"method": "agq"}, "method must be 'laplace', 'pql' or 'joint', found 'agq'"),
        ({"quadrature": 0}, "quadrature must be a whole number of nodes, .* found 0"),
        ({"quadrature": 2.5}, "quadrature must be a whole number of nodes, .* found 2.5"),
        ({"quadrature": True}, "quadrature must be a whole number of nodes, .* found True"),
        ({"reml": "yes"}, "reml must be True or False, found 'yes'"),
        ({"information": "fisher"}, "must be 'observed' or 'expected', found 'fisher'"),
        ({"missing": "ignore"}, "missing must be 'error' or 'drop', found 'ignore'"),
        ({"penalty": 0}, "penalty must be a positive number, .* found 0"),
        ({"penalty": "weak"}, "penalty must be a positive number, .* found 'weak'"),
        ({"penalty": True}, "penalty must be a positive number, .* found True"),
        ({"penalty": np.inf}, "penalty must be a positive number, .* found inf"),
    ],
)
def test_a_value_that_no_model_has_is_refused(options, message):
    with pytest.raises(DataError, match=message):
        fit(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quadrature": 5, "method": "joint"}, "quadrature=5 refines .* method is 'joint'"),
        ({"quadrature": 5, "method": "pql"}, "quadrature=5 refines .* method is 'pql'"),
        ({"quadrature": 5, "reml": True}, "reml=True integrates .* Use one of the two"),
        ({"quadrature": 5, "information": "expected"}, "information='expected' is the Laplace"),
        ({"method": "pql", "information": "expected"}, "always uses it. Leave it out"),
        ({"reml": True, "information": "expected"}, "glmer, which has no REML"),
        ({"family": "nbinom1", "information": "expected"}, "is known for .* found nbinom1"),
        ({"zero_inflation": "~ 1", "information": "expected"}, "poisson with zero_inflation="),
        (
            {"family": "nbinom2", "dispersion": "~ (1 | h)", "information": "expected"},
            r"random effects of the mean, but the model has \(1 \| h\) in dispersion=",
        ),
        ({"dispersion": "~ x"}, "poisson has none. For counts that vary more use 'nbinom2'"),
        ({"family": "nbinom2", "method": "pql"}, "method='pql' is for binomial, .* found nbinom2"),
        ({"method": "pql", "zero_inflation": "~ x"}, "models the mean only, found zero_inflation="),
        ({"method": "pql", "dispersion": "~ x"}, "models the mean only, found dispersion='~ x'"),
    ],
)
def test_arguments_that_do_not_go_together_are_refused(options, message):
    with pytest.raises(ModelError, match=message):
        fit(**options)


def test_zero_inflation_is_for_counts():
    with pytest.raises(ModelError, match="zero_inflation= is for counts, but the family is gamma"):
        fit("size ~ x + (1 | g)", family="gamma", zero_inflation="~ 1")


def test_quadrature_is_for_one_grouping_factor():
    with pytest.raises(ModelError, match=r"quadrature=5 needs one grouping factor.* has g, h"):
        fit("count ~ x + (1 | g) + (1 | h)", quadrature=5)


def test_quadrature_counts_the_factors_of_all_parts():
    with pytest.raises(ModelError, match=r"needs one grouping factor.* has g, h"):
        fit(zero_inflation="~ (1 | h)", quadrature=5)


def test_quadrature_is_for_three_effects_at_most():
    with pytest.raises(ModelError, match=r"up to 3 random effects .* g has 4, .* 5\^4 nodes"):
        fit("count ~ x + (x + f | g)", quadrature=5)


def test_quadrature_needs_random_effects():
    with pytest.raises(ModelError, match=r"quadrature=5 integrates .* the model has none"):
        fit("count ~ x", quadrature=5)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"zero_inflation": "x"}, FormulaError, "this formula begins with '~'"),
        ({"zero_inflation": "count ~ x"}, FormulaError, "nothing can stand left of '~' here"),
        ({"zero_inflation": "~ count"}, FormulaError, "the response count is also a predictor"),
        ({"zero_inflation": True}, FormulaError, "a formula is a text such as '~ x', found bool"),
        ({"zero_inflation": "~ nothing"}, DataError, "there is no column 'nothing'"),
        ({"family": "nbinom2", "dispersion": "~ 0"}, ModelError, "dispersion='~ 0' has no columns"),
    ],
)
def test_a_formula_of_another_part_is_refused_as_the_means_is(options, error, message):
    with pytest.raises(error, match=message):
        fit(**options)


def test_thresholds_take_the_place_of_an_ordinal_models_intercept():
    with pytest.raises(ModelError, match=r"none to leave out of 'grade ~ 0 \+ x"):
        fit("grade ~ 0 + x + (1 | g)", family="ordinal")


@pytest.mark.parametrize(
    ("formula", "family", "column", "value", "message"),
    [
        (COUNT, "poisson", "count", -1.0, r"count is negative in 1 row\(s\): row 4"),
        (COUNT, "nbinom2", "count", 1.5, r"count is not a whole number in 1 row\(s\): row 4"),
        ("size ~ x", "gamma", "size", 0.0, r"size is zero in 1 row\(s\): row 4"),
        ("size ~ x", "tweedie", "size", -2.0, r"size is negative in 1 row\(s\): row 4"),
        ("yes ~ x", "binomial", "yes", 2.0, r"yes is neither 0 nor 1 in 1 row\(s\): row 4"),
        ("cbind(wins, m - wins) ~ x", "binomial", "wins", 99.0, "more successes than trials"),
    ],
)
def test_a_response_that_the_family_cannot_have_is_refused_by_row(
    formula, family, column, value, message
):
    data = table().astype({column: float})
    data.loc[4, column] = value
    with pytest.raises(DataError, match=message):
        fit(formula, data, family=family)


def test_three_labels_are_no_binomial_response():
    data = table().assign(f=lambda d: d["f"].astype(str))
    with pytest.raises(DataError, match="has 3 classes"):
        fit("f ~ x + (1 | g)", data, family="binomial")


def test_missing_values_are_counted_over_all_formulas():
    data = table()
    data.loc[[2, 3], "z"] = np.nan
    with pytest.raises(DataError, match=r"'z' in 2 row\(s\)"):
        fit(data=data, zero_inflation="~ z")


def test_a_cell_of_text_among_numbers_is_shown():
    data = table().assign(count=lambda d: d["count"].astype(object))
    data.loc[7, "count"] = "many"
    with pytest.raises(DataError, match=r"holds text in 1 row\(s\): row 7, .* \('many'\)"):
        pp.glmm("count ~ x + (1 | g)", data, family="poisson")


@pytest.mark.parametrize(("far", "what"), [(-800.0, "underflows"), (800.0, "overflows")])
def test_an_offset_out_of_range_is_told_by_its_direction(far, what):
    offset = np.where(np.arange(60) == 3, far, 0.0)
    with pytest.raises(DataError, match=f"row 3, beside a median of 0: .* which {what}"):
        pp.glmm("count ~ x + (1 | g)", table(), family="poisson", offset=offset)


def test_a_family_without_a_function_is_refused():
    with pytest.raises(DataError, match=r"log_density of the family 'x' must be a function .* 3"):
        pp.families.Family("x", 3)
    with pytest.raises(DataError, match="variance of the family 'x' must be a function or None"):
        pp.families.Family("x", lambda y, mu: -((y - mu) ** 2), variance=1.0)
    with pytest.raises(DataError, match="a family's name is text, found 3"):
        pp.families.Family(3, lambda y, mu: -((y - mu) ** 2))


def test_refit_says_what_it_needs_in_its_own_words():
    fit = pp.glmm("count ~ x + (1 | g)", table(), family="poisson")
    with pytest.raises(DataError, match=r"is negative in 60 row.* such as fit.simulate\(\) draws"):
        fit.refit(np.full(60, -1.0))
    with pytest.raises(DataError, match=r"shape \(60, 3\). Fit the columns one by one"):
        fit.refit(fit.simulate(3, seed=1))
    assert np.isfinite(fit.refit(fit.simulate(seed=1)).loglik)


def test_a_gaussian_effect_of_every_row_is_refused():
    data = table().assign(row=np.arange(60))
    with pytest.raises(ModelError, match="'row' has 60 levels in 60 rows; with a Gaussian"):
        pp.glmm("y ~ x + (1 | row)", data, family="gaussian")
    assert pp.glmm("count ~ x + (1 | row)", data, family="poisson").converged


@pytest.mark.parametrize(
    ("family", "y"), [("gaussian", "x"), ("student_t", "x"), ("gamma", "exp(x)")]
)
def test_a_response_that_is_fitted_exactly_is_refused(family, y):
    with pytest.raises(ModelError, match="is fitted exactly in all 60 rows"):
        pp.glmm(
            f"{y} ~ {'x' if family == 'gamma' else 'I(2 * x)'} + (1 | g)", table(), family=family
        )


def test_a_response_that_is_constant_in_groups_is_refused():
    data = table().assign(y=lambda d: d["g"].map(ord) * 1.0)
    with pytest.raises(ModelError, match="constant in every group"):
        pp.glmm("y ~ x + (1 | g)", data, family="gaussian")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "family", ["gaussian", "student_t", "gamma", "inverse_gaussian", "tweedie"]
)
def test_a_measurement_whose_square_overflows_is_named(family):
    data = table()
    n = len(data["x"])
    data["y"] = np.where(np.arange(n) == 3, 1e160, 1.0 + np.arange(n))
    with pytest.raises(DataError, match=r"y is beyond 1e\+100 in 1 row\(s\): row 3.*larger unit"):
        fit("y ~ x + (1 | g)", data, family=family)


@pytest.mark.parametrize("family", ["gaussian", "gamma", "poisson"])
def test_dates_are_no_response(family):
    data = dict(table())
    data["day"] = np.datetime64("2020-01-01") + (7 * np.arange(len(data["x"])) ** 2 % 50)
    with pytest.raises(DataError, match=r"response day must be numeric, found dates.*as\.numeric"):
        fit("day ~ x + (1 | g)", data, family=family)
    with pytest.raises(DataError, match="Subtract a date"):
        pp.lmm("day ~ x + (1 | g)", data)
    days = pp.lmm("as.numeric(day) ~ x + (1 | g)", data)
    duration = data | {"day": data["day"] - np.datetime64("1970-01-01")}
    assert pp.lmm("day ~ x + (1 | g)", duration).objective == pytest.approx(days.objective)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.filterwarnings("ignore::partialpool.errors.ConvergenceWarning")
def test_counts_of_an_enormous_mean_are_drawn():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=60), rng.poisson(2, 60).astype(float)
    y[7] = 1e11
    data = {"y": y, "x": x, "g": np.repeat(np.arange(10), 6)}
    found = fit("y ~ x + (1 | g)", data, family="poisson").quantile_residuals(seed=1)
    assert 0.0 <= found.dispersion.p_value <= 1.0
    eta = {"mean": np.full(4, 70.0), "dispersion": np.zeros(4), "shape": np.zeros(4)}
    for family in (pp.families.Tweedie(), pp.families.NegativeBinomial(), pp.families.Poisson()):
        drawn = family.simulate(eta, np.random.default_rng(2))
        assert (drawn > 1e20).all()
