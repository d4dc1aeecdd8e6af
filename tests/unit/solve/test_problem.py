"""What the kernels return at given parameters, against the dense twin; and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from partialpool.core import Problem
from partialpool.design import build
from partialpool.errors import ModelError
from partialpool.formula import parse
from partialpool.solve import Likelihood, reduce, solve
from tests import dense
from tests.unit.solve import models


def with_weights(example):
    n = len(example.y)
    weights = np.random.default_rng(0).uniform(0.2, 3.0, n)
    weights[[3, 17]] = 0.0
    return replace(example, weights=weights, offset=np.sin(np.arange(n)))


def without_intercept(example):
    return replace(example, X=np.ascontiguousarray(example.X[:, 1:]))


EXAMPLES = {
    **{f"one factor, k = {k}": models.rows(20 + k, (7,), (k,)) for k in (1, 2, 3, 4, 5)},
    "several terms": models.several_terms(),
    "nested": models.nested(25, k=2),
    "two crossed": models.rows(26, (8, 5), (2, 1)),
    "two crossed, vectors": models.rows(27, (8, 5), (1, 3)),
    "three crossed": models.rows(28, (8, 5, 3), (1, 2, 1)),
    "weights and offset": with_weights(models.rows(29, (7,), (2,))),
    "weights and offset, crossed": with_weights(models.rows(30, (7, 5), (2, 1))),
    "no fixed effects": replace(models.rows(31, (7,), (1,)), X=np.zeros((70, 0))),
    "no fixed effects, crossed": replace(models.rows(32, (7, 5), (1, 1)), X=np.zeros((70, 0))),
    "no intercept": without_intercept(models.rows(33, (7,), (2,))),
    "cs": models.structured("cs", 3),
    "ar1": models.structured("ar1", 4),
    "sigma known": replace(models.rows(34, (7,), (2,)), sigma=0.7),
    "sigma known, crossed": replace(models.rows(35, (7, 4), (1, 2)), sigma=0.7),
}
examples = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
methods = pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
points = pytest.mark.parametrize(
    "point", [models.interior, models.singular], ids=["interior", "singular"]
)


@points
@methods
@examples
def test_the_objective_is_that_of_the_dense_covariance_matrix(example, reml, point):
    pair = models.Pair(replace(example, reml=reml), point)
    assert_allclose(pair.optimum.objective, dense.objective(pair.model, pair.Sigmas), rtol=1e-11)
    assert_allclose(pair.example.value(pair.problem, pair.psi), pair.optimum.objective, rtol=1e-14)


@points
@methods
@examples
def test_fixed_effects_and_their_covariance_are_generalised_least_squares(example, reml, point):
    pair = models.Pair(replace(example, reml=reml), point)
    root = pair.problem.root(pair.optimum)
    assert_allclose(pair.problem.beta(pair.optimum), pair.dense.beta, rtol=1e-9, atol=1e-10)
    assert_allclose(pair.dense.sigma**2 * root @ root.T, pair.dense.vcov, rtol=1e-9, atol=1e-12)


@methods
@examples
def test_sigma_is_profiled_out(example, reml):
    pair = models.Pair(replace(example, reml=reml, sigma=None))
    assert_allclose(pair.problem.sigma(pair.optimum, reml), pair.dense.sigma, rtol=1e-10)


@points
@methods
@examples
def test_effects_are_the_conditional_means(example, reml, point):
    pair = models.Pair(replace(example, reml=reml), point)
    for block, theirs in enumerate(pair.by_block(pair.dense.b)):
        assert_allclose(pair.problem.effects(pair.optimum, block), theirs, rtol=1e-8, atol=1e-9)


@points
@methods
@examples
def test_conditional_covariances_are_those_given_the_fixed_effects(example, reml, point):
    pair = models.Pair(replace(example, reml=reml), point)
    ours = pair.problem.conditional(pair.psi, reml, example.fixed)
    for block, sd in enumerate(pair.by_block(pair.dense.cond_sd())):
        theirs = np.sqrt(np.einsum("jkk->jk", ours[block]).clip(0)) * pair.dense.sigma
        assert_allclose(theirs, sd, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["one factor, k = 3", "nested", "three crossed"])
def test_conditional_covariances_are_whole_matrices(name):
    pair = models.Pair(EXAMPLES[name])
    ours = pair.problem.conditional(pair.psi, True, 0.0)
    start = 0
    for factor, block in zip(pair.example.factors, ours, strict=True):
        k = block.shape[1]
        for level in range(factor.levels):
            cut = slice(start, start := start + k)
            theirs = pair.dense.cond_cov[cut, cut] / pair.dense.sigma**2
            assert_allclose(block[level], theirs, rtol=1e-8, atol=1e-10)


@points
@methods
@examples
@pytest.mark.parametrize("part", ["all", "some", "none"])
def test_quadratic_forms_are_the_joint_variance_of_beta_and_b(example, reml, point, part):
    """With -1 for levels that take no part: none, every second row, all."""
    pair = models.Pair(replace(example, reml=reml), point)
    codes = [f.codes.copy() for f in example.factors]
    for c in codes:
        c[{"all": slice(0), "some": slice(None, None, 2), "none": slice(None)}[part]] = -1
    ours = pair.problem.quadratic_forms(
        example.X, models.core_rows(example, codes), pair.psi, reml, example.fixed
    )
    per_term = [c for f, c in zip(example.factors, codes, strict=True) for _ in f.terms]
    bases = [z for f in example.factors for z, _ in f.terms]
    theirs = dense.prediction_variance(pair.model, pair.dense, example.X, per_term, bases)
    assert_allclose(ours, theirs / pair.dense.sigma**2, rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("m", [0, 1, 127, 128, 129, 300])
@pytest.mark.parametrize("name", ["one factor, k = 2", "two crossed"])
def test_quadratic_forms_come_in_any_number_of_rows(name, m):
    pair = models.Pair(EXAMPLES[name])
    at = np.arange(m) % len(pair.example.y)
    blocks = [
        (f.codes[at], f.levels, [(np.ascontiguousarray(z[at]), 0) for z, _ in f.terms])
        for f in pair.example.factors
    ]
    whole = pair.problem.quadratic_forms(
        pair.example.X, models.core_rows(pair.example, [f.codes for f in pair.example.factors]),
        pair.psi, True, 0.0,
    )  # fmt: skip
    X = np.ascontiguousarray(pair.example.X[at])
    ours = pair.problem.quadratic_forms(X, blocks, pair.psi, True, 0.0)
    assert_allclose(ours, whole[at], rtol=1e-12)


# --- rows that don't count, levels that don't occur -----------------------------------------


@pytest.mark.parametrize("name", ["weights and offset", "weights and offset, crossed"])
def test_rows_of_weight_zero_are_as_if_they_were_not_there(name):
    example = EXAMPLES[name]
    counts = example.weights > 0
    psi = models.interior(example)
    wild = replace(
        example,
        y=np.where(counts, example.y, 1e6),
        X=np.where(counts[:, None], example.X, [1.0, -1e8, 1e8]),
    )
    alone = replace(
        example,
        y=example.y[counts],
        X=np.ascontiguousarray(example.X[counts]),
        weights=example.weights[counts],
        offset=example.offset[counts],
        factors=tuple(
            replace(f, codes=f.codes[counts], terms=tuple((z[counts], s) for z, s in f.terms))
            for f in example.factors
        ),
    )
    ours, theirs = wild.problem(), alone.problem()
    assert ours.n == theirs.n == counts.sum()
    assert_allclose(wild.value(ours, psi), alone.value(theirs, psi), rtol=1e-12)


@pytest.mark.parametrize("crossed", [False, True])
def test_a_level_that_never_occurs_has_no_effect_and_its_whole_variance(crossed):
    example = models.rows(40, (7, 5) if crossed else (7,), (2, 1) if crossed else (2,))
    codes = np.where(example.factors[0].codes == 4, 2, example.factors[0].codes).astype(np.int32)
    example = replace(
        example, factors=(replace(example.factors[0], codes=codes), *example.factors[1:])
    )
    pair = models.Pair(example)
    np.testing.assert_array_equal(pair.problem.effects(pair.optimum, 0)[4], 0.0)
    assert_allclose(pair.problem.conditional(pair.psi, True, 0.0)[0][4], pair.Sigmas[0])
    assert_allclose(pair.optimum.objective, pair.dense.objective, rtol=1e-11)


@pytest.mark.parametrize("crossed", [False, True])
def test_a_level_seen_only_with_weight_zero_has_its_whole_variance(crossed):
    example = models.rows(41, (7, 5) if crossed else (7,), (2, 1) if crossed else (2,))
    weights = np.where(example.factors[0].codes == 6, 0.0, 1.5)
    pair = models.Pair(replace(example, weights=weights))
    np.testing.assert_array_equal(pair.problem.effects(pair.optimum, 0)[6], 0.0)
    assert_allclose(pair.problem.conditional(pair.psi, True, 0.0)[0][6], pair.Sigmas[0])
    assert_allclose(pair.optimum.objective, pair.dense.objective, rtol=1e-11)


# --- rank -----------------------------------------------------------------------------------


def with_columns(example, *columns):
    return replace(example, X=np.ascontiguousarray(np.column_stack([example.X, *columns])))


def test_dependent_columns_are_left_out_from_the_right_and_said_to_equal_the_others():
    example = EXAMPLES["one factor, k = 2"]
    _, a, b = example.X.T
    longer = with_columns(example, 2 * a - b + 3, a * b, np.full_like(a, 5.0))
    problem = longer.problem()
    assert (problem.kept, problem.aliased) == ([0, 1, 2, 4], [3, 5])
    combination = problem.aliases
    assert_allclose(longer.X[:, problem.kept] @ combination, longer.X[:, problem.aliased])
    assert_allclose(combination.T, [[3, 2, -1, 0], [5, 0, 0, 0]], atol=1e-12)


@methods
def test_dependent_columns_change_nothing_else(reml):
    example = replace(EXAMPLES["one factor, k = 2"], reml=reml)
    longer = with_columns(example, example.X[:, 1] + 1)
    psi = models.interior(example)
    assert_allclose(
        longer.value(longer.problem(), psi), example.value(example.problem(), psi), rtol=1e-12
    )


def test_a_column_of_zeros_equals_nothing():
    example = EXAMPLES["one factor, k = 2"]
    problem = with_columns(example, np.zeros(70)).problem()
    assert problem.aliased == [3]
    np.testing.assert_array_equal(problem.aliases, 0.0)


def test_without_random_terms_the_core_is_least_squares():
    example = replace(EXAMPLES["one factor, k = 2"], factors=())
    problem = example.problem()
    wanted = np.linalg.lstsq(example.X, example.y, rcond=None)[0]
    assert_allclose(problem.least_squares(), wanted, rtol=1e-10)
    assert_allclose(problem.beta(problem.at(np.zeros(0), True, 0.0)), wanted, rtol=1e-10)


# --- the search -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["one factor, k = 2", "nested", "cs", "sigma known"])
def test_the_search_ends_in_the_same_place_from_another_start(name):
    example = EXAMPLES[name]
    problem = example.problem()
    best = problem.optimise(True, example.fixed, None, 1e-9, 200)
    other = problem.optimise(True, example.fixed, models.interior(example), 1e-9, 200)
    assert best.converged
    assert other.converged
    assert_allclose(other.objective, best.objective, rtol=0, atol=1e-7)


def effects_of_a_structure(structure, seed):
    """One term of three columns, whose effects vary with the second the least."""
    example = models.structured(structure, 3, seed=seed)
    rng = np.random.default_rng(seed)
    b = rng.normal(size=(8, 3)) * np.array([1, seed % 3 > 0, 2.0]) * (0.2 if seed % 2 else 1.5)
    ((f,), ((Z, _),)) = example.factors, example.factors[0].terms
    return replace(example, y=rng.normal(size=60) + np.sum(Z * b[f.codes], axis=1))


@pytest.mark.parametrize(
    ("structure", "seed"),
    [
        *((s, seed) for s in models.EVERY if s != "homdiag" for seed in (1, 2)),
        # Seeds for which a search from no correlation ends at a scale of zero.
        ("cs", 5),
        ("homcs", 11),
        ("ar1", 11),
    ],
)
def test_no_other_start_finds_a_lower_optimum(structure, seed):
    example = effects_of_a_structure(structure, seed)
    problem = example.problem()
    ours = problem.optimise(True, 0.0, None, 1e-9, 200).objective
    starts = [models.interior(example, s) * (1 if s % 2 else 0.5) for s in range(8)]
    others = [problem.optimise(True, 0.0, start, 1e-9, 200).objective for start in starts]
    assert ours < min(others) + 1e-7


def test_a_search_cut_short_says_that_it_has_not_converged():
    example = EXAMPLES["three crossed"]
    assert not example.problem().optimise(True, 0.0, None, 1e-9, 1).converged


def test_evaluating_at_the_optimum_s_parameters_repeats_it():
    example = EXAMPLES["one factor, k = 3"]
    problem = example.problem()
    best = problem.optimise(True, 0.0, None, 1e-9, 200)
    assert_allclose(problem.at(best.psi, True, 0.0).objective, best.objective, rtol=1e-13)


@pytest.mark.parametrize("other", [(False, 0.0), (True, 0.5)], ids=["ML", "sigma known"])
def test_another_likelihood_at_the_same_parameters_is_evaluated_anew(other):
    example = EXAMPLES["one factor, k = 3"]
    psi = models.interior(example)
    problem, fresh = example.problem(), example.problem()
    problem.at(psi, True, 0.0)
    assert problem.at(psi, *other).objective == fresh.at(psi, *other).objective


def test_the_numbers_do_not_depend_on_what_was_evaluated_before():
    example = EXAMPLES["two crossed"]
    psi, elsewhere = models.interior(example), models.interior(example, seed=9)
    problem, fresh = example.problem(), example.problem()
    problem.optimise(True, 0.0, None, 1e-9, 200)
    problem.conditional(elsewhere, False, 0.0)
    ours, theirs = problem.at(psi, True, 0.0), fresh.at(psi, True, 0.0)
    np.testing.assert_array_equal(problem.effects(ours, 1), fresh.effects(theirs, 1))
    np.testing.assert_array_equal(
        problem.conditional(psi, True, 0.0)[0], fresh.conditional(psi, True, 0.0)[0]
    )


# --- what the core refuses --------------------------------------------------------------------


def test_arrays_of_unequal_length_are_refused_by_name():
    example = EXAMPLES["weights and offset"]
    (f,) = example.factors
    ((z, _),) = f.terms
    good = {
        "y": example.y,
        "weights": example.weights,
        "offset": example.offset,
        "codes": f.codes,
        "basis": z,
    }
    for name in good:
        a = good | {name: good[name][:-1]}
        with pytest.raises(ValueError, match=f"{name} must have as many rows as X"):
            Problem(example.X, a["y"], a["weights"], a["offset"],
                    [(a["codes"], 7, [(a["basis"], 0)])])  # fmt: skip


def test_a_code_beyond_the_levels_is_refused():
    example = EXAMPLES["one factor, k = 2"]
    short = replace(example, factors=(replace(example.factors[0], levels=6),))
    with pytest.raises(ValueError, match="a code exceeds the levels"):
        short.problem()


def test_parameters_of_the_wrong_number_are_refused():
    problem = EXAMPLES["one factor, k = 2"].problem()
    for call in (
        lambda psi: problem.at(psi, True, 0.0),
        lambda psi: problem.local(psi, True, 0.0, 1),
        lambda psi: problem.conditional(psi, True, 0.0),
        lambda psi: problem.optimise(True, 0.0, psi, 1e-9, 200),
    ):
        with pytest.raises(ValueError, match="one number per covariance parameter"):
            call(np.ones(2))


def test_rows_of_other_grouping_factors_are_refused():
    example = EXAMPLES["one factor, k = 2"]
    with pytest.raises(ValueError, match="other grouping factors than the model"):
        example.problem().quadratic_forms(example.X, [], np.ones(3), True, 0.0)


# --- what a design is refused for -------------------------------------------------------------


def design(formula, **changes):
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=24), "x": rng.normal(size=24), "g": np.arange(24) % 6}
    weights = changes.pop("weights", None)
    return build(parse(formula), data | changes, weights=weights)


x = np.linspace(-1, 1, 24)
REFUSED = {
    "too few rows": ("y ~ x + (1 | g)", {"weights": np.r_[1.0, 1.0, np.zeros(22)]},
                     "2 rows can't tell 2 fixed effects"),
    "a slope on a constant": ("y ~ (1 + x | g)", {"x": np.full(24, 2.0)}, "'x' is a combination"),
    "twice the same slope": ("y ~ (x + z | g)", {"x": x, "z": 2 * x}, "'z' is a combination"),
    "a response made of x": ("y ~ x + (1 | g)", {"x": x, "y": 2 + 3 * x}, "fit the response 'y'"),
    "a level for every row": ("y ~ x + (1 | g)", {"g": np.arange(24)}, "24 levels in 24 rows"),
    "as many effects as rows": ("y ~ (x | g)", {"g": np.arange(24) % 12}, "12 x 2 = 24 random"),
}  # fmt: skip


@pytest.mark.parametrize(("formula", "changes", "message"), REFUSED.values(), ids=REFUSED)
def test_a_model_that_the_rows_cannot_identify_is_refused(formula, changes, message):
    with pytest.raises(ModelError, match=message):
        reduce(design(formula, **changes))


def test_columns_that_outnumber_the_rows_by_far_are_refused_before_they_take_the_memory():
    built = design("y ~ x + (1 | g)")
    many = replace(built, X=np.zeros((24, 6000)), columns=tuple(map(str, range(6000))))
    with pytest.raises(ModelError, match="6,000 columns for 24 rows"):
        reduce(many)


def test_a_response_that_the_groups_fit_exactly_has_no_residual_variance():
    built = design("y ~ (1 | g)", y=np.arange(24) % 6.0)
    with pytest.raises(ModelError, match=r"residual variance is zero: the response 'y'.*'g'"):
        solve(built, Likelihood())


def test_a_new_response_that_is_constant_is_refused():
    """The design refuses one that comes with the table."""
    with pytest.raises(ModelError, match="the response 'y' is constant"):
        reduce(replace(design("y ~ x + (1 | g)"), y=np.full(24, 3.0)))


def test_a_likelihood_out_of_the_range_of_numbers_is_refused_with_the_columns():
    with pytest.raises(ModelError, match=r"can't be evaluated.*'y', 'x', 'g'"):
        solve(design("y ~ x + (1 | g)"), Likelihood(sigma=1e-160))


@pytest.mark.parametrize("changes", [{"g": np.arange(24)}, {"g": np.arange(24) % 12}])
def test_with_a_known_sigma_as_many_effects_as_rows_are_fine(changes):
    assert reduce(design("y ~ x + (1 | g)", **changes), sigma=1.0).problem.solvable


def test_levels_without_weight_are_not_counted_against_the_rows():
    g = np.r_[np.arange(12), np.arange(12) % 2]
    weights = np.r_[np.zeros(12), np.ones(12)]
    assert solve(design("y ~ (1 | g)", g=g, weights=weights), Likelihood()).optimum.converged


@pytest.mark.parametrize("name", ["cs", "homdiag", "homcs"])
def test_structured_terms_may_have_as_many_effects_as_rows(name):
    f = np.array(list("aabc") * 3 + list("aabd") * 3)
    data = design(f"y ~ {name}(0 + f | g)", f=f, g=np.arange(24) // 4)
    assert reduce(data).problem.solvable


def each_once(name, **changes):
    """6 groups in 4 columns, one row of each."""
    f = np.array(list("abcd"))[np.arange(24) // 6]
    return design(f"y ~ {name}(0 + f | g)", f=f, g=np.arange(24) % 6, **changes)


@pytest.mark.parametrize("name", ["homdiag", "homcs", "diag", "homtoep"])
def test_variances_need_more_than_a_row_for_each_effect(name):
    with pytest.raises(ModelError, match="for each of the 24 rows: its variances"):
        reduce(each_once(name))
    assert reduce(each_once(name), sigma=1.0).problem.solvable
    # Unequal weights tell the residual from them.
    assert reduce(each_once(name, weights=1.0 + np.arange(24) % 2)).problem.solvable


@pytest.mark.parametrize("name", ["cs", "ar1", "hetar1", "toep"])
def test_a_correlation_of_several_columns_tells_the_residual_from_the_effects(name):
    assert reduce(each_once(name)).problem.solvable


@pytest.mark.parametrize("name", ["cs", "ar1", "hetar1", "toep"])
def test_the_correlation_of_two_columns_may_be_any(name):
    f = np.array(list("ab"))[np.arange(24) // 12]
    pair = design(f"y ~ {name}(0 + f | g)", f=f, g=np.arange(24) % 12)
    with pytest.raises(ModelError, match="for each of the 24 rows: its variances"):
        reduce(pair)
    assert reduce(pair, sigma=1.0).problem.solvable


def test_weights_by_column_tell_no_variance_of_a_column_from_the_residual():
    weights = np.repeat([1.0, 2.0, 4.0, 3.0], 6)
    with pytest.raises(ModelError, match="for each of the 24 rows: its variances"):
        reduce(each_once("diag", weights=weights))
    assert reduce(each_once("homdiag", weights=weights)).problem.solvable
