"""The worked examples' figures, one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError
from tests.seeds import figures

MODELS = tuple(figures.CALLS)


def disagreeing(found):
    return [f for f in found if not f.agrees]


def test_every_figure_of_the_rat_pups_is_met():
    found = list(figures.ratpup_figures())
    assert len(found) == 82
    assert not disagreeing(found)


def test_every_figure_of_the_sleep_study_is_met():
    found = list(figures.sleepstudy_figures())
    assert len(found) == 11
    assert not disagreeing(found)


@pytest.mark.parametrize(
    ("model", "formula"),
    [
        ("random intercept", "(1 | litter)"),
        ("slopes independent by sex", "(1 | litter:sex)"),
        ("intercept and slope", "(sex | litter)"),
    ],
)
def test_statsmodels_arguments_and_lme4_terms_are_one_model(model, formula):
    fit = pp.lmm(f"weight ~ litsize + treatment + sex + {formula}", figures.ratpups())
    assert math.isclose(fit.objective, figures.ratpup_fit(model).objective, rel_tol=1e-10)


def test_least_squares_through_the_same_function_carries_no_random_part():
    fit = figures.ratpup_fit("OLS")
    stored = figures.WORKED_EXAMPLES["ratpup"]["ols"]
    assert fit.ngroups == {}
    assert_allclose(fit.loglik, stored["values"][0]["lme4"], rtol=1e-12)
    assert_allclose(fit.predict(figures.ratpups()), fit.fitted)


def test_least_squares_gives_r_s_coefficients_and_standard_errors():
    stored = figures.WORKED_EXAMPLES["ratpup"]["ols"]
    fit = pp.lmm("weight ~ treatment + sex + litsize", figures.ratpups(), reml=False)
    names = ("Intercept", "treatment[T.High]", "treatment[T.Low]", "sex[T.Male]", "litsize")
    assert_allclose([fit.fixef[n] for n in names], [*stored["coef"].values()], rtol=1e-12)
    assert_allclose([fit.stderr[n] for n in names], [*stored["se"].values()], rtol=1e-12)


# --- a covariate that does not apply ----------------------------------------------------


def test_the_masked_model_is_least_squares_on_explicit_columns():
    fit, explicit = figures.manufacturing_fit(), figures.least_squares()
    assert set(fit.fixef.names) == set(explicit)
    assert_allclose(
        [fit.fixef[name] for name in explicit], [*explicit.values()], rtol=1e-9, atol=1e-11
    )


def test_the_coefficient_that_no_row_identifies_is_not_applicable():
    fit = figures.manufacturing_fit()
    assert fit.not_applicable == ("product_group[PG1]:cutting_wait_time",)
    assert fit.df == 8  # seven coefficients and sigma


def test_the_mask_can_be_found_from_the_data():
    data = pp.load_dataset("manufacturing")
    found = pp.lmm(figures.MANUFACTURING, data, applicable="auto")
    assert_allclose(np.asarray(found.fixef), np.asarray(figures.manufacturing_fit().fixef))


def test_the_estimates_recover_what_the_data_were_made_from():
    fit = figures.manufacturing_fit()
    truth = [t for values in figures.TRUTH.values() for t in values if t is not None]
    names = figures.least_squares()
    z = [(fit.fixef[name] - t) / fit.stderr[name] for name, t in zip(names, truth, strict=True)]
    assert max(map(abs, z)) < 3.5


def test_new_rows_are_predicted_as_in_the_document():
    ours = figures.manufacturing_fit().predict(figures.NEW_ROWS, inapplicable="ignore")
    assert_allclose(ours, figures.POSTERIOR_MEANS, atol=0.2)


def test_a_value_that_does_not_apply_is_refused_unless_ignored():
    fit = figures.manufacturing_fit()
    with pytest.raises(DataError, match="cutting_wait_time"):
        fit.predict(figures.NEW_ROWS)
