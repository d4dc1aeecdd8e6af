"""The sums that small-sample inference stands on, against n x n matrices and differences."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.solve import (
    chart_directions,
    information,
    linear_directions,
    sensitivity,
    unprofiled_hessian,
)
from tests.unit.inference import models

FORMULAS = [
    "y ~ x + (x | g)",
    "y ~ x + (x || g)",
    "y ~ x + cs(0 + f | g)",
    "y ~ x + homcs(0 + f | g)",
    "y ~ x + homdiag(0 + f | g)",
    "y ~ x + ar1(0 + f | g)",
    "y ~ x + hetar1(0 + f | g)",
    "y ~ x + toep(0 + f | g)",
    "y ~ x + (x | g) + (1 | h)",
    "y ~ x + (1 | g) + (x | h) + (1 | k)",
    "y ~ x + (1 | g) + (1 | g:h)",
]


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", FORMULAS)
def test_the_hessian_is_the_difference_of_the_gradient(formula, reml):
    fit = models.fit(formula, True, reml)
    solution = fit.solution
    hessian, _ = unprofiled_hessian(solution, fit.design)
    psi, problem, step = solution.optimum.psi, solution.reduced.problem, 1e-5
    m = len(psi)

    def gradient(at, sigma):
        return problem.local(at, reml, sigma, 1)[1]

    differences = np.empty((m, m + 1))
    for a in range(m):
        e = np.zeros(m)
        e[a] = step
        change = gradient(psi + e, fit.sigma) - gradient(psi - e, fit.sigma)
        differences[:, a] = change / (2 * step)
    up, down = (gradient(psi, fit.sigma * np.exp(s * step / 2)) for s in (1, -1))
    differences[:, m] = (up - down) / (2 * step)
    scale = np.abs(hessian).max()
    np.testing.assert_allclose(differences / scale, hessian[:m] / scale, atol=1e-7)
    # d objective / d log sigma^2 = nu - s / sigma^2, whose slope is s / sigma^2 = nu.
    nu = fit.nobs - (2 if reml else 0)
    assert hessian[m, m] == pytest.approx(nu, rel=1e-6)


@pytest.mark.parametrize("formula", FORMULAS)
def test_traces_are_those_of_whole_matrices(formula):
    fit = models.fit(formula, True)
    design, solution = fit.design, fit.solution
    use = design.weights > 0
    w = design.weights[use]
    V, parts = np.diag(1 / w), {}
    for i, effects in enumerate(design.random):
        same = np.equal.outer(effects.factor.codes, effects.factor.codes)[np.ix_(use, use)]
        core = solution.reduced.core_term(i)
        z = effects.basis[use]
        parts[core] = (same, z @ solution.reduced.problem.term_map(core))
        zl = z @ solution.factor(i)
        V = V + same * (zl @ zl.T)
    directions = linear_directions(solution, design)
    G = [
        V,
        *(
            parts[d.term][0] * (parts[d.term][1] @ d.change @ parts[d.term][1].T)
            for d in directions
        ),
    ]
    X, W = design.X[use], np.linalg.inv(V)
    P = W - W @ X @ np.linalg.solve(X.T @ W @ X, X.T @ W)
    found = sensitivity(solution, directions, products=True)
    for reml, M in ((True, P), (False, W)):
        expected = np.array([[np.trace(M @ A @ M @ B) for B in G] for A in G])
        ours = information(found, int(use.sum()), reml=reml)
        size = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
        np.testing.assert_allclose(ours / size, expected / size, atol=1e-9)


def test_directions_at_a_singular_optimum_still_span_the_covariances():
    fit = pp.lmm("strength ~ 1 + (1 | sample) + (1 | cask)", pp.load_dataset("Pastes"))
    chart = chart_directions(fit.solution, fit.design)
    linear = linear_directions(fit.solution, fit.design)
    assert min(np.abs(d.change).max() for d in chart) < 1e-6
    assert min(np.abs(d.change).max() for d in linear) == 1.0


def test_any_number_of_threads_gives_the_same_bits():
    rng = np.random.default_rng(2)
    n, J = 6000, 1500
    g, x = rng.integers(0, J, n), rng.normal(size=n)
    fit = pp.lmm(
        "y ~ x + (x | g)", {"y": rng.normal(size=J)[g] + rng.normal(size=n), "x": x, "g": g}
    )
    found = []
    for threads in (1, 2):
        pp.set_threads(threads)
        found.append(unprofiled_hessian(fit.solution, fit.design)[0])
    pp.set_threads()
    np.testing.assert_array_equal(*found)
