"""Adaptive quadrature against integration by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import logsumexp

from partialpool.families import Poisson, resolve
from partialpool.solve.generalized import Objective
from tests.unit.families.cases import CASES
from tests.unit.solve.generalized import models
from tests.unit.solve.generalized.test_gradient import made
from tests.unit.solve.generalized.test_values import pair


def levels(example):
    """Rows of every level of the one factor."""
    (block,) = example.layout.blocks
    a, t = block.terms[0]
    codes = example.parts[a].random[t].factor.codes
    return [np.flatnonzero(codes == j) for j in range(block.q)]


def integrated(twin):
    """Minus twice the log-likelihood, one scalar integral after the other."""
    total = twin.constant
    for j, rows in enumerate(levels(twin.example)):

        def log_density(u, j=j, rows=rows):
            effects = np.zeros(twin.Z[0].shape[1])
            effects[j] = u
            return twin.log_rows(effects)[0, rows].sum() - 0.5 * u * u

        grid = np.linspace(-6, 6, 25)
        values = [log_density(u) for u in grid]
        top, at = max(values), grid[int(np.argmax(values))]
        area, _ = quad(
            lambda u, f=log_density, top=top: np.exp(f(u) - top),
            *(-9, 9), points=[at], epsabs=0, epsrel=1e-11, limit=200,
        )  # fmt: skip
        total += top + np.log(area) - 0.5 * np.log(2 * np.pi)
    return -2 * total


def product(twin, nodes):
    """The same by the product of fixed Gauss-Hermite rules around zero."""
    x, w = hermegauss(nodes)
    J = len(levels(twin.example))
    k = twin.Z[0].shape[1] // J
    grid = np.stack(np.meshgrid(*[x] * k, indexing="ij"), axis=-1).reshape(-1, k)
    log_weights = sum(np.meshgrid(*[np.log(w)] * k, indexing="ij")).ravel()
    # All levels take the same nodes at once.
    rows = twin.log_rows(np.tile(grid, J))
    total = twin.constant - J * k * 0.5 * np.log(2 * np.pi)
    return -2 * (
        total + sum(logsumexp(rows[:, j].sum(axis=1) + log_weights) for j in levels(twin.example))
    )


# The integrands of the others have corners or end somewhere.
SMOOTH = [name for name in CASES if "inverse" not in name and "tweedie" not in name]


@pytest.mark.parametrize("name", SMOOTH)
def test_many_nodes_are_the_integral_for_every_family(name):
    example = made(*CASES[name], "~ x + (1 | g)", data=models.table(n=24))
    ours, twin = pair(example, Objective(quadrature=25))
    assert_allclose(ours, integrated(twin), rtol=1e-8)


@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma"])
def test_many_nodes_are_the_integral_in_two_dimensions(family):
    example = made(resolve(family), "none", "~ x + (1 + x | g)")
    ours, twin = pair(example, Objective(quadrature=15))
    assert_allclose(ours, product(twin, 40), rtol=1e-8)


def test_many_nodes_are_the_integral_in_three_dimensions():
    example = made(resolve("binomial"), "none", "~ x + (1 + x + z | g)", data=models.table(n=40))
    ours, twin = pair(example, Objective(quadrature=9))
    assert_allclose(ours, product(twin, 16), rtol=1e-6)


def test_random_effects_of_two_parts_are_integrated_together():
    example = made(Poisson(), "inflated", "~ x + (1 | g)", zero_inflation="~ (1 | g)")
    (block,) = example.layout.blocks
    assert len(block.terms) == 2
    values = [pair(example, Objective(quadrature=n))[0] for n in (9, 15, 21)]
    assert_allclose(values[1:], values[0], rtol=1e-6)


@pytest.mark.parametrize("terms", ["~ x + (1 | g)", "~ x + (1 + x | g)", "~ x + (1 + x || g)"])
@pytest.mark.parametrize("name", ["binomial-cloglog-none", "nbinom2-log-inflated"])
def test_one_node_is_laplaces_approximation(name, terms):
    example = made(*CASES[name], terms)
    laplace, one = Objective(), Objective(quadrature=1)
    assert pair(example, laplace)[0] == pair(example, one)[0]
    # What two nodes and one have in common: for a Gaussian response any number is exact.
    exact = made(resolve("gaussian"), "none", terms)
    values = [pair(exact, Objective(quadrature=n))[0] for n in (1, 2, 5, 9)]
    assert_allclose(values, values[0], rtol=1e-13)


@pytest.mark.parametrize("name", ["binomial-logit-none", "poisson-log-none", "gamma-log-none"])
def test_more_nodes_come_nearer_to_the_integral(name):
    example = made(*CASES[name], "~ x + (1 | g)", data=models.table(n=24))
    exact = integrated(pair(example, Objective())[1])
    # One node may be near by luck: errors of both signs cancel.
    errors = [abs(pair(example, Objective(quadrature=n))[0] - exact) for n in (3, 7, 11, 15)]
    assert errors[1] < errors[0] / 100
    assert errors[2] < errors[1] / 100
    assert errors[3] < 1e-8
