"""Fits pickled and copied: for other processes, and for libraries that copy what they are given."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from tests.unit.generalized.fakes import varying


def log_density(y, mu):
    return y * np.log(mu) - (y + 1) * np.log1p(mu)


MODELS = {
    "laplace": ("wins ~ x + (x | g)", {"family": "poisson"}),
    "trials": ("cbind(wins, m - wins) ~ x + (1 | g) + (1 | h)", {"family": "binomial"}),
    "parts": (
        "count ~ x + (1 | g)",
        {"family": "nbinom2", "zero_inflation": "~ z + (1 | h)", "dispersion": "~ z"},
    ),
    "ordinal": ("grade ~ x + (1 | g)", {"family": "ordinal"}),
    "quadrature": ("yes ~ x + (1 | g)", {"family": "binomial", "quadrature": 7}),
    "pql": ("yes ~ x + (1 | g)", {"family": "binomial", "method": "pql"}),
    "own": (
        "count ~ x + (1 | g)",
        {"family": pp.families.Family("geometric", log_density, support="counts")},
    ),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("again", [copy.deepcopy, lambda fit: pickle.loads(pickle.dumps(fit))])
def test_a_copy_is_the_same_fit(name, again):
    formula, options = MODELS[name]
    fit = pp.glmm(formula, varying(), **options)
    back = again(fit)
    assert str(back.summary().parts[0].formula) == formula
    assert back.evaluations == fit.evaluations
    assert_allclose(back.loglik, fit.loglik, rtol=1e-12)
    assert_allclose(back.fixef, fit.fixef, rtol=1e-10)
    # By differences of gradients, whose modes are found from another start.
    assert_allclose(back.stderr, fit.stderr, rtol=1e-5)
    new = varying().head(3)
    if name != "ordinal":
        assert_allclose(back.predict(new), fit.predict(new), rtol=1e-8)


def test_a_linear_fit_can_be_copied():
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    back = pickle.loads(pickle.dumps(fit))
    assert str(back) == str(fit)
    assert copy.deepcopy(fit).loglik == fit.loglik


@pytest.mark.parametrize("link", pp.families.Family.links)
def test_a_link_comes_back_as_itself(link):
    family = pp.families.Family("x", lambda y, mu: -((y - mu) ** 2), link=link)
    assert pickle.loads(pickle.dumps(family.link)) is family.link
