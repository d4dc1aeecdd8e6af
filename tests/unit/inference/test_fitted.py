from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError
from tests import dense
from tests.unit.inference import models

formulas = pytest.mark.parametrize("formula", models.FORMULAS.values(), ids=models.FORMULAS)
weights = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights"])


@weights
@formulas
def test_fitted_values_are_those_of_the_dense_twin(formula, weighted):
    fit = models.fit(formula, weighted)
    _, solution = models.twin(fit)
    assert_allclose(fit.fitted, solution.fitted, rtol=1e-7, atol=1e-8)


@weights
@formulas
def test_leverages_are_the_diagonal_of_the_hat_matrix(formula, weighted):
    fit = models.fit(formula, weighted)
    _, solution = models.twin(fit)
    assert_allclose(fit.hatvalues(), solution.hat, rtol=1e-7, atol=1e-9)


@formulas
def test_leverages_are_the_slopes_of_fitted_values_in_their_own_response(formula):
    """By moving one response, the covariances held."""
    fit = models.fit(formula)
    row, model = 11, models.twin(fit)[0]
    Sigmas = [t.cov / fit.sigma**2 for t in fit.varcorr.terms]
    moved = model.y + (np.arange(len(model.y)) == row)
    there = dense.solve(replace(model, y=moved), Sigmas).fitted[row]
    here = dense.solve(model, Sigmas).fitted[row]
    assert_allclose(fit.hatvalues()[row], there - here, rtol=1e-6)


def test_least_squares_leverages_sum_to_the_number_of_coefficients():
    assert_allclose(models.fit("y ~ x + z").hatvalues().sum(), 3)


@weights
@formulas
def test_residuals_are_what_is_left_of_the_response(formula, weighted):
    fit = models.fit(formula, weighted)
    raw = fit.design.y - fit.fitted
    w = fit.design.weights if weighted else 1.0
    np.testing.assert_array_equal(fit.residuals(), raw)
    assert_allclose(fit.residuals("pearson"), raw * np.sqrt(w), rtol=1e-12)
    assert_allclose(fit.residuals("scaled"), raw * np.sqrt(w) / fit.sigma, rtol=1e-12)


def test_an_unknown_kind_of_residual_is_refused_with_those_there_are():
    with pytest.raises(DataError, match="'response', 'pearson' or 'scaled', found 'deviance'"):
        models.fit("y ~ x + (1 | g)").residuals("deviance")


def test_an_offset_is_part_of_the_fitted_values_but_not_of_the_effects():
    data = models.table()
    shifted = pp.lmm(
        "y ~ x + (1 | g)", data.assign(y=data["y"] + 7 * data["z"]), offset=7 * data["z"]
    )
    plain = models.fit("y ~ x + (1 | g)")
    assert_allclose(shifted.fitted, plain.fitted + 7 * data["z"], rtol=1e-8)
    assert_allclose(shifted.fixef.values, plain.fixef.values, rtol=1e-8)


def test_a_coefficient_left_out_adds_nothing_to_the_fitted_values():
    data = models.table()
    fit = pp.lmm("y ~ x + twice + (1 | g)", data.assign(twice=2 * data["x"]))
    assert np.isnan(fit.fixef["twice"])
    assert_allclose(fit.fitted, models.fit("y ~ x + (1 | g)").fitted, rtol=1e-8)


def test_a_row_of_weight_zero_is_predicted_but_has_no_leverage():
    fit = models.fit("y ~ x + (x | g)", weighted=True)
    assert np.isfinite(fit.fitted[7])
    assert fit.hatvalues()[7] == 0
    assert fit.residuals("pearson")[7] == 0
