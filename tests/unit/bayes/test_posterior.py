import numpy as np
import pytest

import partialpool as pp
from partialpool.core import get_threads, set_threads
from tests.unit.bayes.dense_posterior import Twin

RNG = np.random.default_rng(1)


def toy(n=60):
    rng = np.random.default_rng(5)
    return {
        "y": rng.normal(10, 4, n),
        "x": rng.normal(3, 2, n),
        "w": rng.uniform(0.5, 2, n),
        "g": rng.integers(0, 9, n).astype(str),
        "h": rng.integers(0, 5, n).astype(str),
        "t": rng.permutation(np.repeat(["1", "2", "3"], n // 3)),
    }


CASES = {
    "no random term": ("y ~ x", {}),
    "intercepts": ("y ~ x + (1 | g)", {}),
    "slopes": ("y ~ x + (x | g)", {}),
    "three effects": ("y ~ 1 + (t | g)", {}),
    "independent": ("y ~ x + (x || g)", {}),
    "two terms of a factor": ("y ~ x + (1 | g) + (0 + x + w | g)", {}),
    "crossed": ("y ~ x + (x | g) + (1 | h)", {}),
    "crossed, three effects": ("y ~ x + (1 | g) + (t | h)", {}),
    "compound symmetry": ("y ~ 1 + cs(0 + t | g)", {}),
    "homogeneous": ("y ~ 1 + homcs(0 + t | g) + homdiag(0 + t | h)", {}),
    "autoregressive": ("y ~ 1 + ar1(0 + t | g)", {}),
    "autoregressive, three scales": ("y ~ 1 + hetar1(0 + t | g)", {}),
    "by lag": ("y ~ 1 + toep(0 + t | g) + homtoep(0 + t | h)", {}),
    "weights": ("y ~ x + (x | g)", {"weights": "w", "offset": "w"}),
    "aliased": ("y ~ x + I(2 * x) + (1 | g)", {}),
}


@pytest.fixture(params=CASES)
def twin(request):
    formula, arguments = CASES[request.param]
    return Twin(formula, toy(), **arguments)


def test_the_log_density_is_that_of_dense_algebra_up_to_a_constant(twin):
    one, two = (
        twin.posterior.centre,
        twin.posterior.centre + RNG.normal(0, 0.4, twin.posterior.size),
    )
    fast = twin.posterior.evaluate(two)[0] - twin.posterior.evaluate(one)[0]
    slow = twin.log_density(two) - twin.log_density(one)
    # The twin's Jacobian is made of differences, which have nine digits.
    np.testing.assert_allclose(fast, slow, rtol=1e-7, atol=1e-6)


def test_the_gradient_is_that_of_differences(twin):
    q = twin.posterior.centre + RNG.normal(0, 0.4, twin.posterior.size)
    gradient = twin.posterior.evaluate(q)[1]
    for i in range(len(q)):
        step = np.zeros(len(q))
        step[i] = 1e-5
        up, down = twin.posterior.evaluate(q + step)[0], twin.posterior.evaluate(q - step)[0]
        np.testing.assert_allclose(gradient[i], (up - down) / 2e-5, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("value", [-800.0, 800.0])
def test_a_point_beyond_the_numbers_has_no_density(value):
    twin = Twin("y ~ x + (1 | g)", toy())
    assert twin.posterior.evaluate(np.array([0.0, value]))[0] == -np.inf


def draws(twin, seed=3, chains=2):
    return twin.posterior.sample(chains, 200, 300, seed, 0.8, 10, None)


def test_any_number_of_threads_gives_the_same_draws():
    twin, before = Twin("y ~ x + (x | g) + (1 | h)", toy()), get_threads()
    try:
        set_threads(1)
        one = draws(twin, chains=3)
        set_threads(3)
        three = draws(twin, chains=3)
    finally:
        set_threads(before)
    for a, b in zip(one[:5], three[:5], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_seed_decides_the_draws():
    twin = Twin("y ~ x + (1 | g)", toy())
    np.testing.assert_array_equal(draws(twin)[0], draws(twin)[0])
    assert (draws(twin)[0] != draws(twin, seed=4)[0]).any()


@pytest.mark.parametrize("case", ["slopes", "crossed", "crossed, three effects", "weights"])
def test_draws_of_the_effects_have_the_exact_moments_given_the_parameters(case):
    formula, arguments = CASES[case]
    twin = Twin(formula, toy(), **arguments)
    points, _, beta, effects, _, _ = twin.posterior.sample(4, 200, 1500, 1, 0.8, 10, None)
    points, beta = points.reshape(6000, -1), beta.reshape(6000, -1)
    both = np.hstack([beta, effects.reshape(6000, -1)])
    standard = []
    # A standard normal vector, if mean and covariance are right at every point.
    for q, draw in list(zip(points, both, strict=True))[::10]:
        mean, covariance = conditional_moments(twin, q)
        standard.append(np.linalg.solve(np.linalg.cholesky(covariance), draw - mean))
    z = np.concatenate(standard)
    assert abs(z.mean()) < 4 / np.sqrt(len(z))
    assert abs((z**2).mean() - 1) < 4 * np.sqrt(2 / len(z))


def conditional_moments(twin, q):
    """Mean and covariance of (beta, b), by the normal equations of the whole model."""
    terms, sigma = twin.read(q)
    design, n = twin.design, len(twin.design.y)
    columns, precisions = [design.X[:, twin.reduced.problem.kept]], [np.diag(twin.sd**-2.0)]
    at = 0
    for block in twin.reduced.blocks:
        effects = [design.random[i] for i in block.terms]
        J = len(effects[0].factor.levels)
        basis = np.hstack([e.basis for e in effects])
        Z = np.zeros((n, J, basis.shape[1]))
        Z[np.arange(n), effects[0].factor.codes] = basis
        columns.append(Z.reshape(n, -1))
        own = terms[at : at + len(effects)]
        at += len(effects)
        parts = [np.linalg.inv(np.diag(sd) @ corr @ np.diag(sd)) for sd, corr in own]
        precision = np.zeros((basis.shape[1],) * 2)
        place = 0
        for part in parts:
            precision[place : place + len(part), place : place + len(part)] = part
            place += len(part)
        precisions.append(np.kron(np.eye(J), precision))
    from scipy.linalg import block_diag

    W = np.hstack(columns)
    weights = (np.ones(n) if design.weights is None else design.weights) / sigma**2
    covariance = np.linalg.inv(W.T @ (weights[:, None] * W) + block_diag(*precisions))
    covariance = (covariance + covariance.T) / 2
    y = design.y - (0.0 if design.offset is None else design.offset)
    rhs = W.T @ (weights * y)
    rhs[: len(twin.mean)] += twin.mean / twin.sd**2
    return covariance @ rhs, covariance


def test_progress_is_reported_until_the_end():
    seen = []
    Twin("y ~ x + (1 | g)", toy()).posterior.sample(
        2, 50, 50, 1, 0.8, 10, lambda done, total: seen.append((done, total))
    )
    assert seen[-1] == (200, 200)


def test_an_interrupt_of_the_progress_stops_the_chains():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Twin("y ~ x + (1 | g)", toy()).posterior.sample(2, 10**6, 10**6 // 100, 1, 0.8, 10, stop)


def test_known_variance_of_a_linear_model_has_the_draws_of_its_closed_form():
    from scipy import stats

    from partialpool.core import Posterior
    from partialpool.design import build
    from partialpool.formula import parse
    from partialpool.solve.problem import reduce

    design = build(parse("Reaction ~ Days"), pp.load_dataset("sleepstudy"))
    empty = np.zeros((0, 2))
    posterior = Posterior(
        reduce(design).problem.mapped, [], (0, 0.0, 0.0), empty, np.zeros(0), np.zeros(0)
    )
    described = posterior.sample(4, 300, 2000, 1, 0.8, 10, None)[1]
    rss = np.linalg.lstsq(design.X, design.y)[1][0]
    # Flat in beta and sigma: rss / sigma^2 ~ chi^2 with n - p - 1 degrees of freedom.
    quantiles = stats.chi2(180 - 2 - 1).cdf(rss / described.ravel() ** 2)
    assert stats.kstest(quantiles[::4], "uniform").pvalue > 1e-3
