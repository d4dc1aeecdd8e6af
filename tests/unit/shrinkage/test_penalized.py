"""penalized(formula, data) and its fit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import partialpool as pp
from partialpool.container import pack, unpack
from partialpool.errors import DataError, ModelError, NotAvailableError, SavedModelError

SLOPES = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return pp.penalized(SLOPES, sleep, l2=0.5)


@pytest.fixture(scope="module")
def masked():
    """Two lines of a plant; the waiting time exists on one of them."""
    rng = np.random.default_rng(0)
    line = np.repeat(["A", "B"], 60)
    wait = np.where(line == "B", rng.normal(size=120), np.nan)
    x = rng.normal(size=120)
    y = 1 + x + np.nan_to_num(wait) + rng.normal(scale=0.3, size=120)
    return pd.DataFrame({"y": y, "x": x, "wait": wait, "line": line})


def test_the_formula_and_the_estimator_give_the_same_fit(sleep, fit):
    model = pp.HierarchicalRegressor(0.5)
    model.fit(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"])
    np.testing.assert_allclose(fit.fixef["Days"], model.coef_[0], rtol=1e-8)
    np.testing.assert_allclose(fit.objective, model.objective_)
    np.testing.assert_allclose(
        fit.fitted, model.predict(sleep[["Days"]], groups=sleep["Subject"]), rtol=1e-8
    )


def test_terms_with_other_columns_and_crossed_factors_fit():
    data = pp.load_dataset("Penicillin").assign(x=np.arange(144) % 7)
    fit = pp.penalized(
        "diameter ~ x + (x | plate) + (1 | sample)", data, l2=0.01, level_weights="equal"
    )
    assert fit.converged
    assert fit.ranef("plate").shape == (24, 3)
    assert fit.ranef("sample").shape == (6, 2)
    metric = pp.penalized(
        "diameter ~ x + (x | plate) + (1 | sample)",
        data,
        l2=0.01,
        level_weights="equal",
        reweight_deviations=True,
    )
    assert [D.shape for D in metric.solution.metrics] == [(2, 2), (1, 1)]


def test_a_formula_without_random_terms_is_least_squares(sleep):
    fit = pp.penalized("Reaction ~ Days", sleep)
    np.testing.assert_allclose(fit.fixef.values, pp.lmm("Reaction ~ Days", sleep).fixef.values)


def test_offsets_and_weights_take_part(sleep):
    data = sleep.assign(w=1.0 + sleep["Days"] % 2, o=3.0 * sleep["Days"])
    fit = pp.penalized(SLOPES, data, l2=0.5, weights="w", offset="o")
    moved = pp.penalized("I(Reaction - o) ~ Days + (Days | Subject)", data, l2=0.5, weights="w")
    np.testing.assert_allclose(fit.fitted, moved.fitted + data["o"])
    twice = pp.penalized(SLOPES, sleep, l2=0.5, level_weights="equal", weights=np.full(180, 2.0))
    once = pp.penalized(SLOPES, sleep, l2=0.5, level_weights="equal")
    np.testing.assert_allclose(twice.fixef.values, once.fixef.values)


def test_covariates_that_do_not_apply_take_no_part(masked):
    fit = pp.penalized(
        "y ~ x + wait + (x + wait | line)",
        masked,
        l2=0.05,
        level_weights="equal",
        applicable="auto",
    )
    ranef = fit.ranef("line")
    assert np.isnan(ranef["wait"][0])
    assert np.isfinite(ranef["wait"][1])
    filled = pp.penalized(
        "y ~ x + wait + (x + wait | line)", masked.fillna(0.0), l2=0.05, level_weights="equal"
    )
    np.testing.assert_allclose(fit.fitted, filled.fitted)


def test_columns_that_depend_on_others_are_aliased(sleep):
    fit = pp.penalized("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep, l2=0.5)
    assert list(fit.aliased) == ["I(2 * Days)"]
    assert "aliased" in str(fit)


def test_predictions_for_known_new_and_no_levels(fit, sleep):
    np.testing.assert_allclose(fit.predict(sleep), fit.fitted)
    with pytest.raises(DataError, match="hasn't seen"):
        fit.predict({"Days": [1], "Subject": ["new"]})
    shared = fit.fixef["Intercept"] + fit.fixef["Days"]
    new = fit.predict({"Days": [1], "Subject": ["new"]}, new_levels="population")
    np.testing.assert_allclose(new, shared)
    np.testing.assert_allclose(fit.predict({"Days": [1]}, random="none"), shared)


def test_two_classes_from_labels_and_from_numbers():
    verb = pp.load_dataset("VerbAgg")
    formula = "r2 ~ Anger + (1 | id) + (1 | item)"
    fit = pp.penalized(formula, verb, loss="logistic", l2=0.002, level_weights="equal")
    assert fit.labels == ("N", "Y")
    eta = fit.predict(type="link")
    np.testing.assert_allclose(fit.fitted, 1 / (1 + np.exp(-eta)))
    numbers = pp.penalized(
        formula,
        verb.assign(r2=(verb["r2"] == "Y").astype(int)),
        loss="logistic",
        l2=0.002,
        level_weights="equal",
    )
    np.testing.assert_allclose(fit.fixef.values, numbers.fixef.values)


def test_squared_logistic_penalties_are_a_normal_priors():
    data = pp.load_dataset("Contraception").assign(use=lambda d: (d["use"] == "Y").astype(float))
    fit = pp.penalized(
        "use ~ age + (1 | district)",
        data,
        loss="logistic",
        squared=True,
        l2=0.001,
        level_weights="equal",
    )
    # Stationarity: the slope of the loss in a deviation is that of its penalty.
    u = fit.ranef("district")["Intercept"].to_numpy()
    codes = fit.design.random[0].factor.codes
    slope = np.bincount(codes, weights=data["use"] - fit.fitted) / len(data)
    np.testing.assert_allclose(slope, 2 * 0.001 * u, atol=1e-10)


def test_tables_come_in_the_datas_own_kind(sleep):
    fit = pp.penalized(SLOPES, pl.from_pandas(sleep.astype({"Subject": str})), l2=0.5)
    for table in (fit.tidy(), fit.glance(), fit.augment(), fit.ranef(), fit.coef()):
        assert isinstance(table, pl.DataFrame)
    assert fit.augment()["residual"].to_numpy() == pytest.approx(fit.residuals())


def test_a_saved_fit_comes_back(fit, sleep, tmp_path):
    weights = dict.fromkeys(sleep["Subject"].unique(), 1.0)
    for i, one in enumerate([fit, pp.penalized(SLOPES, sleep, l2=0.5, level_weights=weights)]):
        path = tmp_path / f"{i}.model"
        one.save(path)
        again = pp.load(path)
        np.testing.assert_array_equal(again.predict(sleep), one.predict(sleep))
        assert str(again) == str(one)
        assert again.asked.level_weights == one.asked.level_weights


def test_a_damaged_file_is_refused(fit, tmp_path):
    path = tmp_path / "fit.model"
    fit.save(path)
    parcel = unpack(path)
    arrays = dict(parcel.arrays) | {"beta": np.zeros(5)}
    pack(parcel.header, arrays, path)
    with pytest.raises(SavedModelError, match="can't be read"):
        pp.load(path)


def test_level_weights_that_a_file_cannot_hold_are_refused(fit, tmp_path):
    asked = replace(fit.asked, level_weights={("a", "b"): 1.0})
    with pytest.raises(SavedModelError, match="a file can't hold"):
        replace(fit, asked=asked).save(tmp_path / "bad.model")


def test_intervals_by_bootstrap_cover_the_estimate_and_repeat_with_a_seed(fit):
    one, two = (fit.confint(nsim=40, seed=3) for _ in range(2))
    assert (one["conf_low"] < one["estimate"]).all()
    assert (one["estimate"] < one["conf_high"]).all()
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"level": 1.5}, DataError, "between 0 and 1"),
        ({"nsim": 1}, DataError, "at least 2"),
    ],
)
def test_bootstraps_that_cannot_be_are_refused(fit, options, error, message):
    with pytest.raises(error, match=message):
        fit.confint(**options)


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        (SLOPES, {"loss": "huber"}, DataError, "'rms', 'squared' or 'logistic'"),
        (SLOPES, {"missing": "skip"}, DataError, "'error' or 'drop'"),
        (SLOPES, {"l2": "aic"}, DataError, "a number, or 'reml'"),
        (SLOPES, {"squared": True}, DataError, "does not go with squared=True"),
        (SLOPES, {"l2": "reml", "l1": 0.1}, ModelError, "penalised by l2 alone"),
        ("Reaction ~ Days", {"l2": "reml"}, ModelError, "needs a random term"),
        (SLOPES, {"level_weights": "eq"}, DataError, "^level_weights must be 'size'"),
        (SLOPES, {"level_weights": {"308": 1.0}}, DataError, "^level_weights have no entry"),
        (SLOPES, {"l2": -1.0}, DataError, "not negative"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(sleep, formula, options, error, message):
    with pytest.raises(error, match=message):
        pp.penalized(formula, sleep, **options)


def test_successes_out_of_several_trials_are_refused():
    with pytest.raises(DataError, match="a row for each trial"):
        pp.penalized(
            "cbind(incidence, size - incidence) ~ period + (1 | herd)",
            pp.load_dataset("cbpp"),
            loss="logistic",
        )


def test_a_penalised_fit_has_no_variances(fit):
    with pytest.raises(NotAvailableError, match="no likelihood"):
        fit.solution.factor(0)
    with pytest.raises(NotAvailableError, match="no likelihood"):
        pp.plots.caterpillar(fit)
    with pytest.raises(NotAvailableError, match="no likelihood"):
        fit.solution.conditional(fit.design)
    with pytest.raises(NotAvailableError, match="no likelihood"):
        fit.solution.sigma  # noqa: B018 - reading it is the test


def test_the_summary_says_where_the_penalty_is_extreme(sleep):
    assert "no group deviates" in str(pp.penalized(SLOPES, sleep, l2=1e3))
    rows = sleep.groupby("Subject", observed=True).head(2)
    assert "fitted exactly" in str(pp.penalized(SLOPES, rows, l2=1e-8, level_weights="equal"))


def test_lines_of_a_penalised_fit_are_drawn(fit):
    assert len(pp.plots.fitted_lines(fit).axes) >= 18


def test_a_penalised_fit_is_not_compared_by_likelihood(fit):
    with pytest.raises(DataError, match="found PenalizedFit"):
        pp.compare(fit, fit)


def test_a_notebook_shows_the_summary(fit):
    assert "Deviations by level" in fit._repr_html_()
