from __future__ import annotations

import numpy as np
import pytest

from partialpool.design import build
from partialpool.formula import parse
from partialpool.solve import Likelihood, arrange, reduce, solve
from partialpool.solve.problem import core_blocks


def data(seed=0, n=60):
    rng = np.random.default_rng(seed)
    return {
        "y": rng.normal(size=n),
        "x": rng.normal(size=n),
        "few": np.arange(n) % 3,
        "some": np.arange(n) % 7,
        "many": rng.permutation(np.arange(n) % 20),
    }


def design(formula):
    return build(parse(formula), data())


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("y ~ (1 | few) + (1 | many) + (1 | some)", [(1,), (2,), (0,)]),
        ("y ~ (1 | few) + (1 | many) + (0 + x | few)", [(1,), (0, 2)]),
        ("y ~ (x || some) + (1 | few)", None),
        ("y ~ (1 | some) + (x | some:few)", [(1,), (0,)]),
    ],
)
def test_terms_are_gathered_by_factor_the_largest_first(formula, wanted):
    built = design(formula)
    blocks = arrange(built.random)
    names = [{built.random[i].factor.name for i in block.terms} for block in blocks]
    effects = [
        sum(len(built.random[i].factor.levels) * len(built.random[i].columns) for i in b.terms)
        for b in blocks
    ]
    assert all(len(group) == 1 for group in names)
    assert effects == sorted(effects, reverse=True)
    assert wanted is None or [block.terms for block in blocks] == wanted


def test_a_vector_of_effects_makes_a_small_factor_the_largest():
    blocks = arrange(design("y ~ (1 | some) + (x + I(x^2) | few)").random)
    assert [block.terms for block in blocks] == [(1,), (0,)]


def test_factors_of_one_size_stay_in_the_order_of_the_formula():
    built = build(parse("y ~ (1 | b) + (1 | a)"), data() | {"a": np.arange(60) % 5,
                                                            "b": np.arange(60) // 12})  # fmt: skip
    assert [block.terms for block in arrange(built.random)] == [(0,), (1,)]


def test_first_counts_the_terms_of_the_blocks_before():
    blocks = arrange(design("y ~ (1 | few) + (1 | many) + (0 + x | many)").random)
    assert [(block.terms, block.first) for block in blocks] == [((1, 2), 0), ((0,), 2)]


def test_no_random_terms_make_no_blocks():
    assert arrange(()) == ()


def test_a_block_knows_its_grouping_factor():
    built = design("y ~ (1 | few) + (1 | many)")
    assert arrange(built.random)[0].factor_of(built).factor.name == "many"


def test_a_term_is_found_among_the_core_s_terms():
    reduced = reduce(design("y ~ (1 | few) + (1 | many) + (0 + x | many)"))
    assert [reduced.core_term(term) for term in range(3)] == [2, 0, 1]


def test_the_core_gets_codes_counts_and_bases_block_by_block():
    built = design("y ~ (1 | few) + (1 | many) + (0 + x | few)")
    (codes, q, terms), (_, q_few, two) = core_blocks(arrange(built.random), built.random)
    np.testing.assert_array_equal(codes, built.random[1].factor.codes)
    assert (q, q_few, len(terms), len(two)) == (20, 3, 1, 2)
    np.testing.assert_array_equal(two[1][0], built.random[2].basis)


def test_effects_come_back_in_the_order_of_the_formula():
    built = design("y ~ (1 | few) + (x | many) + (0 + x | few)")
    effects = solve(built, Likelihood(sigma=1.0)).effects(built)
    assert [b.shape for b in effects] == [(3, 1), (20, 2), (3, 1)]


def test_the_order_of_the_terms_does_not_change_the_fit():
    one = solve(design("y ~ (1 | few) + (1 | many)"), Likelihood())
    other = solve(design("y ~ (1 | many) + (1 | few)"), Likelihood())
    assert one.optimum.objective == other.optimum.objective


@pytest.mark.parametrize("structure", ["cs", "homcs"])
def test_one_effect_has_no_correlation_so_every_structure_is_a_variance(structure):
    """The range of a correlation of one effect would divide by k - 1 = 0."""
    structured = solve(design(f"y ~ {structure}(1 | many)"), Likelihood(reml=False))
    plain = solve(design("y ~ (1 | many)"), Likelihood(reml=False))
    assert structured.optimum.converged
    assert structured.reduced.problem.n_params == 1
    assert structured.optimum.objective == pytest.approx(plain.optimum.objective, abs=1e-9)
