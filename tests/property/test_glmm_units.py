"""Nothing depends on the units of the response, the covariates or the levels' names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import partialpool as pp

F = pp.families
# How coefficients scale when the response is multiplied by c; None: the intercept takes log(c).
POWERS = {
    F.Gaussian(): 1.0,
    F.Gaussian("inverse"): -1.0,
    F.Gaussian("sqrt"): 0.5,
    F.StudentT(): 1.0,
    F.Gamma("inverse"): -1.0,
    F.Gamma("identity"): 1.0,
    F.Gamma(): None,
    F.InverseGaussian("1/mu^2"): -2.0,
    F.Tweedie("identity"): 1.0,
}
N = 240


def data(family):
    rng = np.random.default_rng(8)
    g, x = np.arange(N) % 16, rng.uniform(0, 1, N)
    mu = 3.0 + x + 0.4 * rng.normal(size=16)[g]
    y = rng.gamma(20.0, mu / 20.0)
    if family.name == "tweedie":
        eta = {"mean": mu, "dispersion": np.zeros(N), "shape": np.zeros(N)}
        y = family.simulate(eta, rng)
    return {"y": y, "x": x, "g": g}


@pytest.mark.parametrize("family", POWERS, ids=repr)
@settings(max_examples=5, deadline=None)
@given(exponent=st.sampled_from([-9, -4, 3, 5, 9]), shift=st.sampled_from([0.0, 1e3]))
def test_units_of_response_and_covariate_change_nothing_else(family, exponent, shift):
    plain, c = data(family), 10.0**exponent
    moved = plain | {"y": c * plain["y"], "x": c * (shift + plain["x"])}
    ours, theirs = (pp.glmm("y ~ x + (1 | g)", d, family=family) for d in (plain, moved))
    assert theirs.converged
    assert theirs.singular == ours.singular
    # A density changes by log(c), the probability of a zero doesn't.
    densities = np.count_nonzero(plain["y"])
    assert_allclose(theirs.loglik + densities * np.log(c), ours.loglik, rtol=0, atol=1e-7)
    power = POWERS[family]
    slope = theirs.fixef["x"] * c / (1.0 if power is None else c**power)
    assert_allclose(slope, ours.fixef["x"], rtol=1e-4)
    sd = theirs.theta[0] / (1.0 if power is None else c**power)
    assert_allclose(sd, ours.theta[0], rtol=1e-3)


@pytest.mark.parametrize("link", ["log", "identity", "sqrt"])
@pytest.mark.parametrize("size", [1e2, 1e5, 1e8])
def test_counts_of_any_size_reach_an_optimum(link, size):
    rng = np.random.default_rng(3)
    g, x = np.arange(N) % 12, rng.uniform(0, 1, N)
    mu = size * (2 + x + 0.2 * rng.normal(size=12)[g])
    fit = pp.glmm("y ~ x + (1 | g)", {"y": rng.poisson(mu), "x": x, "g": g}, family=F.Poisson(link))
    assert fit.converged
    if link == "identity":
        slope = fit.fixef["x"] / size
        assert abs(slope - 1.0) < 4 * fit.stderr["x"] / size
