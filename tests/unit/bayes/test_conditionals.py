"""Coefficients given the covariance are what dense algebra says, for every layout of effects."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.conditionals import conditionals

RNG = np.random.default_rng(5)
N = 150
DATA = {
    "x": RNG.normal(size=N),
    "g": RNG.integers(0, 7, N),
    "h": RNG.integers(0, 5, N),
    "many": RNG.integers(0, 70, N),
    "most": np.arange(N) % 75,
    "w": RNG.uniform(0.5, 2, N),
}
DATA["y"] = 2 + 0.5 * DATA["x"] + RNG.normal(size=7)[DATA["g"]] + RNG.normal(size=N)
PRIORS = {"Intercept": "normal(0, 5)", "x": "normal(0, 2)"}


def dense(fit, draw):
    """X'V^-1 X and X'V^-1 y of one draw, with the priors."""
    own, d = fit.draws.parts["mean"], fit.design
    V = np.diag(fit.draws.scales["sigma"][draw] ** 2 / d.weights)
    for effects, sd, corr in zip(d.random, own.sd, own.corr, strict=True):
        codes = effects.factor.codes
        cov = np.outer(sd[draw], sd[draw]) * corr[draw]
        V = V + np.equal.outer(codes, codes) * (effects.basis @ cov @ effects.basis.T)
    T = np.array([[1.0, d.X[:, 1].mean()], [0.0, 1.0]])
    prior = T.T @ np.diag([1 / 25, 1 / 4]) @ T
    return d.X.T @ np.linalg.solve(V, d.X) + prior, d.X.T @ np.linalg.solve(V, d.y)


@pytest.mark.parametrize(
    "random",
    [
        "(1 | g)",
        "(x | g)",
        "(1 | g) + (0 + x | g)",  # one factor in two terms
        "(1 | g) + (x | h)",
        "(0 + x | h) + (x | g) + (1 | h)",  # the factor with the most levels in between
        "(1 | most) + (1 | many)",  # too many for dense algebra
    ],
)
def test_effects_are_integrated_out_as_dense_algebra_does(random):
    fit = pp.bmm(
        f"y ~ x + {random}", DATA, weights="w", priors=PRIORS, draws=40, tune=100, seed=1, chains=1
    )
    stacks = list(conditionals(fit))
    assert len(stacks) == 1  # all draws at once
    precision, score = stacks[0]
    for draw in (0, 17, 39):
        exact = dense(fit, (0, draw))
        np.testing.assert_allclose(precision[draw], exact[0], rtol=1e-8)
        np.testing.assert_allclose(score[draw], exact[1], rtol=1e-8, atol=1e-8)


def test_a_long_run_is_cut_into_stacks_of_draws(monkeypatch):
    monkeypatch.setattr("partialpool.bayes.conditionals._AT_ONCE", 1000)
    fit = pp.bmm("y ~ x + (1 | g)", DATA, priors=PRIORS, weights="w", draws=200, seed=1)
    stacks = [precision for precision, _ in conditionals(fit)]
    assert len(stacks) > 5
    assert sum(map(len, stacks)) == 800
    np.testing.assert_allclose(stacks[-1][-1], dense(fit, (-1, -1))[0], rtol=1e-8)
