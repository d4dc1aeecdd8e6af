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


def test_glmmtmb_s_standard_errors_are_those_of_the_joint_hessian():
    """So they differ from ours, at known theta, in the fourth digit of an unbalanced design."""
    stored, data = reference("tmb_sleepstudy_ar1"), pp.load_dataset("sleepstudy")
    y, days = data["Reaction"].to_numpy(), data["Days"].to_numpy()
    codes, J = factor(data["Subject"])
    X = np.column_stack([np.ones(len(y)), days])
    sd, rho = stored["VarCorr"][0]["sd"][0], stored["VarCorr"][0]["corr"][0][1]
    same, lag = np.equal.outer(codes, codes), np.abs(np.subtract.outer(days, days))

    def deviance(x):
        beta, (log_sigma, log_sd, z) = x[:2] * [10, 1.5], x[2:] / 10
        V = np.exp(2 * log_sd) * np.tanh(z) ** lag * same + np.exp(2 * log_sigma) * np.eye(len(y))
        L = np.linalg.cholesky(V)
        residual = np.linalg.solve(L, y - X @ beta)
        return 2 * np.sum(np.log(np.diag(L))) + residual @ residual

    beta = np.array([*stored["fixef"].values()])
    covariance = np.array([np.log(stored["sigma"]), np.log(sd), np.arctanh(rho)])
    H = dense.hessian(deviance, np.concatenate([beta / [10, 1.5], covariance * 10]), step=1e-2)
    joint = 2 * np.linalg.inv(H)[:2, :2] * np.outer([10, 1.5], [10, 1.5])
    assert_allclose(joint, stored["vcov"]["matrix"], rtol=1e-6)

    model = dense.Model(y, X, (dense.Term(codes, np.eye(10)[days], J),), reml=False)
    Sigma = dense.autoregressive(np.array([sd / stored["sigma"], rho]), 10)
    known = dense.solve(model, [Sigma]).vcov
    assert_allclose(np.sqrt(np.diag(known)), [11.0702079, 1.4965326], rtol=1e-7)


def test_differences_repeat_a_known_gradient_and_hessian():
    value = lambda x: np.exp(x[0]) * np.sin(x[1]) + x[0] ** 3  # noqa: E731
    x = np.array([0.3, 0.8])
    e, s, c = np.exp(0.3), np.sin(0.8), np.cos(0.8)
    assert_allclose(dense.gradient(value, x), [e * s + 3 * 0.09, e * c], rtol=1e-9)
    assert_allclose(dense.hessian(value, x), [[e * s + 1.8, e * c], [e * c, -e * s]], rtol=1e-7)
