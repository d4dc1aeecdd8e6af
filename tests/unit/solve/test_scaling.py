"""The answer doesn't depend on units, nor on where zero is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.design import build
from partialpool.formula import parse
from partialpool.solve import Likelihood, solve

FORMULAS = {
    "one factor": "y ~ x + z + (x | g)",
    "crossed": "y ~ x + z + (x | g) + (1 | h)",
    "independent": "y ~ x + z + (z || g)",
    "least squares": "y ~ x + z",
}
formulas = pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
methods = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])


def on_grid(values):
    """Multiples of 2^-20, so that 1e9 can be added without rounding: ours alone is tested."""
    return np.round(values * 2**20) / 2**20


def table():
    rng = np.random.default_rng(12)
    n, g, h = 120, np.arange(120) % 12, rng.integers(5, size=120)
    x, z = on_grid(rng.normal(size=(2, n)))
    b = rng.normal(size=(12, 2))
    y = 3 + x - z + b[g, 0] + 0.8 * b[g, 1] * x + rng.normal(size=5)[h] + rng.normal(size=n)
    return {"y": on_grid(y), "x": x, "z": z, "g": g, "h": h}


def fit(formula, reml=True, weights=None, **changes):
    design = build(parse(formula), table() | changes, weights=weights)
    return design, solve(design, Likelihood(reml and bool(design.random)))


def nu(solution):
    return solution.reduced.problem.n - (3 if solution.likelihood.reml else 0)


@methods
@formulas
@pytest.mark.parametrize("unit", [1e-300, 1e-6, 1e6, 1e300])
def test_the_unit_of_the_response_scales_the_estimates_and_shifts_the_objective(
    formula, reml, unit
):
    design, plain = fit(formula, reml)
    _, ours = fit(formula, reml, y=table()["y"] * unit)
    shift = nu(plain) * 2 * np.log(unit)
    assert_allclose(ours.optimum.objective, plain.optimum.objective + shift, rtol=1e-10)
    assert_allclose(ours.beta / unit, plain.beta, rtol=1e-6)
    assert_allclose(ours.sigma / unit, plain.sigma, rtol=1e-6)
    assert_allclose(ours.root, plain.root, rtol=1e-6, atol=1e-9)
    for b, theirs in zip(ours.effects(design), plain.effects(design), strict=True):
        assert_allclose(b / unit, theirs, rtol=0, atol=1e-5)


@methods
@formulas
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_a_covariate_scales_its_coefficient(formula, reml, unit):
    _, plain = fit(formula, reml)
    _, ours = fit(formula, reml, x=table()["x"] * unit)
    shift = 2 * np.log(unit) if ours.likelihood.reml else 0.0
    assert_allclose(ours.optimum.objective, plain.optimum.objective + shift, rtol=1e-10)
    assert_allclose(ours.beta * [1, unit, 1], plain.beta, rtol=1e-6)
    assert_allclose(ours.sigma, plain.sigma, rtol=1e-6)


@methods
@formulas
def test_the_zero_of_the_response_moves_the_intercept_only(formula, reml):
    _, plain = fit(formula, reml)
    _, ours = fit(formula, reml, y=table()["y"] + 1e9)
    assert_allclose(ours.optimum.objective, plain.optimum.objective, rtol=1e-8)
    assert_allclose(ours.beta - [1e9, 0, 0], plain.beta, rtol=0, atol=1e-6)
    assert_allclose(ours.sigma, plain.sigma, rtol=1e-6)


@methods
@pytest.mark.parametrize("name", ["one factor", "crossed", "least squares"])
def test_the_zero_of_a_covariate_beside_an_intercept_moves_nothing_else(name, reml):
    design, plain = fit(FORMULAS[name], reml)
    _, ours = fit(FORMULAS[name], reml, x=table()["x"] + 1e7)
    assert_allclose(ours.optimum.objective, plain.optimum.objective, rtol=1e-8)
    assert_allclose(ours.beta[1:], plain.beta[1:], rtol=1e-6)
    for i, effects in enumerate(design.random):
        if "x" in effects.columns:
            slope, theirs = (np.linalg.norm(s.factor(i)[1]) for s in (ours, plain))
            assert_allclose(slope, theirs, rtol=1e-5)


@methods
@formulas
@pytest.mark.parametrize("unit", [1e-10, 1e10])
def test_the_unit_of_the_weights_is_that_of_the_residual_variance(formula, reml, unit):
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 120)
    design, plain = fit(formula, reml, weights=weights)
    _, ours = fit(formula, reml, weights=weights * unit)
    assert_allclose(ours.optimum.objective, plain.optimum.objective, rtol=1e-9)
    assert_allclose(ours.sigma, plain.sigma * np.sqrt(unit), rtol=1e-6)
    assert_allclose(ours.beta, plain.beta, rtol=1e-6)
    for i in range(len(design.random)):
        assert_allclose(ours.sigma * np.abs(ours.factor(i)), plain.sigma * np.abs(plain.factor(i)),
                        rtol=1e-4, atol=1e-5)  # fmt: skip


@formulas
def test_units_do_not_change_the_number_of_evaluations(formula):
    _, plain = fit(formula)
    _, ours = fit(formula, y=table()["y"] * 1e-6, x=table()["x"] * 1e6)
    assert ours.optimum.evaluations == plain.optimum.evaluations


def test_the_order_of_the_rows_does_not_matter():
    order = np.random.default_rng(3).permutation(120)
    _, plain = fit(FORMULAS["crossed"])
    _, ours = fit(FORMULAS["crossed"], **{name: c[order] for name, c in table().items()})
    assert_allclose(ours.optimum.objective, plain.optimum.objective, rtol=1e-12)
