"""The same model for another response."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


@pytest.fixture(scope="module")
def singular():
    return pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff2"))


def test_the_users_array_stays_writable(fit):
    y = np.array(fit.design.y)
    again = fit.refit(y)
    y[0] = 0.0
    assert again.design.y[0] == fit.design.y[0]


def test_it_gives_the_bits_of_a_fresh_fit(fit):
    sleep = pp.load_dataset("sleepstudy")
    y = sleep["Reaction"] + 10.0 * np.cos(np.arange(180.0))
    fresh = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep.assign(Reaction=y))
    again = fit.refit(y)
    assert again.objective == fresh.objective
    np.testing.assert_array_equal(again.theta, fresh.theta)


def test_it_leaves_a_variance_of_zero_behind(singular):
    assert singular.singular
    dyes = pp.load_dataset("Dyestuff")
    again, fresh = singular.refit(dyes["Yield"]), pp.lmm("Yield ~ 1 + (1 | Batch)", dyes)
    assert not again.singular
    assert_allclose(again.objective, fresh.objective, atol=1e-8)


def test_it_arrives_at_a_variance_of_zero(singular):
    fit = pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff"))
    again = fit.refit(singular.design.y)
    assert again.singular
    assert_allclose(again.objective, singular.objective, atol=1e-8)


def test_another_number_of_rows_is_refused(fit):
    with pytest.raises(DataError, match=r"each of the 180 rows fitted, found.*\(3,\)"):
        fit.refit([1.0, 2.0, 3.0])


def test_a_value_that_is_not_finite_is_named(fit):
    y = np.array(fit.design.y)
    y[7] = np.nan
    with pytest.raises(DataError, match="found nan in row 7"):
        fit.refit(y)


def test_a_constant_response_is_refused(fit):
    with pytest.raises(ModelError, match="'Reaction' is constant"):
        fit.refit(np.ones(180))
