"""Laws of a generalized linear mixed model: what must not matter does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.families import resolve
from tests.unit.solve.generalized import models

few = settings(derandomize=True, max_examples=12, database=None)
seeds = st.integers(0, 2**32 - 1)
FAMILIES = ["binomial", "poisson", "gamma", "nbinom2", "ordinal", "beta", "gaussian"]
families = st.sampled_from(FAMILIES)
TERMS = ["(1 | g)", "(1 + x | g)", "(1 + x || g)", "(1 | g) + (1 | h)", "(1 + x | g) + (1 | h)"]
terms = st.sampled_from(TERMS)
# The search ends within this of the optimum.
SEARCH = 2e-9


def draw(seed, family, size=0.5):
    return models.drawn(models.table(seed, n=90), resolve(family), seed=seed, size=size)


def fit(family, terms, data, **options):
    return pp.glmm(
        f"{models.response_of(resolve(family))} ~ x + z + {terms}", data, family=family, **options
    )


@few
@given(seeds, families, terms)
def test_the_order_of_the_rows_does_not_matter(seed, family, terms):
    data = draw(seed, family)
    rows = np.random.default_rng(seed).permutation(90)
    plain = fit(family, terms, data)
    turned = fit(family, terms, {name: values[rows] for name, values in data.items()})
    assert_allclose(turned.loglik, plain.loglik, atol=SEARCH)
    assert_allclose(turned.fitted, plain.fitted[rows], rtol=1e-4)


@few
@given(seeds, families, terms)
def test_the_names_of_the_levels_do_not_matter(seed, family, terms):
    data = draw(seed, family)
    levels = np.unique(data["g"])
    renamed = dict(zip(levels, np.random.default_rng(seed).permutation(levels), strict=True))
    plain = fit(family, terms, data)
    other = fit(family, terms, data | {"g": np.array([renamed[g] for g in data["g"]])})
    assert_allclose(other.loglik, plain.loglik, atol=SEARCH)


@few
@given(seeds, families, st.sampled_from(["(1 | g)", "(1 + x | g)", "(1 + x | g) + (1 | h)"]))
def test_the_units_of_a_covariate_do_not_matter(seed, family, terms):
    data = draw(seed, family)
    data["x"] = np.round(data["x"] * 2**20) / 2**20  # so that the new units are exact
    plain = fit(family, terms, data)
    other = fit(family, terms, data | {"x": data["x"] * 1e6 + 1e7})
    assert_allclose(other.loglik, plain.loglik, atol=SEARCH)
    assert_allclose(other.fitted, plain.fitted, rtol=1e-4)


@few
@given(seeds, families, terms)
def test_a_random_effect_never_lowers_the_likelihood(seed, family, terms):
    data = draw(seed, family)
    formula = models.response_of(resolve(family)) + " ~ x + z"
    without = pp.glmm(formula, data, family=family)
    assert fit(family, terms, data).loglik >= without.loglik - SEARCH


@few
@given(seeds, families)
def test_effects_in_other_columns_of_the_same_space_give_the_same_fit(seed, family):
    data = draw(seed, family)
    data["w"] = 2 * data["x"] + 3
    plain = fit(family, "(1 + x | g)", data)
    other = fit(family, "(1 + w | g)", data)
    assert_allclose(other.loglik, plain.loglik, atol=SEARCH)


@few
@given(seeds, st.sampled_from(["binomial", "poisson", "gamma"]))
def test_an_offset_of_a_columns_multiple_moves_its_coefficient(seed, family):
    data = draw(seed, family)
    plain, moved = fit(family, "(1 | g)", data), fit(family, "(1 | g)", data, offset=2 * data["z"])
    assert_allclose(moved.loglik, plain.loglik, atol=SEARCH)
    assert_allclose(moved.fixef["z"], plain.fixef["z"] - 2, atol=1e-4)


@few
@given(seeds, terms)
def test_swapping_successes_and_failures_turns_all_signs(seed, terms):
    data = draw(seed, "binomial")
    plain = fit("binomial", terms, data)
    other = fit("binomial", terms, data | {"y": data["m"] - data["y"]})
    assert_allclose(other.loglik, plain.loglik, atol=SEARCH)
    assert_allclose(other.fixef, -np.asarray(plain.fixef), atol=1e-4)


@few
@given(seeds, families, st.sampled_from(["(1 | g)", "(1 + x | g)"]))
def test_optima_are_flat_in_every_direction(seed, family, terms):
    ours = fit(family, terms, draw(seed, family))
    assert ours.solution.converged
    # The decrease that a Newton step would still bring.
    gradient, h = ours.solution.estimate.gradient, ours.solution.hessian
    assert np.linalg.eigvalsh(h)[0] > -1e-3
    assert gradient @ np.linalg.pinv(h, rcond=1e-8) @ gradient / 2 < 1e-8


@pytest.mark.parametrize("nodes", [3, 9])
@few
@given(seeds)
def test_one_factors_likelihood_hardly_depends_on_the_nodes_where_groups_are_large(nodes, seed):
    data = models.drawn(models.table(seed, n=400, levels=(6, 5, 4)), resolve("binomial"), seed=seed)
    laplace, more = (fit("binomial", "(1 | g)", data, quadrature=n) for n in (1, nodes))
    assert abs(more.loglik - laplace.loglik) < 0.02
