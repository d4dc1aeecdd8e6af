"""Values of the objective against dense matrices, and against integration by brute force."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.families import Poisson, resolve
from partialpool.solve.generalized import GeneralizedSolution, Objective
from tests.unit.solve.generalized import models
from tests.unit.solve.generalized.test_gradient import (
    CROSSED,
    EXPECTED,
    FAMILIES,
    OBJECTIVES,
    ONE_FACTOR,
    PARTS,
    made,
)
from tests.unit.solve.generalized.twin import Twin

MODES = {
    "laplace": Objective(),
    "joint": Objective("joint"),
    "restricted": Objective(reml=True),
    "penalised": Objective("joint", penalty=0.5),
}


def pair(example, objective, point=models.interior):
    """The engine's value at a point, and the twin there."""
    problem, psi = example.problem(objective), point(example)
    beta = models.coefficients(example, problem)
    problem.at(psi, beta, objective.core)  # from this mode the next is known to all digits
    estimate = problem.at(psi, beta, objective.core)
    factors = [problem.factor(estimate, t) for t in range(len(example.structures))]
    loglik = solution(example, objective, problem, estimate).loglik
    return -2 * loglik, Twin(example, objective, factors, beta)


def solution(example, objective, problem, estimate):
    """What a search would have returned that ended here."""
    return GeneralizedSolution(
        example.layout, example.family, example.zero, objective, problem, estimate, 1, True
    )


def assert_is_the_twins(example, objective, point=models.interior):
    ours, twin = pair(example, objective, point)
    assert_allclose(ours, twin.laplace(), rtol=1e-10)


@pytest.mark.parametrize("objective", MODES.values(), ids=MODES)
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_the_value_of_the_dense_twin(name, objective):
    assert_is_the_twins(made(*FAMILIES[name], "~ x + (1 + x | g) + (1 | h)"), objective)


@pytest.mark.parametrize("point", [models.interior, models.singular])
@pytest.mark.parametrize("name", ["laplace", "restricted"])
@pytest.mark.parametrize("terms", (ONE_FACTOR | CROSSED).values(), ids=ONE_FACTOR | CROSSED)
def test_every_design_has_the_value_of_the_dense_twin(terms, name, point):
    assert_is_the_twins(made(Poisson("sqrt"), "none", terms), OBJECTIVES[name], point)


@pytest.mark.parametrize("name", ["laplace", "joint", "restricted"])
@pytest.mark.parametrize("options", PARTS.values(), ids=PARTS)
def test_random_effects_in_several_parts_have_the_value_of_the_dense_twin(options, name):
    zero = "inflated" if "zero_inflation" in options else "none"
    example = made(resolve("nbinom2"), zero, "~ x + (1 | g)", **options)
    assert_is_the_twins(example, OBJECTIVES[name])


@pytest.mark.parametrize("name", EXPECTED)
def test_expected_information_has_the_value_of_the_dense_twin(name):
    example = made(*FAMILIES[name], "~ x + (1 + x | g) + (1 | h)")
    assert_is_the_twins(example, Objective(information="expected"))


@pytest.mark.parametrize("objective", MODES.values(), ids=MODES)
def test_what_is_left_may_be_sparse(objective):
    data = models.table(n=150, levels=(60, 45))
    example = made(resolve("binomial"), "none", "~ x + (1 | g) + (1 + x | h)", data=data)
    assert_is_the_twins(example, objective)


@pytest.mark.parametrize("objective", MODES.values(), ids=MODES)
@pytest.mark.parametrize("family", ["binomial", "poisson", "gamma", "nbinom2", "ordinal"])
def test_weights_and_offsets_have_the_value_of_the_dense_twin(family, objective):
    example = made(resolve(family), "none", "~ x + (1 + x | g)", offset=np.linspace(-0.5, 0.5, 60))
    assert_is_the_twins(models.with_weights(example), objective)
