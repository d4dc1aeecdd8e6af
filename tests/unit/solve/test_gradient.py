"""Derivatives of the objective against differences, and against their definitions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tests.dense import gradient as difference
from tests.unit.solve import models

VALUE, GRADIENT, AVERAGE, EXACT = range(4)

ONE_FACTOR = {f"one factor, k = {k}": models.rows(k, (7,), (k,)) for k in (1, 2, 3, 4, 5)}
CROSSED = {
    "nested": models.nested(11),
    "nested, k = 2": models.nested(12, k=2),
    "two crossed, k = 1, 1": models.rows(13, (9, 6), (1, 1)),
    "two crossed, k = 2, 3": models.rows(14, (8, 5), (2, 3)),
    "two crossed, k = 4, 1": models.rows(15, (8, 6), (4, 1)),
    "two crossed, k = 1, 4": models.rows(16, (12, 4), (1, 4)),
    "three crossed, k = 1, 1, 1": models.rows(17, (9, 6, 4), (1, 1, 1)),
    "three crossed, k = 2, 1, 2": models.rows(18, (9, 6, 4), (2, 1, 2)),
}
STRUCTURED = {
    f"{structure}, k = {k}": models.structured(structure, k)
    for structure in models.EVERY
    for k in (2, 4)
}
SEVERAL = {"several terms on one factor": models.several_terms()}
SEVERAL_CROSSED = {
    "several terms, crossed": replace(
        models.several_terms(),
        factors=(*models.several_terms().factors, *models.rows(6, (5,), (2,)).factors),
    )
}

one_factor = ONE_FACTOR | STRUCTURED | SEVERAL
crossed = CROSSED | SEVERAL_CROSSED
methods = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
points = pytest.mark.parametrize(
    "point", [models.interior, models.singular], ids=["interior", "singular"]
)


def cases(known):
    return pytest.mark.parametrize("example", known.values(), ids=known.keys())


def weighted(example):
    """The example with weights (one of them zero), an offset and a known sigma."""
    n = len(example.y)
    weights = np.random.default_rng(0).uniform(0.2, 3.0, n)
    weights[5] = 0.0
    return replace(example, weights=weights, offset=np.linspace(-2, 3, n))


def assert_gradient_is_the_slope(example, psi):
    problem = example.problem()
    ours = problem.local(psi, example.reml, example.fixed, GRADIENT)[1]
    slope = difference(lambda x: example.value(problem, x), psi, step=1e-3)
    assert_allclose(ours, slope, rtol=1e-7, atol=1e-7)


def assert_exact_curvature_is_the_slope_of_the_gradient(example, psi):
    problem = example.problem()
    curvature = problem.local(psi, example.reml, example.fixed, EXACT)[2]
    slope = difference(
        lambda x: problem.local(x, example.reml, example.fixed, GRADIENT)[1], psi, step=1e-3
    )
    assert_allclose(curvature, slope, rtol=1e-7, atol=1e-6)


def assert_average_information_is_its_definition(example, psi):
    problem = example.problem()
    ours = problem.local(psi, example.reml, example.fixed, AVERAGE)
    theirs = models.derivatives(example, problem, psi)
    assert_allclose(ours[1], theirs.gradient, rtol=1e-7, atol=1e-6)
    assert_allclose(ours[2], theirs.average, rtol=1e-6, atol=1e-5)


@points
@methods
@cases(one_factor | crossed)
def test_the_gradient_is_the_slope_of_the_objective(example, reml, point):
    example = replace(example, reml=reml)
    assert_gradient_is_the_slope(example, point(example))


@points
@methods
@cases(one_factor | crossed)
def test_the_exact_curvature_is_the_slope_of_the_gradient(example, reml, point):
    example = replace(example, reml=reml)
    assert_exact_curvature_is_the_slope_of_the_gradient(example, point(example))


@points
@methods
@cases(
    {n: one_factor[n] for n in ("one factor, k = 2", "cs, k = 4", "ar1, k = 4", "toep, k = 4")}
    | crossed
)
def test_average_information_is_what_its_definition_says(example, reml, point):
    example = replace(example, reml=reml)
    assert_average_information_is_its_definition(example, point(example))


SOME = {
    name: (one_factor | crossed)[name]
    for name in ("one factor, k = 3", "several terms on one factor", "three crossed, k = 2, 1, 2")
}


@methods
@cases(SOME)
@pytest.mark.parametrize("sigma", [None, 0.8], ids=["sigma free", "sigma known"])
def test_the_gradient_is_right_with_weights_and_offset_too(example, reml, sigma):
    example = replace(weighted(example), reml=reml, sigma=sigma)
    assert_gradient_is_the_slope(example, models.interior(example))
    assert_average_information_is_its_definition(example, models.interior(example))


@points
@methods
@cases(ONE_FACTOR | SEVERAL | CROSSED)
def test_the_exact_curvature_is_right_with_weights_and_known_sigma(example, reml, point):
    example = replace(weighted(example), reml=reml, sigma=1.3)
    assert_exact_curvature_is_the_slope_of_the_gradient(example, point(example))


@cases({"one factor": ONE_FACTOR["one factor, k = 2"], "crossed": CROSSED["nested"]})
def test_every_level_gives_the_same_value(example):
    problem, psi = example.problem(), models.interior(example)
    values = {problem.local(psi, True, 0.0, level)[0] for level in range(4)}
    assert len(values) == 1


@cases(ONE_FACTOR | CROSSED)
def test_the_sign_of_a_column_of_lambda_does_not_matter(example):
    problem, psi = example.problem(), models.interior(example)
    assert_allclose(example.value(problem, -psi), example.value(problem, psi), rtol=1e-13)


@cases({name: CROSSED[name] for name in ("two crossed, k = 2, 3", "three crossed, k = 2, 1, 2")})
@pytest.mark.parametrize("size", [1e-3, 1e-5, 1e-9])
def test_the_gradient_stays_right_close_to_a_singular_covariance(example, size):
    """Where dividing by Lambda would be noise the traces are computed without it."""
    psi = models.singular(example)
    psi = np.where(psi == 0.0, size, psi)
    assert_average_information_is_its_definition(example, psi)


@cases({"one factor": ONE_FACTOR["one factor, k = 3"], "crossed": CROSSED["nested, k = 2"]})
def test_derivatives_vanish_where_all_variances_are_zero(example):
    """Lambda = 0 is stationary by symmetry; only the chart's curvature is left."""
    problem = example.problem()
    psi = np.zeros(problem.n_params)
    _, gradient, curvature = problem.local(psi, True, 0.0, AVERAGE)
    np.testing.assert_array_equal(gradient, 0.0)
    assert_allclose(curvature, models.derivatives(example, problem, psi).average, atol=1e-5)
