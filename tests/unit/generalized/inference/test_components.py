"""Errors of variances, their tests, and the conditional criterion, each by another way."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from tests import dense
from tests.unit.generalized.inference.fits import fit_of, table
from tests.unit.generalized.inference.natural import Natural


@pytest.mark.parametrize(
    "name", ["slope", "crossed", "nested", "diagonal", "cs", "ar1", "inflated", "quadrature"]
)
def test_errors_of_variances_are_those_of_the_hessian_in_them(name):
    fit = fit_of(name)
    natural = Natural(fit)
    leaders = natural.leaders()
    x = np.array([natural.values[label] for label in leaders])
    hessian = dense.hessian(
        lambda v: natural(natural.spread(dict(zip(leaders, v, strict=True)))), x
    )
    errors = dict(zip(leaders, np.sqrt(2 * np.diag(np.linalg.inv(hessian))), strict=True))
    ours = fit.variance_parameters()
    labels = [p.label for p in natural.parameters if p.kind != "fixed"]
    for label, error in zip(labels, ours["std_error"], strict=True):
        if label in errors:
            assert error == pytest.approx(errors[label], rel=2e-3)


def test_a_variance_of_zero_has_no_error():
    data = {"g": np.repeat(np.arange(20), 5), "y": np.random.default_rng(3).poisson(2.0, 100)}
    fit = pp.glmm("y ~ 1 + (1 | g)", data, family="poisson")
    assert np.isnan(fit.variance_parameters()["std_error"][0])
    quasi = pp.glmm("y ~ 1 + (1 | g)", data, family="poisson", method="pql")
    with pytest.raises(NotAvailableError, match="errors of variances need a likelihood"):
        quasi.variance_parameters()


def test_without_random_effects_there_are_no_rows():
    assert len(fit_of("no effects").variance_parameters()["term"]) == 0


# --- the conditional criterion ----------------------------------------------------------------


def joint_trace(fit, weights):
    """Trace of the hat matrix of the working model, from dense matrices."""
    design = fit.design
    columns, precision = [design.X], [np.zeros((design.X.shape[1],) * 2)]
    for effects, term in zip(design.random, fit.varcorr.terms, strict=True):
        J, k = len(effects.factor.levels), len(effects.columns)
        Z = np.zeros((len(design.X), J, k))
        Z[np.arange(len(Z)), effects.factor.codes] = effects.basis
        columns.append(Z.reshape(len(Z), -1))
        precision.append(np.kron(np.eye(J), np.linalg.inv(term.cov)))
    C = np.hstack(columns)
    P = np.zeros((C.shape[1],) * 2)
    at = 0
    for block in precision:
        P[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    inner = C.T @ (weights[:, None] * C)
    return float(np.trace(np.linalg.solve(inner + P, inner)))


@pytest.mark.parametrize("name", ["slope", "crossed", "nested", "diagonal", "quadrature"])
def test_degrees_of_freedom_are_the_trace_of_the_hat_matrix(name):
    fit = fit_of(name)
    mu = fit.fitted
    weights = mu * (1 - mu) if fit.family.name == "binomial" else mu
    found = fit.conditional_aic
    assert found.df == pytest.approx(joint_trace(fit, weights), rel=1e-6)
    y = fit.response.values
    if fit.family.name == "binomial":
        loglik = np.log(np.where(y == 1, mu, 1 - mu)).sum()
        assert found.loglik == pytest.approx(loglik, rel=1e-9)
    assert found.aic == pytest.approx(-2 * found.loglik + 2 * found.df)


def test_a_gaussian_model_has_that_of_the_linear_one():
    data = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    linear = pp.lmm(formula, data, reml=False).conditional_aic
    found = pp.glmm(formula, data, family="gaussian").conditional_aic
    assert_allclose([found.aic, found.df], [linear.aic, linear.df], rtol=1e-5)


def test_an_effect_of_no_variance_has_no_degrees_of_freedom():
    data = {"g": np.repeat(np.arange(20), 5), "y": np.random.default_rng(3).poisson(2.0, 100)}
    fit = pp.glmm("y ~ 1 + (1 | g)", data, family="poisson")
    assert fit.conditional_aic.df == pytest.approx(1.0)
    assert fit.conditional_aic.loglik == pytest.approx(fit.loglik)


@pytest.mark.parametrize("name", ["ordinal", "inflated", "dispersion", "cs", "gamma", "penalty"])
def test_degrees_of_freedom_lie_between_coefficients_and_all_effects(name):
    fit = fit_of(name)
    coefficients = sum(len(fit.fixef_of(part)) for part in fit.parts)
    effects = sum(len(e.factor.levels) * len(e.columns) for d in fit.designs.values()
                  for e in d.random)  # fmt: skip
    assert coefficients < fit.conditional_aic.df < coefficients + effects


# --- tests that a variance is zero ------------------------------------------------------------


def test_statistics_are_those_of_the_smaller_models():
    fit = fit_of("slope")
    found = fit.variance_tests()
    data = table()
    expected = []
    for random in ("(0 + x | g)", "(1 | g)"):
        less = pp.glmm(f"y01 ~ x + {random}", data, family="binomial")
        expected.append(2 * (fit.loglik - less.loglik))
    assert_allclose(found["statistic"], expected, atol=1e-6)
    p = [0.5 * (chi2.sf(s, 1) + chi2.sf(s, 2)) for s in expected]
    assert_allclose(found["p_value"], p, rtol=1e-4)


@pytest.mark.parametrize("name", ["inflated", "quadrature", "expected", "crossed"])
def test_whole_terms_are_left_out(name):
    fit = fit_of(name)
    found = fit.variance_tests()
    assert len(found["statistic"]) == sum(len(d.random) for d in fit.designs.values())
    assert ((found["p_value"] >= 0) & (found["p_value"] <= 1)).all()
    assert found["statistic"].max() > 0


def test_simulated_p_values_are_uniform_where_there_is_no_variance():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(15), 4)
    p = []
    for i in range(12):
        y = rng.poisson(2.0, len(g))
        fit = pp.glmm("y ~ 1 + (1 | g)", {"g": g, "y": y}, family="poisson")
        found = fit.variance_tests("simulate", nsim=30, seed=i)
        p.append(found["p_simulated"][0])
        assert found["p_simulated"][0] <= 1.0
    assert np.mean(np.array(p) < 0.2) < 0.6
    assert max(p) > 0.4


def test_the_seed_decides_the_draws():
    fit = fit_of("quadrature")
    a, b = (fit.variance_tests("simulate", nsim=9, seed=4)["p_simulated"][0] for _ in range(2))
    assert a == b == pytest.approx(0.1)


def test_what_has_no_tests_says_so():
    with pytest.raises(ModelError, match="no random terms"):
        fit_of("no effects").variance_tests()
    with pytest.raises(DataError, match="method must be 'mixture' or 'simulate'"):
        fit_of("slope").variance_tests("exact")
    with pytest.raises(DataError, match="nsim must be a whole number"):
        fit_of("slope").variance_tests("simulate", nsim=0)
    quasi = pp.glmm("y ~ x + (1 | g)", table(), family="poisson", method="pql")
    with pytest.raises(NotAvailableError, match="no likelihood to compare"):
        quasi.variance_tests()
    with pytest.raises(NotAvailableError, match="conditional AIC needs a likelihood"):
        _ = quasi.conditional_aic
