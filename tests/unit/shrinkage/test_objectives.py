"""Objectives equal a conic solver's, and carry a certificate."""

from dataclasses import replace

import numpy as np
import pytest

import partialpool as pp
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.solving import largest_penalty, prepare, solve
from tests.unit.shrinkage.problems import conic_objective, make_problem

# l2, l1, linf, main_l2 as shares of what makes them matter, and whether the metric is chosen.
PENALTIES = {
    "l2": (0.3, 0, 0, 0, False),
    "weak l2": (1e-4, 0, 0, 0, False),
    "l2 and main": (0.2, 0, 0, 0.1, False),
    "l1": (0, 0.5, 0, 0, False),
    "linf": (0, 0, 0.5, 0, False),
    "all": (0.1, 0.3, 0.2, 0.05, False),
    "metric": (0.2, 0, 0, 0, True),
}
SHAPES = {
    "one factor": ((5,), 40, "size"),
    "two factors": ((6, 4), 60, "equal"),
    "interpolating": ((12,), 30, "given"),
    "one group of all rows": ((1,), 25, "equal"),
    "one row per group": ((30,), 30, "equal"),
}


def scaled(problem, shares, squared):
    base = prepare(problem, Penalty(1.0, squared=squared))
    most = largest_penalty(base) if base.squares is None or not squared else base.scale
    l2, l1, linf, main, metric = shares
    if metric:
        l2 *= most if not squared else 1.0
    return Penalty(
        l2 * most,
        l1 * most / np.sqrt(problem.layout.size),
        linf * most * 3 * float(np.exp(np.log(problem.omega).mean())),
        main,
        squared=squared,
        reweight=metric,
    )


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("loss", "squared"),
    [("rms", False), ("squared", True), ("logistic", False), ("logistic", True)],
)
def test_the_objective_is_a_conic_solvers_and_its_bound_proves_it(loss, squared, shape, penalty):
    levels, n, weights = SHAPES[shape]
    problem = make_problem(3, n, levels, loss, weights)
    asked = scaled(problem, PENALTIES[penalty], squared)
    solution = solve(prepare(problem, asked), asked)
    # The issue's own tolerance. Only an excess is ours: the solver may stop short.
    assert solution.objective <= conic_objective(problem, asked) * (1 + 1e-8)
    assert 0 <= solution.gap <= 1e-8 * solution.objective


@pytest.mark.parametrize("penalty", ["l2", "l2 and main", "all", "metric"])
def test_a_multinomial_objective_is_a_conic_solvers(penalty):
    problem = make_problem(5, 60, (5,), "multinomial", "equal")
    l2, l1, linf, main, metric = PENALTIES[penalty]
    asked = Penalty(0.1 * l2, 0.02 * l1, 0.02 * linf, main, reweight=metric)
    solution = solve(prepare(problem, asked), asked)
    reference = (
        problem.objective(asked, solution.theta) if metric else conic_objective(problem, asked)
    )
    assert solution.objective <= reference * (1 + 1e-8)
    # The metric's own bound is first order in the search's last step.
    assert solution.gap <= (1e-5 if metric else 1e-8) * solution.objective


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("loss", ["rms", "squared", "logistic"])
def test_many_random_problems_agree_with_a_conic_solver(seed, loss):
    for levels, n, weights in SHAPES.values():
        problem = make_problem(seed, n, levels, loss, weights)
        for shares in PENALTIES.values():
            asked = scaled(problem, shares, loss == "squared")
            solution = solve(prepare(problem, asked), asked)
            assert solution.objective <= conic_objective(problem, asked) * (1 + 1e-8)
            # A metric's bound is of first order in what is left of the residual.
            assert asked.reweight or solution.gap <= 1e-7 * solution.objective


@pytest.mark.parametrize("loss", ["rms", "logistic"])
def test_deviations_vanish_exactly_from_the_largest_penalty_on(loss):
    problem = make_problem(1, 60, (6, 4), loss)
    prepared = prepare(problem, Penalty(1.0))
    most = largest_penalty(prepared)
    above = solve(prepared, Penalty(most * 1.001))
    below = solve(prepared, Penalty(most * 0.999))
    p = problem.layout.p
    assert above.kind == "no deviations"
    assert not above.theta[p:].any()
    assert below.kind == "interior"
    assert below.theta[p:].any()
    # Both sides are certified optima, so that the limit is the right one.
    assert max(above.gap, below.gap) < 1e-9


def test_too_small_a_penalty_leaves_no_residual_and_says_so():
    problem = make_problem(2, 30, (30,), "rms", "equal", loose=False)
    solution = solve(prepare(problem, Penalty(1e-6)), Penalty(1e-6))
    assert solution.kind == "interpolation"
    assert problem.loss.value(problem.rows.eta(solution.theta)) < 1e-12
    assert solution.gap <= 1e-9 * solution.objective


def test_kappa_gives_the_same_solution_by_least_squares():
    problem = make_problem(4, 80, (7,), "rms")
    prepared = prepare(problem, Penalty(1.0))
    l2 = 0.3 * largest_penalty(prepared)
    solution = solve(prepared, Penalty(l2))
    point = prepared.squares.at(solution.kappa)
    np.testing.assert_allclose(point.theta, solution.theta, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("metric", [False, True])
def test_scaling_the_response_scales_the_solution(metric):
    problem = make_problem(6, 60, (6,), "rms", "equal")
    loss = problem.loss
    larger = replace(problem, loss=replace(loss, y=1e4 * loss.y))
    # A squared norm has to be cheaper by what the loss grows slower.
    cost = 1e-4 if metric else 1.0
    one = solve(prepare(problem, Penalty(0.1, reweight=metric)), Penalty(0.1, reweight=metric))
    asked = Penalty(0.1 * cost, reweight=metric)
    other = solve(prepare(larger, asked), asked)
    np.testing.assert_allclose(other.theta, 1e4 * one.theta, rtol=1e-5, atol=1e-3)


def test_a_chosen_metric_has_trace_one_and_is_the_best_for_its_deviations():
    problem = make_problem(7, 80, (8,), "squared", "equal")
    asked = Penalty(0.05, squared=True, reweight=True)
    solution = solve(prepare(problem, asked), asked)
    (D,) = solution.metrics
    V = problem.layout.deviations(solution.theta)[0]
    values, vectors = np.linalg.eigh(V.T @ V)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    np.testing.assert_allclose(np.trace(D), 1.0)
    np.testing.assert_allclose(D, root / np.trace(root), atol=1e-7)


@pytest.mark.parametrize("l2", [1e-3, 0.1])
@pytest.mark.parametrize("weights", ["size", "equal"])
def test_groups_of_one_row_beside_groups_of_thousands_keep_the_certificate(weights, l2):
    rng = np.random.default_rng(0)
    sizes = [1, 2, 5, 30, 400, 6000]
    g = np.repeat(np.arange(6), sizes)
    X = rng.normal(size=(len(g), 2)) * [1e-2, 1e2] + 5.0
    y = 100 + X @ [30.0, 0.01] + rng.normal(size=6)[g] + rng.normal(size=len(g))
    model = pp.HierarchicalRegressor(l2, weights=weights).fit(X, y, groups=g)
    assert model.dual_gap_ <= 1e-8 * model.objective_


def test_a_column_beside_its_own_intercept_is_shared_under_main_l2():
    y = np.arange(20.0)
    model = pp.HierarchicalRegressor(0.1, main_l2=0.1, weights="equal")
    model.fit(np.ones((20, 1)), y, groups=np.arange(20) % 4)
    assert model.dual_gap_ <= 1e-8 * model.objective_
