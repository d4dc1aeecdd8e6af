"""Designs whose coarser factors are large and meet few levels: factored sparsely."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.core import dense_algebra
from tests import dense
from tests.unit.solve import models

N = 800


def nested(k):
    """Draw 400 classes in 200 schools in 40 towns."""
    example = models.rows(50 + k, (400, 200, 40), (1, k, 1), n=N)
    classes = example.factors[0]
    coarser = [
        replace(f, codes=(classes.codes // per).astype(np.int32))
        for f, per in zip(example.factors[1:], (2, 10), strict=True)
    ]
    return replace(example, factors=(classes, *coarser))


def movers(k):
    """Draw 500 people who work in one or two neighbouring firms of 300."""
    example = models.rows(60 + k, (500, 300), (1, k), n=N)
    people, firms = example.factors
    moved = np.random.default_rng(k).integers(2, size=N)
    codes = ((people.codes * 3) // 5 + moved) % 300
    return replace(example, factors=(people, replace(firms, codes=codes.astype(np.int32))))


EXAMPLES = {
    "nested, k = 2": nested(2),
    "nested, k = 3": nested(3),
    "movers, k = 1": movers(1),
    "movers, k = 2": movers(2),
}
examples = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
methods = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
points = pytest.mark.parametrize(
    "point", [models.interior, models.singular], ids=["interior", "singular"]
)


@examples
def test_the_rest_is_factored_sparsely(example):
    assert example.problem().sparse


@points
@methods
@examples
def test_the_gradient_is_the_slope_of_the_objective(example, reml, point):
    example, problem = replace(example, reml=reml), example.problem()
    psi = point(example)
    ours = problem.local(psi, reml, 0.0, 1)[1]
    slope = dense.gradient(lambda x: example.value(problem, x), psi, step=1e-3)
    assert_allclose(ours, slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["nested, k = 2", "movers, k = 1"])
@points
def test_average_information_is_what_its_definition_says(name, point):
    example = EXAMPLES[name]
    problem, psi = example.problem(), point(example)
    ours = problem.local(psi, True, 0.0, 2)
    theirs = models.derivatives(example, problem, psi)
    assert_allclose(ours[1], theirs.gradient, rtol=1e-6, atol=1e-5)
    assert_allclose(ours[2], theirs.average, rtol=1e-6, atol=1e-4)


@points
@examples
def test_all_that_is_reported_is_what_the_dense_twin_computes(example, point):
    pair = models.Pair(example, point)
    problem, at = pair.problem, pair.optimum
    assert_allclose(at.objective, pair.dense.objective, rtol=1e-10)
    assert_allclose(problem.beta(at), pair.dense.beta, rtol=1e-8, atol=1e-9)
    spreads = problem.conditional(pair.psi, True, 0.0)
    for block, (b, sd) in enumerate(zip(pair.dense.b, pair.dense.cond_sd(), strict=True)):
        assert_allclose(problem.effects(at, block), b, rtol=1e-7, atol=1e-8)
        ours = np.sqrt(np.einsum("jkk->jk", spreads[block]).clip(0)) * pair.dense.sigma
        assert_allclose(ours, sd, rtol=1e-6, atol=1e-6)
    rows = models.core_rows(example, [f.codes for f in example.factors])
    forms = problem.quadratic_forms(example.X, rows, pair.psi, True, 0.0)
    assert_allclose(forms, pair.dense.hat, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", ["nested, k = 2", "movers, k = 1"])
def test_with_weights_the_twin_agrees_too(name):
    example = EXAMPLES[name]
    weights = np.random.default_rng(0).uniform(0.0, 2.0, N).round(1)  # some are zero
    pair = models.Pair(replace(example, weights=weights))
    assert_allclose(pair.optimum.objective, pair.dense.objective, rtol=1e-10)
    for block, b in enumerate(pair.dense.b):
        assert_allclose(pair.problem.effects(pair.optimum, block), b, rtol=1e-7, atol=1e-8)


@examples
def test_lapack_changes_rounding_only(example):
    psi = models.interior(example)
    plain = example.problem().local(psi, True, 0.0, 2)
    with dense_algebra():
        ours = example.problem().local(psi, True, 0.0, 2)
    assert_allclose(ours[0], plain[0], rtol=1e-13)
    assert_allclose(ours[2], plain[2], rtol=1e-8, atol=1e-8)
