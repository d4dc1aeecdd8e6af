"""The twin in ``tests/dense.py`` proves others right, so it has to be proved first."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from tests import dense
from tests.reference.cases import FITS


def reference(name):
    return json.loads((FITS / f"{name}.json").read_text())


def factor(labels):
    levels, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return codes, len(levels)


def sleepstudy(reml=True, weights=None):
    data = pp.load_dataset("sleepstudy")
    X = np.column_stack([np.ones(len(data)), data["Days"]])
    codes, J = factor(data["Subject"])
    y = data["Reaction"].to_numpy()
    return dense.Model(y, X, (dense.Term(codes, X, J),), weights=weights, reml=reml)


def pastes():
    data = pp.load_dataset("Pastes")
    ones = np.ones((len(data), 1))
    labels = [f"{c}:{b}" for c, b in zip(data["cask"], data["batch"], strict=True)]
    terms = [dense.Term(*_with_basis(factor(g), ones)) for g in (labels, data["batch"])]
    return dense.Model(data["strength"].to_numpy(), ones, tuple(terms))


def _with_basis(codes_and_levels, basis):
    return codes_and_levels[0], basis, codes_and_levels[1]


def weights():
    return 1 / (1 + pp.load_dataset("sleepstudy")["Days"].to_numpy())


MODELS = {
    "lmm_sleepstudy_slope_reml": sleepstudy,
    "lmm_sleepstudy_slope_ml": lambda: sleepstudy(reml=False),
    "lmm_sleepstudy_weights": lambda: sleepstudy(weights=weights()),
    "lmm_pastes_nested": pastes,
}
some_fits = pytest.mark.parametrize("name", MODELS)


def covariances(model, theta):
    sizes = [t.k * (t.k + 1) // 2 for t in model.terms]
    parts = dense.split(theta, sizes)
    return [dense.unstructured(t, term.k) for t, term in zip(parts, model.terms, strict=True)]


@some_fits
def test_the_twin_repeats_lme4_at_lme4_s_theta(name):
    stored, model = reference(name), MODELS[name]()
    ours = dense.solve(model, covariances(model, stored["theta"]["values"]))
    # The stored theta is right to 1e-6 and the criterion flat there: only rounding is left.
    assert_allclose(ours.objective, stored["optimum"]["value"], rtol=0, atol=1e-9)
    assert_allclose(ours.beta, [*stored["fixef"].values()], rtol=1e-10)
    assert_allclose(ours.vcov, stored["vcov"]["matrix"], rtol=1e-10)
    assert_allclose(ours.sigma, stored["sigma"], rtol=1e-10)
    for b, sd, theirs in zip(ours.b, ours.cond_sd(), stored["ranef"].values(), strict=True):
        assert_allclose(b, theirs["values"], atol=1e-9)
        assert_allclose(sd, theirs["cond_sd"], rtol=1e-9)
    assert_allclose(ours.fitted[:20], stored["fitted"]["first20"], rtol=1e-10)


@some_fits
def test_both_ways_to_the_objective_agree(name):
    model = MODELS[name]()
    Sigmas = covariances(model, reference(name)["theta"]["values"])
    assert_allclose(dense.objective(model, Sigmas), dense.solve(model, Sigmas).objective)


def test_the_twin_repeats_lme4_s_hat_values():
    stored, model = reference("lmm_sleepstudy_slope_reml"), sleepstudy()
    ours = dense.solve(model, covariances(model, stored["theta"]["values"]))
    assert_allclose(ours.hat, stored["hatvalues"], rtol=1e-10)


def test_the_twin_s_own_search_ends_at_lme4_s_optimum():
    stored, model = reference("lmm_pastes_nested"), pastes()
    theta, lowest = dense.lowest(dense.as_function(model), dense.default_start(model))
    assert_allclose(lowest, stored["optimum"]["value"], rtol=0, atol=1e-8)
    assert_allclose(np.abs(theta), stored["theta"]["values"], rtol=1e-4)


def test_differences_repeat_a_known_gradient_and_hessian():
    value = lambda x: np.exp(x[0]) * np.sin(x[1]) + x[0] ** 3  # noqa: E731
    x = np.array([0.3, 0.8])
    e, s, c = np.exp(0.3), np.sin(0.8), np.cos(0.8)
    assert_allclose(dense.gradient(value, x), [e * s + 3 * 0.09, e * c], rtol=1e-9)
    assert_allclose(dense.hessian(value, x), [[e * s + 1.8, e * c], [e * c, -e * s]], rtol=1e-7)
