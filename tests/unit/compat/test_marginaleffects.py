"""marginaleffects takes our fits, and finds what means and slopes find.

Runs where marginaleffects and a polars it works with are installed: see .ci/run.
"""

import numpy as np
import pandas as pd
import polars
import pyarrow
import pytest

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError

# The dev extra can't bring it, since it needs an older polars: .ci/run has a step for it.
me = pytest.importorskip("marginaleffects")

from partialpool.compat.marginaleffects import adapt  # noqa: E402

# Where it can't differentiate exactly, its derivatives in the coefficients are forward differences.
RTOL = 1e-5
# Of slopes, which are differences already, in steps that leave digits to them.
STEP = 1e-3


@pytest.fixture(scope="module")
def rats():
    data = pp.load_dataset("ratpup")
    fit = pp.lmm("weight ~ treatment * sex + litsize + (1 | litter)", data)
    return fit, data, adapt(fit, data)


@pytest.fixture(scope="module")
def ticks():
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + HEIGHT + (1 | LOCATION)", data, family="nbinom2")
    return fit, data, adapt(fit, data)


def close(theirs, ours, columns=("estimate", "std_error")):
    for column in columns:
        np.testing.assert_allclose(theirs[column].to_numpy(), ours[column].to_numpy(), rtol=RTOL)


def test_predictions_are_those_without_random_effects(rats):
    fit, data, model = rats
    found = me.predictions(model)
    ours = fit.predict(random="none", se=True)
    close(found, ours)
    assert found.height == len(data)


def test_average_predictions_on_a_balanced_grid_are_means(rats):
    fit, _, model = rats
    found = me.avg_predictions(model, newdata="balanced", by="treatment").sort("treatment")
    close(found, fit.means("treatment"))


def test_average_comparisons_on_a_balanced_grid_are_contrasts(rats):
    fit, _, model = rats
    found = me.avg_comparisons(model, variables={"treatment": "pairwise"}, newdata="balanced")
    ours = fit.means("treatment", contrasts="pairwise", adjust="none")
    theirs = {row["contrast"]: row for row in found.iter_rows(named=True)}
    assert len(theirs) == len(ours) == 3
    for row in ours.itertuples():
        first, second = row.contrast.split(" - ")
        same = f"{first} - {second}" in theirs
        other = theirs[f"{first} - {second}" if same else f"{second} - {first}"]
        np.testing.assert_allclose(other["estimate"] * (1 if same else -1), row.estimate, rtol=RTOL)
        np.testing.assert_allclose(other["std_error"], row.std_error, rtol=RTOL)


def test_slopes_are_ours(rats):
    fit, _, model = rats
    found = me.avg_slopes(model, variables="litsize", eps_vcov=STEP)
    close(found, fit.slopes("litsize"))


def test_slopes_of_a_spline_at_a_value_are_ours():
    data = pp.load_dataset("Orthodont")
    fit = pp.lmm("distance ~ bs(age, df=3) * Sex + (1 | Subject)", data)
    model = adapt(fit, data)
    grid = me.datagrid(model, age=[10.0], Sex=["Male", "Female"])
    close(
        me.slopes(model, variables="age", newdata=grid, eps_vcov=STEP),
        fit.slopes("age", by="Sex", at={"age": 10.0}),
    )


@pytest.mark.filterwarnings("error")
def test_slopes_at_the_boundary_knots_warn_of_nothing():
    data = pp.load_dataset("Orthodont")
    fit = pp.lmm("distance ~ bs(age, df=3) + (1 | Subject)", data)
    assert np.isfinite(me.avg_slopes(adapt(fit, data))["estimate"].to_numpy()).all()


def test_hypotheses_have_the_coefficients_and_their_errors(rats):
    fit, _, model = rats
    found = me.hypotheses(model)
    assert found["term"].to_list() == list(fit.fixef.names)
    np.testing.assert_allclose(found["estimate"], fit.fixef.values)
    np.testing.assert_allclose(found["std_error"], fit.stderr.values, rtol=RTOL)
    both = me.hypotheses(model, "b1 - b2 = 0")
    tested = fit.test("`treatment[T.High]` - `treatment[T.Low]` = 0", ddf="z").single
    close(both, pd.DataFrame({"estimate": tested.estimate, "std_error": tested.std_error}))


def test_covariances_of_other_kinds_have_names(rats):
    fit, _, model = rats
    found = me.hypotheses(model, vcov="kenward-roger")
    np.testing.assert_allclose(
        found["std_error"], fit.tidy(ddf="kenward-roger")["std_error"][: len(fit.fixef)], rtol=RTOL
    )
    robust = me.hypotheses(model, vcov="CR2")["std_error"]
    np.testing.assert_allclose(robust, fit.robust_tests()["std_error"], rtol=RTOL)
    assert "std_error" not in me.predictions(model, vcov=False).columns
    with pytest.raises(DataError, match="vcov='HC3': there are True, a matrix"):
        me.hypotheses(model, vcov="HC3")


def test_counts_are_predicted_on_their_own_scale(ticks):
    fit, _, model = ticks
    close(me.predictions(model), fit.predict(random="none", se=True))
    link = adapt(fit, ticks[1], scale="link")
    close(me.predictions(link), fit.predict(type="link", random="none", se=True))


def test_ratios_of_counts_are_contrasts_on_the_response_scale(ticks):
    fit, _, model = ticks
    found = me.avg_comparisons(
        model, variables="YEAR", comparison="lnratioavg", newdata="balanced", transform=np.exp
    )
    ours = fit.means("YEAR", contrasts="pairwise", scale="response")
    assert ours["contrast"][0] == "95 / 96"
    np.testing.assert_allclose(1 / found["estimate"][0], ours["estimate"][0], rtol=RTOL)


def test_averages_of_counts_on_the_link_scale_are_means(ticks):
    fit, data, _ = ticks
    link = adapt(fit, data, scale="link")
    found = me.avg_predictions(link, newdata="balanced", by="YEAR").sort("YEAR")
    close(found, fit.means("YEAR"))


def test_every_linear_predictor_has_its_share_of_the_errors():
    data = pp.load_dataset("grouseticks")
    formula = "TICKS ~ HEIGHT + (1 | LOCATION)"
    fit = pp.glmm(formula, data, family="poisson", zero_inflation="~ HEIGHT")
    model = adapt(fit, data)
    close(me.predictions(model), fit.predict(random="none", se=True))
    assert me.hypotheses(model)["term"].to_list()[-1] == "zero_inflation.HEIGHT"


def test_categories_are_groups():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 15)
    x = rng.normal(size=300)
    latent = x + rng.normal(size=20)[g] + rng.logistic(size=300)
    grade = pd.Categorical.from_codes(
        np.digitize(latent, [-1.0, 1.0]), ["low", "mid", "high"], ordered=True
    )
    data = pd.DataFrame({"grade": grade, "x": x, "g": g})
    fit = pp.glmm("grade ~ x + (1 | g)", data, family="ordinal")
    found = me.predictions(adapt(fit, data)).sort("group", "rowid")
    ours = fit.predict(type="probabilities", random="none")
    for level in ("low", "mid", "high"):
        theirs = found.filter(found["group"] == level)["estimate"]
        np.testing.assert_allclose(theirs, ours[level], rtol=1e-10)
    slopes = me.avg_slopes(adapt(fit, data))
    assert abs(slopes["estimate"].sum()) < 1e-8


def test_offsets_and_left_out_columns_and_rows_are_the_fits():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=80), "g": np.arange(80) % 8})
    data["t"] = rng.uniform(1, 3, 80)
    data["twice"] = 2 * data["x"]
    data["y"] = rng.poisson(np.exp(0.3 * data["x"]) * data["t"]).astype(float)
    data.loc[[3, 5], "x"] = np.nan
    formula = "y ~ x + twice + offset(log(t)) + (1 | g)"
    fit = pp.glmm(formula, data, family="poisson", missing="drop")
    close(me.predictions(adapt(fit, data)), fit.predict(random="none", se=True))


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_tables_of_every_kind_are_taken(kind):
    sleep = pp.load_dataset("sleepstudy")
    tables = {
        "polars": lambda: polars.from_pandas(sleep),
        "pyarrow": lambda: pyarrow.Table.from_pandas(sleep),
        "dict": lambda: {name: sleep[name].to_numpy() for name in sleep},
    }
    table = tables[kind]()
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", table)
    found = me.avg_slopes(adapt(fit, table))
    np.testing.assert_allclose(found["estimate"], [fit.fixef["Days"]], rtol=RTOL)


def test_what_cannot_be_adapted_is_refused(rats):
    fit, data, model = rats
    with pytest.raises(DataError, match="Pass the table that it was fitted to"):
        adapt(fit, data.iloc[1:])
    with pytest.raises(DataError, match="scale must be 'response' or 'link'"):
        adapt(fit, data, scale="latent")
    with pytest.raises(ModelError, match="takes fits of lmm and glmm, found PenalizedFit"):
        adapt(pp.penalized("weight ~ sex + (1 | litter)", data), data)
    with pytest.raises(NotAvailableError, match="joint_test='chisq'"):
        me.hypotheses(model, joint=["treatment"])
