"""Priors as NumPyro has them are the densities of their names."""

import numpy as np
import pytest
from scipy import stats

import partialpool as pp
from partialpool.bayes.densities import log_prior_density
from partialpool.bayes.general.sites import coefficient_prior, law_of

B = pp.bayes


@pytest.mark.parametrize(
    "prior", [B.Normal(1, 2), B.StudentT(3, 1, 2), B.Cauchy(1, 2), B.Laplace(1, 2)]
)
def test_coefficients_have_the_density_of_their_prior(prior):
    at = np.array([-3.0, 0.2, 1.5])
    found = coefficient_prior(law_of(prior), at)
    np.testing.assert_allclose(found, log_prior_density(prior, at), rtol=1e-5)


@pytest.mark.parametrize("prior", ["cauchy(0, 0.1)", "laplace(0, 0.1)"])
def test_a_coefficient_with_such_a_prior_has_the_posterior_of_quadrature(prior):
    rng = np.random.default_rng(4)
    x = rng.normal(size=30)
    y = 0.4 * x + rng.normal(size=30)
    data = {"x": x, "y": y}
    fit = pp.bmm("y ~ 0 + x", data, priors={"x": prior}, sigma=1, draws=2000, seed=1)
    assert fit.engine == "nuts"
    grid = np.linspace(-1, 2, 4001)
    own = stats.cauchy(0, 0.1) if "cauchy" in prior else stats.laplace(0, 0.1)
    log = -0.5 * ((y[:, None] - x[:, None] * grid) ** 2).sum(axis=0) + own.logpdf(grid)
    weight = np.exp(log - log.max())
    mean = (weight * grid).sum() / weight.sum()
    sd = np.sqrt((weight * (grid - mean) ** 2).sum() / weight.sum())
    draws = fit.parameters["x"]
    # Four standard errors of some 2,000 effective draws.
    assert draws.mean() == pytest.approx(mean, abs=4 * sd / 2000**0.5)
    assert draws.std() == pytest.approx(sd, rel=0.08)
