"""Posteriors against answers that are known without sampling."""

import numpy as np
import pytest
from scipy import stats

import partialpool as pp
from partialpool.bayes.diagnostics import diagnose
from partialpool.core import Posterior
from partialpool.design import build
from partialpool.formula import parse
from partialpool.solve.problem import reduce


def assert_mean(draws, exact, errors=3.0):
    """The posterior mean lies within some Monte Carlo errors of the exact one."""
    error = diagnose(draws[:, :, None]).mcse_mean[0]
    assert abs(draws.mean() - exact) < errors * error, (draws.mean(), exact, error)


def test_a_random_intercept_has_the_posterior_of_quadrature():
    data = pp.load_dataset("Dyestuff")
    fit = pp.bmm(
        "Yield ~ 1 + (1 | Batch)",
        data,
        priors={
            "Intercept": "normal(1500, 100)",
            "sd": "half_student_t(3, 40)",
            "sigma": "exponential(0.02)",
        },
        draws=4000,
        seed=11,
    )
    y = fit.design.y
    Z = (fit.design.random[0].factor.codes[:, None] == np.arange(6)).astype(float)
    # A rule of midpoints in the logarithms, whose ends hold nothing.
    log_sd, log_sigma = np.linspace(-4, 7, 220), np.linspace(3, 5.2, 110)
    a, s = np.meshgrid(np.exp(log_sd), np.exp(log_sigma), indexing="ij")
    # The design is balanced: V has the eigenvectors of batches and of the mean.
    between, mean = Z @ Z.T / 5 - 1 / 30, np.full((30, 30), 1 / 30)
    r = y - 1500
    parts = [
        (24, r @ (np.eye(30) - Z @ Z.T / 5) @ r, s**2),
        (5, r @ between @ r, s**2 + 5 * a**2),
        (1, r @ mean @ r, s**2 + 5 * a**2 + 30 * 100.0**2),
    ]
    log_density = sum(-0.5 * (n * np.log(v) + square / v) for n, square, v in parts)
    log_density += stats.t(3, scale=40).logpdf(a) + stats.expon(scale=50).logpdf(s)
    weight = np.exp(log_density - log_density.max()) * a * s
    weight /= weight.sum()
    assert_mean(fit.parameters["sd(Batch.Intercept)"], (weight * a).sum())
    assert_mean(fit.parameters["sigma"], (weight * s).sum())


# Rubin's eight schools, an effect and its standard error each.
SCHOOLS = {
    "y": np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
    "precision": np.array([15.0, 10, 16, 11, 9, 11, 10, 18]) ** -2,
    "school": np.array(list("ABCDEFGH")),
}


@pytest.fixture(scope="module")
def schools():
    return pp.bmm(
        "y ~ 1 + (1 | school)",
        SCHOOLS,
        weights="precision",
        sigma=1.0,
        priors={"Intercept": "normal(0, 5)", "sd": "half_cauchy(5)"},
        draws=5000,
        seed=3,
    )


def test_eight_schools_have_the_posterior_of_quadrature(schools):
    assert schools.engine == "marginal"
    assert schools.divergences == 0
    y, variance = SCHOOLS["y"], 1 / SCHOOLS["precision"]
    log_tau = np.linspace(-12, 9, 6000)
    tau = np.exp(log_tau)
    between = variance + tau[:, None] ** 2
    precision = (1 / between).sum(axis=1) + 1 / 25
    mean = (y / between).sum(axis=1) / precision
    log_density = -0.5 * (np.log(between) + y**2 / between).sum(axis=1)
    log_density += 0.5 * (mean**2 * precision - np.log(precision))
    log_density += stats.halfcauchy(scale=5).logpdf(tau) + log_tau
    weight = np.exp(log_density - log_density.max())
    weight /= weight.sum()
    assert_mean(schools.parameters["Intercept"], weight @ mean)
    # The mean of a half-Cauchy's tail has no Monte Carlo error to speak of: its logarithm has.
    assert_mean(np.log(schools.parameters["sd(school.Intercept)"]), weight @ log_tau)
    share = tau**2 / between[:, 0]
    effect = weight @ (share * (y[0] - mean))
    assert_mean(schools.draws.parts["mean"].effects[0][:, :, 0, 0], effect)


def test_a_known_deviation_is_shown_and_no_parameter(schools):
    assert schools.prior_summary()["prior"].tolist()[-1] == "constant(1)"
    assert (schools.parameters["sigma"] == 1.0).all()
    assert schools.converged


def test_flat_priors_have_their_mode_at_the_restricted_maximum_likelihood():
    sleep = pp.load_dataset("sleepstudy")
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    reduced = reduce(build(parse("Reaction ~ Days + (Days | Subject)"), sleep))
    flat = (0, 0.0, 0.0)
    posterior = Posterior(
        reduced.problem.mapped,
        [([flat, flat], 1.0)],
        flat,
        np.zeros((0, 2)),
        np.zeros(0),
        np.zeros(0),
    )
    term = fit.varcorr.terms[0]
    rho = term.corr[1, 0]
    q = np.array([*np.log(term.sd), np.arctanh(rho), np.log(fit.sigma)])
    gradient = posterior.evaluate(q)[1]
    # What is left are the Jacobians: of the logarithms, and of the hyperbolic tangent.
    np.testing.assert_allclose(gradient, [1, 1, -2 * rho, 1], atol=2e-3)


def seed_example(seed=42):
    """The seed's data: a covariate that one group doesn't have."""
    rng, n = np.random.default_rng(seed), 500
    feed, pull = rng.uniform(1, 10, n), rng.uniform(0.5, 5, n)
    wait = rng.uniform(0.1, 2, n)
    first = np.arange(n) < n // 2
    speed = np.where(first, 2.5 * feed + 3 * pull, feed + 0.5 * pull + 3 * wait)
    return {
        "group": np.where(first, "one", "two"),
        "feed": feed,
        "pull": pull,
        "wait": np.where(first, np.nan, wait),
        "speed": speed + rng.normal(0, 0.5, n),
    }


UNPOOLED = "speed ~ 0 + group + group:feed + group:pull + group:wait"


@pytest.fixture(scope="module")
def unpooled():
    return pp.bmm(
        UNPOOLED,
        seed_example(),
        applicable="auto",
        priors={"fixef": "normal(0, 5)", "sigma": "half_normal(5)"},
        seed=7,
    )


def test_the_masked_example_has_the_posterior_of_quadrature(unpooled):
    design = unpooled.design
    X, y, n = design.X, design.y, len(design.y)
    A, c, yy = X.T @ X, X.T @ y, y @ y
    log_sigma = np.linspace(-1.2, 0.0, 400)
    means, log_density = [], []
    for s in np.exp(log_sigma):
        # Given sigma the coefficients are normal, and integrate out.
        precision = A / s**2 + np.eye(len(c)) / 25
        mean = np.linalg.solve(precision, c / s**2)
        log_det = np.linalg.slogdet(precision)[1]
        fit = -n * np.log(s) - 0.5 * (yy / s**2 - mean @ precision @ mean) - 0.5 * log_det
        log_density.append(fit + stats.halfnorm(scale=5).logpdf(s) + np.log(s))
        means.append(mean)
    weight = np.exp(np.array(log_density) - max(log_density))
    weight /= weight.sum()
    exact = weight @ np.array(means)
    for name, value in zip(design.columns, exact, strict=True):
        assert_mean(unpooled.parameters[name], value)
    assert_mean(unpooled.parameters["sigma"], weight @ np.exp(log_sigma))


def test_the_masked_coefficient_is_reported_as_not_applicable(unpooled):
    assert unpooled.not_applicable == ("group[one]:wait",)
    assert "n/a" in str(unpooled)
    assert "was taken not to apply" in str(unpooled)


def test_the_seeds_printed_values_are_within_four_standard_deviations(unpooled):
    # As its text prints them: its data were drawn without a seed.
    printed = {
        "group[one]": -0.03,
        "group[two]": 0.05,
        "group[one]:feed": 2.51,
        "group[two]:feed": 1.00,
        "group[one]:pull": 2.98,
        "group[two]:pull": 0.49,
        "group[two]:wait": 3.05,
        "sigma": 0.52,
    }
    for name, value in printed.items():
        draws = unpooled.parameters[name]
        assert abs(draws.mean() - value) < 4 * draws.std(), name
    new = {"group": ["one", "two"], "feed": [3.0, 3.0], "pull": [2.0, 2.0], "wait": [0.0, 2.0]}
    found = unpooled.predict(new, inapplicable="ignore")
    np.testing.assert_allclose(found, [13.455311, 10.143251], atol=0.4)
    new = {"group": ["one", "two"], "feed": [6.0, 6.0], "pull": [2.0, 2.0], "wait": [2.0, 2.0]}
    found = unpooled.predict(new, inapplicable="ignore")
    np.testing.assert_allclose(found, [20.98238, 13.135274], atol=0.4)


def test_slopes_of_the_masked_example_can_be_pooled():
    fit = pp.bmm(
        "speed ~ 1 + (1 + feed + pull + wait || group)",
        seed_example(),
        applicable="auto",
        seed=7,
    )
    effects = fit.ranef("group")
    assert np.isnan(effects["wait"][0])
    np.testing.assert_allclose(effects["wait"][1], 3, atol=0.3)
    np.testing.assert_allclose(effects["feed"], [2.5, 1.0], atol=0.1)
    assert "'group' has 2 level(s)" in str(fit)
