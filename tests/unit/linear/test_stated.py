"""Models whose parameters are stated."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, UnknownNameError

DATA = {"x": np.tile([0.0, 1.0, 2.0], 40), "g": np.arange(120) // 3, "h": np.arange(120) % 4}
FIXEF = {"Intercept": 1.0, "x": 2.0}


def model(formula="y ~ x + (x | g)", **given):
    arguments = {"fixef": FIXEF, "sd": {"g": {"Intercept": 2.0, "x": 1.0}}, "sigma": 0.5}
    return pp.stated_model(formula, DATA, **(arguments | given))


def test_draws_have_the_moments_that_were_stated():
    y = model(cor={"g": -0.4}).simulate(20_000, seed=1)
    x = DATA["x"][:3]
    z = np.column_stack([np.ones(3), x])
    G = np.array([[4.0, -0.8], [-0.8, 1.0]])
    # 20,000 draws: a variance has a standard error of one per cent.
    assert_allclose(np.cov(y[:3]), z @ G @ z.T + 0.25 * np.eye(3), rtol=0.05, atol=0.15)
    assert_allclose(y[:3].mean(axis=1), 1.0 + 2.0 * x, atol=0.1)
    assert abs(np.cov(y[[0, 3]])[0, 1]) < 0.15


def test_a_column_of_the_response_in_the_table_is_not_used():
    table = DATA | {"y": np.zeros(120)}
    stated = pp.stated_model("y ~ x + (1 | g)", table, fixef=FIXEF, sd={"g": 1}, sigma=1)
    assert stated.simulate(1, seed=2).std() > 0.5


def test_a_fit_of_a_draw_finds_the_parameters_again():
    y = model(cor={"g": 0.5}).simulate(1, seed=3)[:, 0]
    fit = pp.lmm("y ~ x + (x | g)", DATA | {"y": y})
    assert_allclose(fit.varcorr.terms[0].sd, [2.0, 1.0], rtol=0.35)
    assert_allclose(fit.fixef.values, [1.0, 2.0], atol=1.0)


def test_two_terms_of_one_factor_and_another_factor():
    stated = model("y ~ x + (x || g) + (1 | h)", sd={"g": {"Intercept": 2.0, "x": 1.0}, "h": 0.7})
    sizes = [np.linalg.norm(stated.sigma * f, axis=1) for f in stated.solution.factors]
    assert_allclose(np.concatenate(sizes), [2.0, 1.0, 0.7])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fixef": {"Intercept": 1.0}}, "fixef lacks 'x'"),
        ({"fixef": FIXEF | {"z": 1}}, "fixef names no coefficient of the model: 'z'"),
        ({"sd": {}}, "sd lacks 'g'"),
        ({"sd": {"g": 1.0}}, "sd of 'g' is one number for the effects 'Intercept', 'x'"),
        ({"sd": {"g": {"Intercept": 1.0}}}, "sd of 'g' lacks 'x'"),
        ({"sd": {"g": {"Intercept": 1.0, "x": -1.0}}}, "standard deviations must be 0 or more"),
        ({"sd": {"g": {"Intercept": 1, "x": 1, "z": 1}}}, "sd of 'g' names no effect: 'z'"),
        ({"sd": {"g": {"Intercept": 1, "x": 1}, "k": 1}}, "sd names no grouping factor"),
        ({"cor": {"g": 2.0}}, "cor of 'g' is no correlation matrix of 2 effects"),
        ({"sigma": 0}, "sigma must be a positive number, found 0"),
        ({"fixef": FIXEF | {"x": np.nan}}, "must be a finite number, found nan"),
        ({"formula": "y ~ x + (x || g)", "cor": {"g": 0.5}}, "no term of it has correlated"),
    ],
)
def test_parameters_that_are_none_are_refused(given, message):
    with pytest.raises((DataError, UnknownNameError), match=message):
        model(**given)
