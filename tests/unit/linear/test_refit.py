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


@pytest.mark.parametrize(
    ("name", "formula", "arguments"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)", {}),
        ("sleepstudy", "Reaction ~ Days + (Days || Subject)", {"offset": "Days**2"}),
        ("sleepstudy", "Reaction ~ Days + (1 | Subject)", {"weights": "Days"}),
        ("Penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", {}),
        ("Machines", "score ~ Machine + (0 + Machine | Worker)", {}),
    ],
)
def test_it_gives_the_bits_of_a_fresh_fit(name, formula, arguments):
    data = pp.load_dataset(name)
    response = formula.split(" ")[0]
    y = data[response] * (1.0 + 0.01 * np.cos(np.arange(len(data))))
    fresh = pp.lmm(formula, data.assign(**{response: y}), **arguments)
    again = pp.lmm(formula, data, **arguments).refit(y)
    assert again.objective == fresh.objective
    assert again.evaluations == fresh.evaluations
    np.testing.assert_array_equal(again.theta, fresh.theta)
    np.testing.assert_array_equal(again.fixef.values, fresh.fixef.values)
    np.testing.assert_array_equal(again.stderr.values, fresh.stderr.values)


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


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_named(fit, value):
    y = np.array(fit.design.y)
    y[7] = value
    with pytest.raises(DataError, match=f"found {value} in row 7"):
        fit.refit(y)


def test_huge_values_are_finite(fit):
    huge = 1e300 * np.array(fit.design.y / np.max(fit.design.y))
    assert np.isfinite(fit.refit(huge).sigma)


def test_a_constant_response_is_refused(fit):
    with pytest.raises(ModelError, match="'Reaction' is constant"):
        fit.refit(np.ones(180))
