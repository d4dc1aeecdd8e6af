"""Which optimum is called singular, and in which direction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.linear import certificate
from partialpool.solve import Likelihood, Solution, reduce
from tests import dense
from tests.unit.inference import models

SLEEP = "Reaction ~ Days + (Days | Subject)"
shifts = pytest.mark.parametrize("shift", [0.0, 1e3, 1e7])


def table(slopes_vary, shift=0.0):
    """20 groups of 10 rows; intercepts vary by group, slopes do or are the same to the digit."""
    rng = np.random.default_rng(8)
    g = np.repeat(np.arange(20), 10)
    x = np.round(rng.normal(size=200) * 2**20) / 2**20  # so that the shift is exact
    b0, b1 = rng.normal(size=(2, 20))
    noise = rng.normal(size=200)
    if not slopes_vary:
        b1 -= b1
        for rows in np.arange(200).reshape(20, 10):
            noise[rows] -= np.polynomial.Polynomial.fit(x[rows], noise[rows], 1)(x[rows])
    return pd.DataFrame({"y": 1 + x + b0[g] + b1[g] * x + noise, "x": x + shift, "g": g})


@shifts
def test_a_covariate_far_from_zero_is_no_singular_fit(shift):
    fit = pp.lmm("y ~ x + (x | g)", table(slopes_vary=True, shift=shift))
    assert not fit.singular
    assert fit.certificate.null_directions == ()


@shifts
def test_a_singular_fit_is_one_wherever_the_covariate_has_its_zero(shift):
    """b0 and b1 x are proportional at the optimum: one dimension is left of two."""
    fit = pp.lmm("y ~ x + (x | g)", table(slopes_vary=False, shift=shift))
    assert fit.singular
    (null,) = fit.certificate.null_directions
    assert (null.group, null.columns, null.rank) == ("g", ("Intercept", "x"), 1)
    variance = null.direction @ fit.varcorr.terms[0].cov @ null.direction
    assert variance < 1e-12 * fit.varcorr.terms[0].cov[0, 0]


def test_the_null_direction_of_independent_effects_is_the_effect_without_variance():
    fit = pp.lmm("y ~ x + (x || g)", table(slopes_vary=False))
    (null,) = fit.certificate.null_directions
    assert_allclose(null.direction, [0.0, 1.0], atol=1e-12)
    assert null.rank == 1


def rank_one(unit=1.0, seed=2):
    """30 groups whose slope is twice their intercept, and noise that hides nothing else."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(30), 20)
    x = rng.normal(size=600)
    b = rng.normal(size=30)
    y = b[g] * (1 + 2 * x) + rng.normal(size=600)
    return pd.DataFrame({"y": y, "x": x * unit, "g": g})


def no_group_effect():
    data = models.table()
    return data.assign(y=data["y"] - data.groupby("g")["y"].transform("mean"))


@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
def test_a_regular_optimum_has_no_slope_and_is_a_minimum(reml):
    certificate = pp.lmm(SLEEP, pp.load_dataset("sleepstudy"), reml=reml).certificate
    assert certificate.gradient < 1e-4
    assert certificate.smallest_eigenvalue > 1
    assert certificate.exact
    assert certificate.converged
    assert not certificate.singular
    assert certificate.null_directions == ()
    assert 1 < certificate.evaluations <= 12


def test_crossed_factors_have_exact_second_derivatives_unless_they_are_many(monkeypatch):
    fit = models.fit(models.FORMULAS["crossed"])
    exact = fit.certificate
    monkeypatch.setattr("partialpool.linear.certificate._MANY_EFFECTS", 10)
    average = fit.certificate
    assert (exact.exact, average.exact) == (True, False)
    assert exact.gradient < 1e-3
    assert exact.smallest_eigenvalue > 0
    # At an optimum average information is near the exact one, and not equal.
    assert 0.3 < average.smallest_eigenvalue / exact.smallest_eigenvalue < 3


@pytest.mark.parametrize("formula", models.FORMULAS.values(), ids=models.FORMULAS)
def test_no_step_of_the_twin_finds_a_lower_point(formula):
    fit = models.fit(formula)
    if not fit.design.random or "cs(" in formula:
        return
    model, _ = models.twin(fit)
    charts = [
        {"unstructured": dense.unstructured, "diagonal": dense.diagonal}[e.term.structure]
        for e in fit.design.random
    ]
    value = dense.as_function(model, charts)
    steps = 1e-3 * np.random.default_rng(0).normal(size=(20, len(fit.theta)))
    assert min(value(fit.theta + step) for step in steps) > value(fit.theta) - 1e-9


def test_a_term_without_variance_is_exactly_zero_and_named():
    fit = pp.lmm("y ~ x + (1 | g)", no_group_effect())
    assert fit.singular
    assert fit.converged
    np.testing.assert_array_equal(fit.theta, 0.0)
    (null,) = fit.certificate.null_directions
    assert (null.group, null.columns, null.rank) == ("g", ("Intercept",), 0)
    np.testing.assert_array_equal(null.direction, [1.0])


@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e3])
def test_of_two_effects_that_go_together_the_direction_without_variance_is_named(unit):
    """Slope = 2 intercept: the combination slope - 2 intercept doesn't vary, in any units."""
    fit = pp.lmm("y ~ x + (x | g)", rank_one(unit))
    assert fit.singular
    (null,) = fit.certificate.null_directions
    assert (null.group, null.columns, null.rank) == ("g", ("Intercept", "x"), 1)
    assert np.max(np.abs(null.direction)) == 1.0
    cov = fit.varcorr.terms[0].cov
    size = np.sqrt(np.diag(cov))
    spread = np.sqrt(max(null.direction @ cov @ null.direction, 0)) / (
        np.abs(null.direction) @ size
    )
    assert spread < 1e-6
    # About 2, as far as 30 groups tell.
    assert_allclose(-null.direction[0] / (null.direction[1] / unit), 2.0, rtol=0.1)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_do_not_make_a_regular_fit_singular(unit):
    data = models.table()
    fit = pp.lmm("y ~ x + (x | g)", data.assign(x=data["x"] * unit))
    assert fit.singular == models.fit("y ~ x + (x | g)").singular


def test_a_singular_fit_is_a_correlation_of_one():
    fit = pp.lmm("y ~ x + (x | g)", rank_one())
    assert_allclose(abs(fit.varcorr.terms[0].corr[0, 1]), 1.0, rtol=1e-10)
    assert fit.theta[2] == 0.0


def test_a_singular_optimum_is_no_worse_than_what_the_twin_finds():
    fit = pp.lmm("y ~ x + (x | g)", rank_one().iloc[:120])
    model, _ = models.twin(fit)
    _, best = dense.lowest(dense.as_function(model), dense.default_start(model))
    assert fit.objective < best + 1e-8


def test_every_dimension_lost_has_a_direction_of_its_own():
    data = no_group_effect()
    y = np.random.default_rng(5).normal(size=96)
    fit = pp.lmm("y ~ x + (x + z | g)", data.assign(y=y))
    nulls = fit.certificate.null_directions
    (rank,) = {null.rank for null in nulls}
    assert len(nulls) == 3 - rank
    assert np.linalg.matrix_rank([null.direction for null in nulls]) == len(nulls)


def test_of_several_terms_the_one_without_variance_is_named():
    fit = pp.lmm("y ~ x + (1 | g) + (1 | h)", no_group_effect())
    groups = [null.group for null in fit.certificate.null_directions]
    assert "g" in groups


def test_a_search_cut_short_is_reported():
    design = models.fit(models.FORMULAS["three factors"]).design
    reduced = reduce(design)
    optimum = reduced.problem.optimise(True, 0.0, None, 1e-9, 1)
    fit = pp.LmmFit(design, Solution(reduced, optimum, Likelihood()))
    assert not fit.converged
    assert not fit.certificate.converged


@pytest.mark.parametrize("structure", ["cs", "homcs", "ar1"])
@pytest.mark.parametrize("seed", range(4))
def test_a_correlation_at_the_end_of_its_range_is_a_dimension_lost(structure, seed):
    """One effect for all times of a group: the search ends near the end, not on it."""
    rng = np.random.default_rng(seed)
    g, f = np.repeat(np.arange(20), 12), np.tile(list("abc"), 80)
    y = 2 * rng.normal(size=20)[g] + rng.normal(size=240)
    fit = pp.lmm(f"y ~ {structure}(0 + f | g)", {"y": y, "g": g, "f": f})
    (term,) = fit.varcorr.terms
    assert fit.singular == (term.corr[0, 1] > 1 - 1e-9)
    assert all(null.rank == 1 for null in fit.certificate.null_directions)


def test_least_squares_has_nothing_to_certify():
    certificate = models.fit("y ~ x + z").certificate
    assert (certificate.gradient, certificate.smallest_eigenvalue) == (0.0, np.inf)
    assert certificate.null_directions == ()


@pytest.mark.parametrize(("smallest", "shown"), [(-3e-11, 0.0), (5e-9, 0.0), (1e-3, 1e-3)])
def test_a_curvature_that_is_rounding_is_none(smallest, shown):
    assert_allclose(certificate._smallest(np.diag([1.0, smallest])), shown)
