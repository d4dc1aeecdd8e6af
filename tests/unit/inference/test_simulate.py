"""Draws against the mean and covariance that they should have: within 5 standard errors."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import block_diag

from partialpool.errors import DataError
from tests.unit.inference import models

FORMULAS = {name: models.FORMULAS[name] for name in ("slope", "crossed", "least squares")}
formulas = pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
DRAWS = 4000


def covariance(fit):
    """Var(y), written out."""
    model, _ = models.twin(fit)
    weights = np.ones(len(model.y)) if model.weights is None else model.weights
    V = fit.sigma**2 * np.diag(1 / weights)
    for term, component in zip(model.terms, fit.varcorr.terms, strict=True):
        Z = term.columns()
        V = V + Z @ block_diag(*[component.cov] * term.levels) @ Z.T
    return V


@formulas
def test_draws_have_the_mean_of_the_fixed_effects(formula):
    fit = models.fit(formula)
    draws, V = fit.simulate(DRAWS, seed=1), covariance(fit)
    z = (draws.mean(axis=1) - fit.predict(random="none")) / np.sqrt(np.diag(V) / DRAWS)
    assert np.abs(z).max() < 5


@formulas
def test_draws_have_the_covariance_of_the_model(formula):
    fit = models.fit(formula)
    draws, V = fit.simulate(DRAWS, seed=2), covariance(fit)
    # Var of a sample covariance of normal numbers: (V_ii V_jj + V_ij^2) / draws.
    error = np.sqrt((np.outer(np.diag(V), np.diag(V)) + V**2) / DRAWS)
    assert np.abs((np.cov(draws) - V) / error).max() < 5.5


def test_weights_divide_the_residual_variance():
    fit = models.fit("y ~ x + (x | g)", weighted=True)
    draws = fit.simulate(DRAWS, seed=3, conditional=True)
    counts = fit.design.weights > 0
    wanted = fit.sigma**2 / fit.design.weights[counts]
    z = (draws[counts].var(axis=1) / wanted - 1) / np.sqrt(2 / DRAWS)
    assert np.abs(z).max() < 5
    # Weight zero means infinite variance; such rows get their mean, and a refit takes them.
    np.testing.assert_array_equal(draws[~counts], np.repeat(fit.fitted[~counts, None], DRAWS, 1))
    assert fit.refit(draws[:, 0]).converged


@formulas
def test_conditional_draws_keep_the_random_effects(formula):
    fit = models.fit(formula)
    draws = fit.simulate(DRAWS, seed=4, conditional=True)
    z = (draws.mean(axis=1) - fit.fitted) / (fit.sigma / np.sqrt(DRAWS))
    assert np.abs(z).max() < 5
    assert_allclose(draws.std(axis=1), fit.sigma, rtol=5 / np.sqrt(2 * DRAWS))


def test_the_same_seed_gives_the_same_draws_and_another_does_not():
    fit = models.fit(FORMULAS["crossed"])
    one, same, other = (fit.simulate(2, seed=s) for s in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert not np.any(one == other)


def test_there_is_a_row_for_each_row_and_a_column_for_each_draw():
    assert models.fit(FORMULAS["slope"]).simulate().shape == (96, 1)
    assert models.fit(FORMULAS["slope"]).simulate(3).shape == (96, 3)


@pytest.mark.parametrize("nsim", [0, -1])
def test_fewer_draws_than_one_are_refused(nsim):
    with pytest.raises(DataError, match=f"nsim must be a whole number of at least 1, found {nsim}"):
        models.fit(FORMULAS["slope"]).simulate(nsim)


def test_a_model_refitted_to_its_own_draw_finds_parameters_nearby():
    fit = models.fit(FORMULAS["slope"])
    again = fit.refit(fit.simulate(seed=7)[:, 0])
    assert np.all(np.abs(again.fixef.values - fit.fixef.values) < 5 * fit.stderr.values)
    assert_allclose(again.sigma, fit.sigma, rtol=5 / np.sqrt(2 * 76))
