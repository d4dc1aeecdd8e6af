"""Second derivatives, and what of the estimates' uncertainty follows from them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.families import resolve
from partialpool.solve.generalized import Objective
from tests.dense import hessian as second_differences
from tests.unit.families.cases import CASES
from tests.unit.solve.generalized import models
from tests.unit.solve.generalized.test_gradient import OBJECTIVES

MODELS = {
    "binomial": ("binomial", "~ x + (1 + x | g)"),
    "crossed Poisson": ("poisson", "~ x + (1 | g) + (1 | h)"),
    "nbinom2": ("nbinom2", "~ x + (1 | g)"),
    "ordinal": ("ordinal", "~ x + (1 | g)"),
    "gamma": ("gamma", "~ x + (1 | g) + (1 | h)"),
}


def made(family, terms):
    family = resolve(family)
    data = models.drawn(models.table(seed=2, n=200, levels=(15, 9)), family, size=1.0, seed=2)
    return models.example(models.response_of(family) + terms, data, family)


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_hessian_is_that_of_the_objective(model, objective):
    if objective.quadrature > 1 and "h" in model[1]:
        pytest.skip("quadrature is for one factor")
    example = made(*model)
    ours = example.solve(objective)
    assert (ours.psi != 0).all()  # a singular one may be found in turned axes
    at = models.Point(example, objective, ours.psi, ours.estimate.mapped)
    theirs = second_differences(at.value, at.x, step=0.01)
    # Theirs are second differences of values over a hundredth of a standard error: they err by
    # a twelfth of its square times the fourth derivative, of order ten where a standard
    # deviation is near zero.
    scale = np.sqrt(np.diag(theirs))
    assert_allclose(ours.hessian / np.outer(scale, scale), theirs / np.outer(scale, scale),
                    atol=2e-4)  # fmt: skip


def eighth_order(gradient, x, sizes):
    """Differences of a gradient over 8 points, 3 to 12 hundredths of a standard error away."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    columns = []
    for c, size in enumerate(sizes):
        step = np.zeros(len(x))
        step[c] = 0.03 * min(size, 1.0)
        column = sum(
            w * (gradient(x + k * step) - gradient(x - k * step)) for k, w in weights.items()
        )
        columns.append(column / step[c])
    found = np.array(columns)
    return 0.5 * (found + found.T)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_standard_errors_have_six_digits(model):
    example, objective = made(*model), Objective("laplace")
    ours = example.solve(objective)
    at = models.Point(example, objective, ours.psi, ours.estimate.mapped)
    sizes = np.sqrt(2 / np.diag(ours.hessian))
    theirs = eighth_order(lambda x: at.local(x)[1], at.x, sizes)
    errors = [np.sqrt(np.diag(np.linalg.inv(h))) for h in (ours.hessian, theirs)]
    assert_allclose(*errors, rtol=1e-6)


@pytest.mark.parametrize("family", ["poisson", "nbinom1", "nbinom2"])
def test_counts_of_hundreds_of_millions_keep_their_standard_errors(family):
    rng = np.random.default_rng(5)
    g, x = np.arange(200) % 20, rng.normal(size=200)
    y = rng.poisson(1e8 * np.exp(0.2 * x + 0.3 * rng.normal(size=20)[g]))
    y = y + np.round(np.sqrt(30 * y) * rng.normal(size=200)) * (family != "poisson")
    fit = pp.glmm("y ~ x + (1 | g)", {"y": y, "x": x, "g": g}, family=family)
    assert fit.converged
    # Beside such counts nothing but the groups' variation makes the intercept uncertain.
    expected = fit.varcorr.terms[0].sd[0] / np.sqrt(20)
    assert fit.stderr["Intercept"] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("name", ["sleepstudy", "Penicillin", "Machines"])
def test_the_restricted_vcov_of_a_gaussian_response_is_the_linear_models(name):
    linear, ours = gaussian(name, reml=True)
    assert_allclose(ours.vcov, linear.vcov, rtol=1e-4)


@pytest.mark.parametrize("name", ["sleepstudy", "Penicillin", "Machines"])
def test_the_vcov_of_a_balanced_gaussian_response_is_the_linear_models(name):
    # In balanced designs beta is uncorrelated with the covariance parameters.
    linear, ours = gaussian(name, reml=False)
    assert_allclose(ours.vcov, linear.vcov, rtol=1e-4)


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("name", ["sleepstudy", "Penicillin", "Machines", "ratpup", "Pastes"])
def test_laplace_is_exact_for_a_gaussian_response(name, reml):
    linear, ours = gaussian(name, reml=reml)
    assert_allclose(ours.objective, linear.objective, atol=1e-8)
    assert_allclose(ours.fixef, linear.fixef, rtol=1e-5)
    assert_allclose(ours.sigma, linear.sigma, rtol=1e-5)


GAUSSIAN = {
    "sleepstudy": "Reaction ~ Days + (Days | Subject)",
    "Penicillin": "diameter ~ 1 + (1 | plate) + (1 | sample)",
    "Pastes": "strength ~ 1 + (1 | batch/cask)",
    "Machines": "score ~ Machine + (1 | Worker)",
    "ratpup": "weight ~ treatment + sex + litsize + (1 | litter)",
}


def gaussian(name, reml):
    data, formula = pp.load_dataset(name), GAUSSIAN[name]
    ours = pp.glmm(formula, data, family="gaussian", reml=reml)
    return pp.lmm(formula, data, reml=reml), ours


def test_standard_errors_know_that_the_covariance_parameters_are_estimated():
    joint = made("nbinom2", "~ x + (1 | g)").solve(Objective("joint"))
    laplace = made("nbinom2", "~ x + (1 | g)").solve()
    h = laplace.hessian / 2
    m = laplace.problem.n_psi
    back = np.zeros((3, 3))
    back[:2, :2], back[2:, 2:] = laplace.problem.matrix(0), laplace.problem.matrix(1)
    assert_allclose(laplace.vcov, back @ np.linalg.inv(h)[m:, m:] @ back.T, rtol=1e-9)
    assert_allclose(np.diag(joint.vcov), np.diag(laplace.vcov), rtol=0.1)


def test_coefficients_of_columns_left_out_have_no_variance():
    data = models.drawn(models.table(n=100), CASES["poisson-log-none"][0])
    data["twice"] = 2 * data["x"]
    ours = models.example("y ~ x + twice + (1 | g)", data, "poisson").solve()
    plain = models.example("y ~ x + (1 | g)", data, "poisson").solve()
    assert np.isnan(ours.beta["mean"]).tolist() == [False, False, True]
    assert np.isnan(ours.vcov[2]).all()
    assert np.isnan(ours.vcov[:, 2]).all()
    assert_allclose(ours.vcov[:2, :2], plain.vcov, rtol=1e-8)
    assert_allclose(ours.loglik, plain.loglik, rtol=1e-12)
