"""Conditional effects of every kind of fit, against predictions and by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit, logit

import partialpool as pp
from partialpool.design import Typical

NORMAL = 1.959963984540054


def numbers(seed=1, n=240):
    """Rows of a linear, a count, a binary and an ordered response."""
    rng = np.random.default_rng(seed)
    g = np.arange(n) % 12
    x, z = rng.uniform(1, 9, n), rng.normal(50, 10, n)
    f, h = np.array(["a", "b", "c"])[rng.integers(3, size=n)], rng.integers(2, size=n) > 0
    week = rng.integers(1, 4, size=n)
    eta = 0.3 * np.log(x) + 0.02 * (z - 50) + 0.4 * (f == "b") + 0.3 * rng.normal(size=12)[g]
    latent = eta + rng.logistic(size=n)
    return pd.DataFrame(
        {
            "y": eta + 0.5 * rng.normal(size=n),
            "count": np.where(rng.random(n) < 0.2, 0, rng.poisson(np.exp(eta))),
            "yes": (latent > 0.4).astype(int),
            "grade": pd.Categorical.from_codes(
                np.digitize(latent, [0.0, 1.5]), ["low", "mid", "high"], ordered=True
            ),
            "x": x,
            "z": z,
            "f": f,
            "h": h,
            "week": week,
            "area": rng.uniform(1, 4, n),
            "g": g,
        }
    )


DATA = numbers()
LINEAR = "y ~ ns(x, df=3) * f + log(z) + poly(area, 2) + h + factor(week) + (1 | g)"


@pytest.fixture(scope="module")
def linear():
    return pp.lmm(LINEAR, DATA)


@pytest.fixture(scope="module")
def inflated():
    formula = "count ~ x * f + offset(log(area)) + (1 | g)"
    return pp.glmm(formula, DATA, family="poisson", zero_inflation="~ z")


@pytest.fixture(scope="module")
def binary():
    return pp.glmm("yes ~ x + f + (1 | g)", DATA, family="binomial")


@pytest.fixture(scope="module")
def ordered():
    return pp.glmm("grade ~ x + f + (1 | g)", DATA, family="ordinal")


@pytest.fixture(scope="module")
def posterior():
    return pp.bmm("y ~ x * f + z + (x | g)", DATA, draws=300, tune=300, seed=1)


# --- rows -------------------------------------------------------------------------------------


def test_a_covariate_runs_over_its_range_and_the_others_are_held(linear):
    table = linear.effects("x")
    assert len(table) == 101
    assert (table["x"].min(), table["x"].max()) == (DATA["x"].min(), DATA["x"].max())
    assert_allclose(
        table[["z", "area"]].drop_duplicates(), [[DATA["z"].mean(), DATA["area"].mean()]]
    )
    first = table[["f", "h", "week"]].drop_duplicates().to_numpy().tolist()
    assert first == [["a", False, 1]]


def test_a_factor_takes_its_levels(linear):
    assert linear.effects("f")["f"].tolist() == ["a", "b", "c"]
    assert linear.effects("week")["week"].tolist() == [1, 2, 3]
    assert linear.effects("h")["h"].tolist() == [False, True]


def test_a_covariate_in_by_stands_at_its_mean_and_a_standard_deviation_either_side(linear):
    values = linear.effects("f", by="z")["z"].drop_duplicates()
    mean, sd = DATA["z"].mean(), DATA["z"].std(ddof=0)
    assert_allclose(values, [mean - sd, mean, mean + sd])


def test_values_in_by_stay_where_the_data_are():
    skewed = DATA.assign(x=np.where(np.arange(240) < 2, 400.0, DATA["y"] > 1))
    values = pp.lmm("y ~ x + f + (1 | g)", skewed).effects("f", by="x")["x"].drop_duplicates()
    assert values.min() == skewed["x"].min()


def test_at_chooses_values_of_any_column(linear):
    table = linear.effects("x", by="f", at={"x": [2, 5], "f": ["c"], "z": 40, "h": True})
    assert table[["x", "f", "z", "h"]].to_numpy().tolist() == [
        [2, "c", 40, True],
        [5, "c", 40, True],
    ]


def test_rows_of_weight_zero_have_no_part_in_the_range():
    wild = pd.concat([DATA, DATA[:1].assign(x=1e6)], ignore_index=True).assign(w=1.0)
    wild.loc[240, "w"] = 0.0
    table = pp.lmm("y ~ x + (1 | g)", wild, weights="w").effects("x")
    assert table["x"].max() == DATA["x"].max()


# --- linear models ----------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "by"), [("x", "f"), ("z", ["f", "h"]), ("f", "week"), ("area", ())])
def test_a_linear_model_expects_what_it_predicts(linear, x, by):
    table = linear.effects(x, by)
    assert_allclose(table["estimate"], linear.predict(table, random="none"), rtol=1e-12)


def test_intervals_of_a_linear_model_are_those_of_its_means(linear):
    held = {"z": 47.0, "area": 2.0, "h": True, "week": 2, "x": [2.0, 4.0, 8.0]}
    table = linear.effects("x", by="f", at=held, level=0.9)
    means = linear.means(["x", "f"], at=held, level=0.9)
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    assert_allclose(table[names], means[names], rtol=1e-12)


def test_a_straight_line_is_lmertests():
    # lmerTest 3.1.3, lme4 1.1-31: contest1D(m, c(1, 9), confint = TRUE).
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    row = fit.effects("Days", at={"Days": [9]}).iloc[0]
    numbers = row[["estimate", "std_error", "conf_low", "conf_high"]].astype(float)
    # lme4's search ends some 1e-6 from the optimum.
    assert_allclose(numbers, [345.610678, 14.6288155, 314.746559, 376.474798], rtol=3e-6)


def test_rows_that_went_by_in_batches_have_the_same_effects():
    formula = "y ~ x * f + log(z) + offset(area) + (1 | g)"
    whole = pp.lmm(formula, DATA).effects("x", by="z")
    streamed = pp.stream_lmm(formula, lambda: iter([DATA[:100], DATA[100:]])).effects("x", by="z")
    # Sums of products over other batches are rounded otherwise.
    pd.testing.assert_frame_equal(streamed, whole, rtol=1e-7)


def test_a_saved_model_has_the_same_effects(linear, tmp_path):
    linear.save(tmp_path / "fit.model")
    again = pp.load(tmp_path / "fit.model")
    pd.testing.assert_frame_equal(again.effects("z", by="f"), linear.effects("z", by="f"))


def test_an_offsets_column_is_held_at_its_mean_even_in_a_saved_model(tmp_path):
    fit = pp.lmm("y ~ x + offset(log(area)) + (1 | g)", DATA)
    fit.save(tmp_path / "fit.model")
    for one in (fit, pp.load(tmp_path / "fit.model")):
        table = one.effects("x")
        assert_allclose(table["area"], DATA["area"].mean())
        assert_allclose(table["estimate"], fit.predict(table, random="none"), rtol=1e-12)


def test_an_offset_given_as_an_array_is_held_at_a_number():
    fit = pp.lmm("y ~ x + (1 | g)", DATA, offset=np.asarray(DATA["area"]))
    table = fit.effects("x", at={"x": [2.0, 4.0]}, offset=1.5)
    want = fit.predict(table[["x"]], random="none", offset=np.array([1.5, 1.5]))
    assert_allclose(table["estimate"], want)
    low = fit.effects("x", at={"x": [2.0, 4.0]})
    assert_allclose(table["conf_low"] - low["conf_low"], 1.5)


# --- generalized models -----------------------------------------------------------------------


def test_the_mean_of_zero_inflated_counts_is_what_is_predicted(inflated):
    table = inflated.effects("x", by="f")
    assert_allclose(table["area"], DATA["area"].mean())
    want = inflated.predict(table, random="none", se=True)
    assert_allclose(table["estimate"], want["estimate"], rtol=1e-12)
    assert_allclose(table["std_error"], want["std_error"], rtol=1e-12)


def test_a_column_of_the_zero_inflation_moves_the_mean_and_not_its_link(inflated):
    table = inflated.effects("z", at={"z": [30.0, 70.0]})
    assert abs(table["estimate"].diff()[1]) > 0.01
    with pytest.raises(pp.errors.DataError, match="'z' is no column on which"):
        inflated.effects("z", scale="link")


def test_intervals_of_a_mixed_mean_are_normal_on_the_scale_of_its_logarithm(inflated):
    table = inflated.effects("x", at={"x": [2.0, 8.0]})
    half = NORMAL * table["std_error"] / table["estimate"]
    assert_allclose(table["conf_low"], table["estimate"] * np.exp(-half), rtol=1e-9)
    assert_allclose(table["conf_high"], table["estimate"] * np.exp(half), rtol=1e-9)


def test_intervals_of_a_probability_are_those_of_its_linear_predictor(binary):
    table = binary.effects("x", by="f", at={"x": [2.0, 8.0]})
    X = np.column_stack([np.ones(6), table["x"], table["f"] == "b", table["f"] == "c"]).astype(
        float
    )
    eta, error = X @ binary.fixef.values, np.sqrt(np.einsum("ij,jk,ik->i", X, binary.vcov, X))
    assert_allclose(table["estimate"], expit(eta))
    assert_allclose(table["std_error"], expit(eta) * expit(-eta) * error)
    assert_allclose(table["conf_low"], expit(eta - NORMAL * error))
    assert_allclose(table["conf_high"], expit(eta + NORMAL * error))
    link = binary.effects("x", by="f", at={"x": [2.0, 8.0]}, scale="link")
    assert_allclose(link["estimate"], eta)
    assert_allclose(link["conf_low"], eta - NORMAL * error)


def test_a_decreasing_link_keeps_low_below_high():
    rng = np.random.default_rng(3)
    data = DATA.assign(wait=rng.gamma(4.0, 1 / (4 * (0.5 + 0.1 * DATA["x"]))))
    fit = pp.glmm("wait ~ x + (1 | g)", data, family=pp.families.Gamma("inverse"))
    table = fit.effects("x")
    assert (table["conf_low"] < table["estimate"]).all()
    assert (table["estimate"] < table["conf_high"]).all()


def test_numbers_are_glmmtmbs():
    # glmmTMB 1.1.5: predict(m, new, type = "response", re.form = NA, se.fit = TRUE).
    formula = (
        "SiblingNegotiation ~ FoodTreatment * ArrivalTime + offset(log(BroodSize)) + (1 | Nest)"
    )
    owls = pp.load_dataset("Owls")
    fit = pp.glmm(formula, owls, family="nbinom2", zero_inflation="~ 1")
    table = fit.effects("ArrivalTime", by="FoodTreatment", at={"ArrivalTime": [22, 28]})
    # Its search stops a little earlier than ours, and its second derivatives are differences.
    assert_allclose(table["estimate"], [9.781609, 5.317713, 6.266686, 4.911410], rtol=3e-6)
    errors = [0.9127622, 0.5756805, 0.7258849, 0.7431393]
    assert_allclose(table["std_error"], errors, rtol=1e-4)


def test_categories_have_probabilities_with_logit_intervals(ordered):
    table = ordered.effects("x", by="f", at={"x": [2.0, 5.0, 8.0]})
    assert table["category"].tolist()[:4] == ["low", "mid", "high", "low"]
    wide = table.drop_duplicates(["x", "f"])[["x", "f"]]
    want = ordered.predict(wide, random="none", se=True)
    assert_allclose(table["estimate"], np.asarray(want)[:, :3].ravel())
    p, error = table["estimate"], np.asarray(want)[:, 3:].ravel()
    assert_allclose(table["std_error"], error)
    half = NORMAL * error / (p * (1 - p))
    assert_allclose(table["conf_low"], expit(logit(p) - half))
    assert_allclose(table["conf_high"], expit(logit(p) + half))


def test_the_link_scale_of_categories_is_one_line(ordered):
    table = ordered.effects("x", scale="link")
    assert "category" not in table
    assert_allclose(table["estimate"], ordered.predict(table, random="none", type="link"))


# --- posteriors -------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["response", "link"])
def test_a_posterior_has_the_intervals_of_its_predictions(posterior, scale):
    table = posterior.effects("x", by="f", scale=scale, level=0.8)
    want = posterior.predict(
        table, random="none", type=scale, se=True, interval="confidence", level=0.8
    )
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    assert_allclose(table[names], want[names])


def test_a_posterior_of_categories_has_that_of_each():
    # Draws from priors are draws, and need no search.
    fit = pp.bmm(
        "grade ~ x + f + (1 | g)", DATA, family="ordinal", engine="prior", draws=200, seed=1
    )
    table = fit.effects("f")
    want = fit.predict(table[::3], random="none", interval="confidence")
    assert_allclose(table["estimate"], np.asarray(want[["low", "mid", "high"]]).ravel())
    lows = want[[f"{name}_conf_low" for name in ("low", "mid", "high")]]
    assert_allclose(table["conf_low"], np.asarray(lows).ravel())


def test_a_posterior_of_counts_holds_offsets_and_adds_zeros():
    formula = "count ~ x + offset(log(area)) + (1 | g)"
    fit = pp.bmm(
        formula, DATA, family="poisson", zero_inflation="~ z", engine="prior", draws=200, seed=1
    )
    table = fit.effects("z")
    assert_allclose(table["area"], DATA["area"].mean())
    assert_allclose(table["estimate"], fit.predict(table, random="none"))


def test_priors_have_effects_too(posterior):
    assert np.isfinite(posterior.prior(100, seed=1).effects("f")["estimate"]).all()


# --- covariates that don't apply --------------------------------------------------------------


def test_where_x_does_not_apply_there_is_no_effect():
    data = DATA.assign(wait=np.where(DATA["f"] == "b", DATA["z"], np.nan))
    fit = pp.lmm("y ~ 0 + f + wait + (1 | g)", data, applicable="auto")
    table = fit.effects("wait", by="f")
    assert table[table["f"] == "b"]["estimate"].notna().all()
    assert table[table["f"] != "b"]["estimate"].isna().all()
    here = table[table["f"] == "b"]
    assert_allclose(here["estimate"], fit.predict(here, random="none"))


def test_a_covariate_is_taken_to_apply_where_nothing_says_otherwise():
    made = pp.load_dataset("manufacturing")
    slopes = "0 + feed_speed + pull_acceleration + cutting_wait_time"
    fit = pp.lmm(
        f"production_speed ~ {slopes} + ({slopes} || product_group)", made, applicable="auto"
    )
    row = fit.effects("feed_speed", at={"feed_speed": 2.0}).iloc[0]
    held = made["pull_acceleration"].mean(), made["cutting_wait_time"].mean()
    assert_allclose(row["estimate"], np.dot(fit.fixef.values, [2.0, *held]))


def test_combinations_that_the_data_never_had_are_nan():
    seen = DATA[~((DATA["f"] == "b") & DATA["h"])]
    fit = pp.lmm("y ~ f * h + (1 | g)", seen)
    table = fit.effects("f", by="h")
    assert table["estimate"].isna().tolist() == [False, False, False, False, True, False]


# --- tables -----------------------------------------------------------------------------------


def test_the_table_comes_in_the_kind_of_the_data():
    frame = pl.from_pandas(DATA[["y", "x", "f", "g"]])
    table = pp.lmm("y ~ x + f + (1 | g)", frame).effects("x", by="f")
    assert isinstance(table, pl.DataFrame)
    names = ["x", "f", "estimate", "std_error", "conf_low", "conf_high"]
    assert table.columns == names


# --- bad questions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            {"x": "xx"},
            "'xx' is no column on which the expected response .*Did you mean 'x'",
        ),
        ({"x": "y"}, "'y' is no column on which"),
        ({"x": "g"}, "'g' is a grouping factor, whose effects are random and held at zero"),
        ({"x": "f", "by": "g"}, "'g' is a grouping factor"),
        ({"x": "x", "by": "x"}, "'x' stands in by= too"),
        ({"x": "x", "by": ["f", "h", "z"]}, "by= takes up to two columns, found 3: 'f', 'h', 'z'"),
        ({"x": ["x"]}, r"effects takes the name of one column, found \['x'\]"),
        ({"x": "x", "by": 3}, "found 3"),
        ({"x": "x", "at": [1]}, r"at must give values by column.*found \[1\]"),
        ({"x": "x", "at": {"u": 1}}, "'u' is no column on which"),
        ({"x": "x", "at": {"z": [1, 2]}}, "at= has 2 values for 'z', which is held at one"),
        ({"x": "x", "at": {"z": []}}, "at= has no value for 'z'"),
        ({"x": "x", "at": {"z": None}}, "at= has no value for 'z'"),
        ({"x": "x", "at": {"z": "abc"}}, "'z'"),
        ({"x": "f", "at": {"f": 1}}, "'f'"),
        ({"x": "x", "at": {"f": "d"}}, "'d'"),
        ({"x": "x", "scale": "log"}, "scale must be 'link' or 'response', found 'log'"),
        ({"x": "x", "level": 95}, "write 0.95"),
        ({"x": "x", "offset": np.inf}, "offset must be a finite number"),
        ({"x": "x", "at": {"x": range(100_001)}}, "100,001 combinations"),
    ],
)
def test_a_bad_question_is_answered_in_words(linear, call, words):
    with pytest.raises(pp.errors.DataError, match=words):
        linear.effects(**call)


def test_a_column_with_random_effects_alone_moves_nothing():
    fit = pp.lmm("y ~ x + (1 + z | g)", DATA)
    with pytest.raises(pp.errors.DataError, match="'z' has random effects only"):
        fit.effects("z")


def test_a_model_of_an_intercept_has_no_effects():
    fit = pp.lmm("y ~ 1 + (1 | g)", DATA)
    with pytest.raises(pp.errors.DataError, match="fixed effects are none"):
        fit.effects("x")


def test_an_offset_of_columns_takes_no_number():
    fit = pp.lmm("y ~ x + offset(area) + (1 | g)", DATA)
    with pytest.raises(pp.errors.DataError, match="change the column instead"):
        fit.effects("x", offset=1.0)


def test_a_fit_that_does_not_know_where_a_column_lies_asks_for_values(linear):
    spec = linear.design.spec
    unknown = replace(spec, typical={**spec.typical, "x": Typical(None)})
    fit = replace(linear, design=replace(linear.design, spec=unknown))
    for call in ({"x": "x"}, {"x": "f", "by": "x"}, {"x": "f"}):
        with pytest.raises(pp.errors.DataError, match=r"where the values of 'x' lie.*at=\{'x'"):
            fit.effects(**call)
    assert fit.effects("x", at={"x": [2.0]})["estimate"].notna().all()


# --- prediction intervals ---------------------------------------------------------------------


def test_prediction_intervals_of_a_linear_model_are_those_of_its_predictions():
    fit = pp.lmm("y ~ x + f + offset(area) + (x | g)", DATA)
    table = fit.effects("x", by="f", interval="prediction", level=0.8)
    new = table[["x", "f", "area"]].assign(g=99)
    want = fit.predict(new, new_levels="population", interval="prediction", level=0.8)
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    assert_allclose(table[names], want[names], rtol=1e-12)


def test_prediction_intervals_of_least_squares_are_by_t():
    fit = pp.lmm("y ~ x", DATA)
    table = fit.effects("x", interval="prediction")
    want = fit.predict(table, interval="prediction")
    assert_allclose(table["conf_high"], want["conf_high"])


def test_a_posterior_predicts_rows_of_new_groups(posterior):
    table = posterior.effects("x", by="f", interval="prediction", seed=3)
    new = table[["x", "f", "z"]].assign(g=99)
    want = posterior.predict(new, new_levels="sample", interval="prediction", seed=3)
    assert_allclose(table["estimate"], want["estimate"])
    # Ends are quantiles of other draws, 1,200 of each row, of a tenth of a width's noise.
    width = np.mean(want["conf_high"] - want["conf_low"])
    assert_allclose(table["conf_low"], want["conf_low"], atol=0.1 * width)
    assert_allclose(table["conf_high"], want["conf_high"], atol=0.1 * width)
    again = posterior.effects("x", by="f", interval="prediction", seed=3)
    pd.testing.assert_frame_equal(again, table)


def test_a_prediction_band_is_smooth(posterior):
    table = posterior.effects("x", at={"f": "a"}, interval="prediction", seed=3)
    new = table[["x", "f", "z"]].assign(g=99)
    apart = posterior.predict(new, new_levels="sample", interval="prediction", seed=3)

    def roughness(low):
        return np.abs(np.diff(low, n=2)).mean()

    assert roughness(table["conf_low"]) < 0.2 * roughness(apart["conf_low"])


def test_predictions_of_counts_have_whole_ends():
    fit = pp.bmm("count ~ x + (1 | g)", DATA, family="poisson", engine="prior", draws=200, seed=1)
    table = fit.effects("x", at={"x": [2.0, 3.0]}, interval="prediction", level=0.5, seed=1)
    assert (table["conf_high"] >= table["conf_low"]).all()
    assert (table["conf_low"] >= 0).all()


def test_prediction_intervals_that_are_not_there_are_refused(linear, binary, posterior):
    refused = pytest.raises
    with refused(pp.errors.NotAvailableError, match="no prediction intervals of a generalized"):
        binary.effects("x", interval="prediction")
    with refused(pp.errors.NotAvailableError, match="a new response has no link scale"):
        posterior.effects("x", interval="prediction", scale="link")
    ordered = pp.bmm("grade ~ x + (1 | g)", DATA, family="ordinal", engine="prior", seed=1)
    with refused(pp.errors.NotAvailableError, match="a new response is a category"):
        ordered.effects("x", interval="prediction")
    slopes = pp.lmm("y ~ x + (1 + z | g)", DATA)
    with refused(pp.errors.NotAvailableError, match="'z' moves responses and not their expect"):
        slopes.effects("x", interval="prediction")
    with refused(pp.errors.DataError, match="interval must be 'confidence' or 'prediction'"):
        linear.effects("x", interval="credible")
    with refused(pp.errors.DataError, match="seed"):
        linear.effects("x", seed="a")
