"""The number of threads changes the time, not one bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import partialpool as pp
from partialpool.families import resolve
from partialpool.solve.generalized import Objective
from tests.unit.solve.generalized import models

N = 40_000  # more than sixteen chunks of rows, from which on threads are used
OBJECTIVES = {"laplace": Objective(), "joint": Objective("joint")}
DESIGNS = {
    "one factor": ("~ x + (1 + x | g)", (900, 7, 4)),
    "crossed": ("~ x + (1 | g) + (1 | h)", (900, 90, 4)),
}


@pytest.fixture(autouse=True)
def _threads_afterwards():
    before = pp.get_threads()
    yield
    pp.set_threads(before)


@cache
def example(family, design):
    terms, levels = DESIGNS[design]
    data = models.drawn(models.table(n=N, levels=levels), resolve(family))
    return models.example(models.response_of(resolve(family)) + terms, data, family)


@cache
def bits(family, design, objective, threads):
    """Every number that a solution is made of, as bytes."""
    pp.set_threads(threads)
    ours = example(family, design).solve(OBJECTIVES[objective])
    out = {
        "objective": np.array(ours.estimate.objective),
        "psi": ours.psi,
        "coefficients": ours.estimate.mapped,
        "gradient": ours.estimate.gradient,
        "effects": ours.effects("mean")[0],
        "conditional": ours.conditional("mean")[0],
        "vcov": ours.vcov,
    }
    assert all(np.isfinite(values).all() for values in out.values())
    return {name: values.tobytes() for name, values in out.items()}


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("family", ["poisson", "binomial", "tweedie"])
def test_any_number_of_threads_gives_the_same_bits(family, design, objective, threads):
    ours = bits(family, design, objective, threads)
    theirs = bits(family, design, objective, 1)
    assert [name for name in theirs if ours[name] != theirs[name]] == []
