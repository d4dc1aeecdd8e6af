"""One model for many responses at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import partialpool as pp
from partialpool.errors import DataError, ModelError

MODELS = [
    ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {}),
    ("sleepstudy", "Reaction ~ Days + (Days || Subject)", {"weights": "Days + 1"}),
    ("sleepstudy", "Reaction ~ Days + (1 | Subject)", {"reml": False, "sigma": 30.0}),
    ("sleepstudy", "Reaction ~ Days", {}),
    ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}),
    ("Pastes", "strength ~ 1 + (1 | batch / cask)", {}),
]


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


@pytest.mark.parametrize(("name", "formula", "arguments"), MODELS)
def test_each_has_the_bits_of_a_refit_of_its_own(name, formula, arguments):
    fit = pp.lmm(formula, pp.load_dataset(name), **arguments)
    responses = fit.simulate(20, seed=1)
    refits = fit.refit(responses)
    alone = [fit.refit(y) for y in responses.T]
    assert_array_equal(refits.loglik, [one.loglik for one in alone])
    assert_array_equal(refits.sigma, [one.sigma for one in alone])
    assert_array_equal(refits.fixef, [one.fixef.values for one in alone])
    assert_array_equal(refits.stderr, [one.stderr.values for one in alone])
    assert refits.converged.all()


def test_any_number_of_threads_gives_the_same_bits(fit):
    responses = fit.simulate(50, seed=2)
    pp.set_threads(1)
    one = fit.refit(responses)
    pp.set_threads(3)
    three = fit.refit(responses)
    pp.set_threads()
    assert_array_equal(one.to_frame().to_numpy(), three.to_frame().to_numpy())


def test_the_frame_holds_what_tidy_says_of_each(fit):
    refits = fit.refit(fit.simulate(3, seed=3))
    frame = refits.to_frame()
    names = ["Intercept", "Days", "sd(Subject.Intercept)", "corr(Subject.Intercept,Subject.Days)"]
    assert list(frame.columns) == [*names, "sd(Subject.Days)", "sigma", "loglik"]
    assert_allclose(frame.iloc[2, :6], refits[2].tidy()["estimate"], rtol=1e-12)


def test_one_of_them_is_a_fit_with_everything_that_fits_have(fit):
    responses = fit.simulate(3, seed=4)
    again = fit.refit(responses)[1]
    assert_array_equal(again.design.y, responses[:, 1])
    with pytest.raises(DataError, match="there are fits 0 to 2, found 3"):
        fit.refit(responses)[3]


def test_aliased_columns_stay_out(fit):
    data = pp.load_dataset("sleepstudy").assign(twice=lambda d: 2 * d["Days"])
    aliased = pp.lmm("Reaction ~ Days + twice + (1 | Subject)", data)
    refits = aliased.refit(aliased.simulate(4, seed=5))
    assert np.isnan(refits.fixef[:, 2]).all()
    assert np.isfinite(refits.fixef[:, :2]).all()
    assert np.isnan(refits.stderr[:, 2]).all()


def test_a_transposed_matrix_is_recognised(fit):
    with pytest.raises(DataError, match=r"found an array of shape \(5, 180\)\. Transpose it"):
        fit.refit(np.ones((5, 180)))


def test_a_value_that_is_not_finite_is_named(fit):
    responses = fit.simulate(3, seed=6)
    responses[7, 2] = np.inf
    with pytest.raises(DataError, match="found inf in row 7 of response 2"):
        fit.refit(responses)


def test_a_response_without_variation_is_named(fit):
    responses = fit.simulate(3, seed=7)
    responses[:, 1] = 4.0
    with pytest.raises(ModelError, match=r"the response at position 1 .* is constant"):
        fit.refit(responses)
