"""Densities that the sampler asks the core or the user for."""

import jax
import numpy as np
import pytest
from scipy import special, stats

import partialpool as pp
from partialpool.bayes.general.called import called_log_density
from partialpool.bayes.general.densities import log_density
from partialpool.bayes.general.traced import traced_log_density
from partialpool.errors import ModelError, NotAvailableError, SavedModelError
from partialpool.families import Family, Poisson, Response, Tweedie, resolve

N = 30
ALIKE = ["poisson", "nbinom2", "betabinomial", "gamma", "student_t"]


def lognormal(y, mu, dispersion):
    z = (np.log(y) - np.log(mu)) / dispersion
    return -0.5 * z**2 - np.log(dispersion * y) - 0.5 * np.log(2 * np.pi)


LOGNORMAL = Family(
    "lognormal",
    lognormal,
    link="log",
    support="positive",
    simulate=lambda mu, dispersion, rng: mu * np.exp(dispersion * rng.normal(size=len(mu))),
)


def predictors(family, rng):
    return {part: rng.normal(0.2, 0.4, N) for part in family.parts("none")}


def slopes(density, family, y, trials, weights, eta):
    def total(values):
        given = dict(zip(eta, values, strict=True))
        return density(family, "none", y, trials, weights, given).sum()

    with jax.enable_x64(True):
        value, slope = jax.value_and_grad(total)(list(eta.values()))
        return float(value), np.array(slope)


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_called_is_what_is_written(name):
    rng = np.random.default_rng(3)
    family = resolve(name)
    eta, trials = predictors(family, rng), np.full(N, 5.0)
    of = trials if family.has_trials else None
    y, weights = family.simulate(eta, rng, of), rng.uniform(0.5, 2.0, N)
    written = slopes(log_density, family, y, trials, weights, eta)
    called = slopes(called_log_density, family, y, trials, weights, eta)
    # JAX's gamma functions have some ten digits.
    np.testing.assert_allclose(called[0], written[0], rtol=1e-9)
    np.testing.assert_allclose(called[1], written[1], rtol=1e-6, atol=1e-8)


def test_all_digits_are_handed_over_from_outside_double_precision():
    """JAX calls back from a thread that knows nothing of ``enable_x64``."""
    y = np.array([1.0 + 1e-12, 3.0])
    with jax.enable_x64(True):
        found = jax.jit(lambda x: called_log_density(LOGNORMAL, "none", y, None, None, x))(
            {"mean": np.array([1e-13, 0.5]), "dispersion": np.full(2, np.log(0.3))}
        )
        found = np.array(found)
    exact = stats.lognorm(0.3, scale=np.exp([1e-13, 0.5])).logpdf(y)
    np.testing.assert_allclose(found, exact, rtol=1e-14)


def nearly_everything(y, mu, dispersion, shape):
    z = (y - mu) / dispersion
    rest = special.xlogy(y, mu) - special.gammaln(y + shape) + special.betaln(y + 1.0, shape)
    tails = special.log_ndtr(z) + special.log_expit(z) + np.log(special.ndtr(z) + special.erfc(z))
    bent = np.where(y > 1.0, np.sqrt(mu) ** y, np.abs(z)) + np.maximum(z, 0.1) + np.tanh(z)
    return rest + tails + bent + np.logaddexp(z, 0.0) + np.arctan(mu) + np.expm1(-mu) / mu**2.5


def branches(y, mu):
    # The truth of an array isn't known before the program runs.
    return -mu + special.xlogy(y, mu) if np.all(y >= 0) else -mu


@pytest.mark.parametrize("density", [lognormal, nearly_everything, branches])
def test_a_function_of_the_users_is_traced_or_called_with_the_same_numbers(density):
    rng = np.random.default_rng(6)
    family = Family("own", density, support="positive")
    eta, y, weights = predictors(family, rng), rng.gamma(2.0, 1.0, N), rng.uniform(0, 2, N)
    weights[:3] = 0.0
    with jax.enable_x64(True):
        stacked = np.stack(list(eta.values()))
        rows = (jax.numpy.asarray(y), None, jax.numpy.asarray(weights))
        found = traced_log_density(family, rows, jax.numpy.asarray(stacked))
        assert (found is None) == (density is branches)
        value, slope = slopes(called_log_density, family, y, None, weights, eta)
    response = Response("y", y, weights=weights)
    exact = family.density(response)(0, N, list(stacked), 1, True)
    # JAX's gamma functions have some ten digits.
    np.testing.assert_allclose(value, exact[0].sum(), rtol=1e-9)
    np.testing.assert_allclose(slope, exact[1], rtol=1e-7, atol=1e-9)


def test_chains_and_data_sets_are_called_together():
    rng = np.random.default_rng(5)
    y, eta = rng.poisson(2.0, (3, N)).astype(float), rng.normal(0.5, 0.3, (3, 4))

    def total(mean, rows):
        return called_log_density(Poisson(), "none", rows, None, None, {"mean": mean}).sum()

    chains = jax.vmap(jax.value_and_grad(total), in_axes=(0, None))
    with jax.enable_x64(True):
        value, slope = (np.array(x) for x in jax.jit(jax.vmap(chains))(eta, y))
    exact = stats.poisson(np.exp(eta)[:, :, None]).logpmf(y[:, None, :]).sum(axis=2)
    # Sums of thirty logarithms.
    np.testing.assert_allclose(value, exact, rtol=1e-13)
    np.testing.assert_allclose(slope, y.sum(axis=1)[:, None] - N * np.exp(eta), rtol=1e-12)


def small(seed=2, J=8, m=12):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), m)
    x = rng.normal(size=J * m)
    eta = {"mean": 0.5 + 0.4 * x + rng.normal(0, 0.4, J)[g]}
    return {"x": x, "g": g.astype(str)}, eta, rng


def test_a_family_of_ones_own_has_the_posterior_of_the_family_it_writes_down():
    data, eta, rng = small()
    data["y"] = np.exp(eta["mean"] + 0.3 * rng.normal(size=len(data["x"])))
    priors = {"x": "normal(0, 1)", "Intercept": "normal(0, 1)", "sd": "half_normal(1)"}
    own = pp.bmm("y ~ x + (1 | g)", data, LOGNORMAL, seed=1,
                 priors=priors | {"dispersion": "exponential(1)"})  # fmt: skip
    twin = pp.bmm("log(y) ~ x + (1 | g)", data, seed=1, priors=priors | {"sigma": "exponential(1)"})
    for name, of_twin in [("x", "x"), ("sd(g.Intercept)",) * 2, ("dispersion", "sigma")]:
        a, b = own.parameters[name].ravel(), twin.parameters[of_twin].ravel()
        # Means of draws of which at least 400 count as independent: 4 standard errors.
        assert abs(a.mean() - b.mean()) < 4 * b.std() / np.sqrt(400)
        assert 0.85 < a.std() / b.std() < 1.15
    assert own.simulate(2, seed=1).shape == (96, 2)


@pytest.mark.slow
def test_a_tweedie_posterior_lies_about_its_maximum_likelihood():
    data, eta, rng = small(J=10)
    n = len(data["x"])
    eta |= {"dispersion": np.zeros(n), "shape": np.full(n, 0.4)}
    data["y"] = Tweedie().simulate(eta, rng)
    best = pp.glmm("y ~ x + (1 | g)", data, family="tweedie")
    fit = pp.bmm("y ~ x + (1 | g)", data, "tweedie", seed=4, target_accept=0.95)
    power = fit.parameters["power"].ravel()
    assert ((power > 1) & (power < 2)).all()
    for name, value in {"x": best.fixef["x"], "power": best.shape["power"]}.items():
        own = fit.parameters[name].ravel()
        # Under wide priors the middle of the posterior is less than a standard deviation away.
        assert abs(own.mean() - value) < own.std()
    # Held-out rows are less probable than fitted ones by the number of parameters and effects.
    assert best.loglik - 15 < fit.loo().elpd < best.loglik + 5


def test_a_known_power_is_kept():
    data, eta, rng = small()
    n = len(data["x"])
    data["y"] = Tweedie().simulate(eta | {"dispersion": np.zeros(n), "shape": np.zeros(n)}, rng)
    fit = pp.bmm("y ~ x + (1 | g)", data, "tweedie", priors={"power": "constant(1.5)"}, seed=1,
                 draws=50, tune=100, chains=1)  # fmt: skip
    assert (fit.parameters["power"] == 1.5).all()
    assert "power ~ constant(1.5)" in str(fit.render())
    predicted = fit.predict(data, type="response")
    assert np.isfinite(predicted).all()


def test_a_family_of_ones_own_fails_in_words_before_sampling():
    broken = Family("broken", lambda y, mu: special.gammainc(y, mu))
    with pytest.raises(ModelError, match="differentiated automatically"):
        pp.bmm("y ~ 1", {"y": [1.0, 2.0, 3.0]}, broken)


def test_what_a_family_of_ones_own_lacks_is_asked_for():
    data = {"y": [0.5, 1.0, 2.0, 4.0, 1.5], "x": [0.0, 1.0, 2.0, 3.0, 4.0]}
    plain = Family("plain", lognormal, link="log", support="positive")
    fit = pp.bmm("y ~ x", data, plain, seed=1, draws=50, tune=100, chains=1)
    with pytest.raises(NotAvailableError, match="has no simulate"):
        fit.simulate(1)
    with pytest.raises(SavedModelError, match="'plain' is one of your own"):
        fit.save("never.model")
