import numpy as np
import pandas as pd
import polars as pl
import pytest

import partialpool as pp

FORMULA = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def fit():
    return pp.lmm(FORMULA, pp.load_dataset("sleepstudy"))


def test_tidy_holds_one_row_for_each_parameter(fit):
    table = fit.tidy()
    named = ["effect", "group", "term", "estimate", "std_error", "statistic", "df", "p_value"]
    assert list(table.columns) == named
    assert table["effect"].tolist() == ["fixed"] * 2 + ["ran_pars"] * 4
    assert table["group"].tolist() == ["", "", "Subject", "Subject", "Subject", "Residual"]
    # lme4 1.1-31, tests/reference/fits.
    np.testing.assert_allclose(
        table["estimate"], [251.405105, 10.467286, 24.740451, 0.0655513, 5.922133, 25.591816], 1e-5
    )
    np.testing.assert_allclose(table["std_error"][:2], [6.824557, 1.545789], 1e-5)
    np.testing.assert_allclose(table["statistic"][:2], [36.838306, 6.771485], 1e-5)
    assert table["std_error"][2:].isna().all()


def test_tidy_of_a_diagonal_term_has_no_correlation():
    fit = pp.lmm("Reaction ~ Days + (Days || Subject)", pp.load_dataset("sleepstudy"))
    assert fit.tidy()["term"].tolist()[2:] == ["sd__Intercept", "sd__Days", "sd__Observation"]


def test_tidy_of_three_effects_lists_the_lower_triangle():
    fit = pp.lmm("score ~ 0 + Machine + (0 + Machine | Worker)", pp.load_dataset("Machines"))
    kinds = [term.split("__")[0] for term in fit.tidy()["term"][3:]]
    assert kinds == ["sd", "cor", "cor", "sd", "cor", "sd", "sd"]


def test_tidy_keeps_a_place_for_an_aliased_column():
    data = pp.load_dataset("sleepstudy").assign(Twice=lambda d: 2 * d["Days"])
    table = pp.lmm("Reaction ~ Days + Twice + (1 | Subject)", data).tidy()
    row = table[table["term"] == "Twice"]
    assert row[["estimate", "std_error", "statistic"]].isna().all(axis=None)


def test_glance_is_one_row(fit):
    table = fit.glance()
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["nobs"], row["npar"], row["df_residual"]) == (180, 6, 174)
    assert row["loglik"] == fit.loglik
    assert row["aic"] == fit.aic
    assert bool(row["reml"])
    assert bool(row["converged"])
    assert not bool(row["singular"])


def test_augment_adds_what_the_fit_says_about_each_row(fit):
    data = pp.load_dataset("sleepstudy")
    table = fit.augment()
    np.testing.assert_array_equal(table["Reaction"], data["Reaction"])
    np.testing.assert_array_equal(table["Days"], data["Days"])
    assert table["Subject"].astype(str).tolist() == data["Subject"].astype(str).tolist()
    np.testing.assert_array_equal(table["row"], np.arange(180))
    np.testing.assert_allclose(table["fitted"] + table["residual"], table["Reaction"])
    np.testing.assert_allclose(
        table["fixed"], fit.fixef["Intercept"] + fit.fixef["Days"] * data["Days"]
    )
    np.testing.assert_array_equal(table["leverage"], fit.hatvalues())


def test_augment_counts_rows_in_the_data_as_given():
    data = pp.load_dataset("sleepstudy").astype({"Days": float})
    data.loc[[0, 5], "Days"] = np.nan
    table = pp.lmm(FORMULA, data, missing="drop").augment()
    assert table["row"].tolist()[:5] == [1, 2, 3, 4, 6]
    assert len(table) == 178


def test_augment_counts_the_offset_among_what_is_fixed():
    data = pp.load_dataset("sleepstudy")
    fit = pp.lmm("Reaction ~ 1 + offset(10 * Days) + (1 | Subject)", data)
    table = fit.augment()
    np.testing.assert_allclose(table["fixed"], fit.fixef["Intercept"] + 10 * data["Days"])


def test_augment_renames_a_column_of_the_model_that_would_be_replaced():
    data = pp.load_dataset("sleepstudy").rename(columns={"Days": "leverage"})
    table = pp.lmm("Reaction ~ leverage + (1 | Subject)", data).augment()
    np.testing.assert_array_equal(table["leverage_"], data["leverage"])


@pytest.mark.parametrize("table", ["tidy", "glance", "augment"])
def test_tables_are_of_the_kind_that_came_in(table):
    fit = pp.lmm(FORMULA, pp.load_dataset("sleepstudy", as_="polars"))
    assert isinstance(getattr(fit, table)(), pl.DataFrame)


def test_least_squares_has_tables_too():
    fit = pp.lmm("Reaction ~ Days", pp.load_dataset("sleepstudy"))
    assert fit.tidy()["term"].tolist() == ["Intercept", "Days", "sd__Observation"]
    assert isinstance(fit.augment(), pd.DataFrame)


def test_renamed_columns_of_augment_do_not_replace_one_another():
    rng = np.random.default_rng(1)
    data = {name: rng.normal(size=40) for name in ("y", "row", "row_")}
    table = pp.lmm("y ~ row + row_ + (1 | g)", data | {"g": np.arange(40) % 8}).augment()
    np.testing.assert_array_equal(table["row__"], data["row"])
    np.testing.assert_array_equal(table["row_"], data["row_"])
