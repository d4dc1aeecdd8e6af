from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, FormulaError
from tests.unit.inference import models


def test_reml_is_the_default():
    assert (
        models.fit("y ~ x + (1 | g)").objective
        == pp.lmm("y ~ x + (1 | g)", models.table(), reml=True).objective
    )


@pytest.mark.parametrize("sigma", [0, -1.0, np.nan, np.inf, True, "2", [1.0], 1j, np.ones(1)])
def test_a_sigma_that_is_no_positive_number_is_refused(sigma):
    with pytest.raises(DataError, match="sigma must be a positive number in units of the response"):
        pp.lmm("y ~ x + (1 | g)", models.table(), sigma=sigma)


@pytest.mark.parametrize("sigma", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_any_kind_of_positive_number_is_a_sigma(sigma):
    assert pp.lmm("y ~ x + (1 | g)", models.table(), sigma=sigma).sigma == 2


def test_an_unknown_treatment_of_missing_rows_is_refused():
    with pytest.raises(DataError, match="'error' or 'drop', found 'ignore'"):
        pp.lmm("y ~ x + (1 | g)", models.table(), missing="ignore")


def test_rows_that_lack_values_can_be_dropped_and_are_reported():
    data = models.table()
    data.loc[[3, 5], "x"] = np.nan
    fit = pp.lmm("y ~ x + (1 | g)", data, missing="drop")
    assert fit.nobs == 94
    assert fit.design.rows.dropped == {"x": 2}
    assert fit.objective == pp.lmm("y ~ x + (1 | g)", data.dropna()).objective


WEIGHTS = {
    "a column": "w",
    "an expression": "2 * w",
    "an array": models.table()["w"].to_numpy(),
    "a series": models.table()["w"],
}


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
def test_weights_are_a_column_an_expression_or_an_array(weights):
    fit = pp.lmm("y ~ x + (x | g)", models.table(), weights=weights)
    plain = models.fit("y ~ x + (x | g)", weighted=True)
    assert_allclose(fit.fixef.values, plain.fixef.values, rtol=1e-6)
    assert_allclose(fit.objective, plain.objective, rtol=1e-9)


@pytest.mark.parametrize("offset", ["z", "z + 0", models.table()["z"].to_numpy()])
def test_an_offset_is_taken_off_the_response(offset):
    data = models.table()
    fit = pp.lmm("y ~ x + (1 | g)", data, offset=offset)
    less = pp.lmm("y ~ x + (1 | g)", data.assign(y=data["y"] - data["z"]))
    assert_allclose(fit.objective, less.objective, rtol=1e-12)
    assert_allclose(fit.fixef.values, less.fixef.values, rtol=1e-8)


def test_an_offset_in_the_formula_and_one_as_argument_are_added():
    data = models.table()
    both = pp.lmm("y ~ x + offset(z) + (1 | g)", data, offset="z")
    one = pp.lmm("y ~ x + (1 | g)", data, offset="2 * z")
    assert_allclose(both.objective, one.objective, rtol=1e-12)


STATSMODELS = {
    "y ~ x + (1 | g)": {"groups": "g"},
    "y ~ x + (x | g)": {"groups": "g", "re_formula": "~x"},
}


@pytest.mark.parametrize(("formula", "arguments"), STATSMODELS.items())
def test_arguments_of_statsmodels_mean_the_same_model(formula, arguments):
    fit = pp.lmm("y ~ x", models.table(), **arguments)
    assert fit.objective == models.fit(formula).objective


def test_a_formula_that_cannot_be_read_is_refused_before_the_data_are():
    with pytest.raises(FormulaError):
        pp.lmm("y ~ x + (1 | ", models.table())


def test_an_expression_can_be_the_response():
    data = models.table()
    ours = pp.lmm("I(y / 100) ~ x + (1 | g)", data)
    assert_allclose(ours.sigma * 100, models.fit("y ~ x + (1 | g)").sigma, rtol=1e-6)
    assert np.isfinite(ours.objective)
