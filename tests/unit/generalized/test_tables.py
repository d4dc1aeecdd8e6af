from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

from tests.unit.generalized.fakes import fake, table


@pytest.fixture(scope="module")
def fit():
    return fake("count ~ x + (x | g)", "nbinom2", zero_inflation="~ z + (1 | h)")


def test_coefficients_of_all_parts_stand_in_one_table(fit):
    frame = fit.coefficients
    assert list(frame.columns) == [
        "component", "term", "estimate", "std_error", "statistic", "p_value",
    ]  # fmt: skip
    assert frame["component"].tolist() == ["mean"] * 2 + ["dispersion"] + ["zero_inflation"] * 2
    assert frame["term"].tolist() == ["Intercept", "x", "Intercept", "Intercept", "z"]
    assert_allclose(frame["statistic"], frame["estimate"] / frame["std_error"])
    assert_allclose(frame["p_value"][0], 2 * 4.5e-8, rtol=0.2)


def test_tidy_adds_the_random_effects_of_every_part(fit):
    frame = fit.tidy()
    random = frame[frame["effect"] == "ran_pars"]
    assert random["component"].tolist() == ["mean"] * 3 + ["zero_inflation"]
    assert random["term"].tolist() == [
        "sd__Intercept", "cor__Intercept.x", "sd__x", "sd__Intercept",
    ]  # fmt: skip
    assert random["group"].tolist() == ["g", "g", "g", "h"]
    assert random["p_value"].isna().all()


def test_glance_is_one_row(fit):
    (row,) = fit.glance().to_dict("records")
    assert (row["nobs"], row["npar"], row["loglik"], row["family"]) == (60, 5, -100.0, "nbinom2")
    assert (row["link"], row["criterion"]) == ("log", "Laplace approximation")


def test_augment_adds_what_the_fit_says_about_each_row(fit):
    frame = fit.augment()
    assert list(frame.columns) == [
        "count", "x", "g", "row", "linear_predictor", "fitted", "residual", "pearson",
    ]  # fmt: skip
    assert_allclose(frame["fitted"] + frame["residual"], table()["count"])
    np.testing.assert_array_equal(frame["linear_predictor"], fit.linear_predictor)


def test_augment_shows_proportions_and_categories():
    trials = fake("cbind(wins, m - wins) ~ x + (1 | g)", "binomial").augment()
    assert_allclose(trials["cbind(wins, m - wins)"], table()["wins"] / table()["m"])
    grades = fake("grade ~ x + (1 | g)", "ordinal").augment()
    assert grades["grade"].tolist() == table()["grade"].tolist()


@pytest.mark.parametrize("name", ["tidy", "glance", "augment"])
def test_tables_are_of_the_kind_that_came_in(name):
    fit = fake("count ~ x + (1 | g)", "poisson", data=pl.from_pandas(table()))
    assert isinstance(getattr(fit, name)(), pl.DataFrame)
