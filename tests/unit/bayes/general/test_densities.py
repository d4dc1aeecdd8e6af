import jax
import numpy as np
import pytest

from partialpool.bayes.general.densities import log_density
from partialpool.core import Density
from partialpool.families import Binomial, resolve

N = 40
COUNTS = ["poisson", "nbinom1", "nbinom2"]
CASES = [
    *[(name, link, "none") for name in COUNTS for link in ("log", "sqrt")],
    *[(name, "log", "inflated") for name in COUNTS],
    *[(f"truncated_{name}", "log", zero) for name in COUNTS for zero in ("none", "hurdle")],
    *[("binomial", link, "none") for link in ("logit", "probit", "cloglog")],
    ("betabinomial", "logit", "none"),
    *[("beta", link, "none") for link in ("logit", "cloglog")],
    *[("gamma", link, "none") for link in ("log", "inverse")],
    *[("inverse_gaussian", link, "none") for link in ("log", "inverse_squared")],
    ("gaussian", "log", "none"),
    ("student_t", "identity", "none"),
]


def rows(name, link, zero):
    rng = np.random.default_rng(len(name) + len(link))
    family = resolve(name)
    family = type(family)(family.kind, link) if hasattr(family, "kind") else type(family)(link)
    eta = {"mean": rng.normal(0, 0.7, N)}
    if link not in ("log", "logit", "probit", "cloglog", "identity"):
        eta["mean"] = np.exp(eta["mean"])
    for part in family.parts(zero)[1:]:
        eta[part] = rng.normal(0.3, 0.5, N)
    trials = rng.integers(1, 9, N).astype(float) if family.has_trials else None
    y = family.simulate(eta, rng, trials, zero)
    if name == "beta":
        y = np.clip(y, 1e-6, 1 - 1e-6)
    return family, y, trials, rng.uniform(0.5, 2, N), eta


@pytest.mark.parametrize(("name", "link", "zero"), CASES)
def test_a_density_is_that_of_the_core(name, link, zero):
    family, y, trials, weights, eta = rows(name, link, zero)
    # A Gaussian's weights divide its variance here, and multiply the log-density there.
    weights = None if name == "gaussian" else weights
    core = Density(family.core_name(zero), link, y, trials, weights)
    order = family.parts(zero)
    exact = core.evaluate([eta[part] for part in order], 1, True)
    of = np.ones(N) if trials is None else trials

    def total(values):
        predictors = dict(zip(order, values, strict=True))
        found = log_density(family, zero, y, of, weights, predictors)
        return found.sum()

    with jax.enable_x64(True):
        given = [np.array(eta[part]) for part in order]
        value, slopes = jax.value_and_grad(total)(given)
        value, slopes = float(value), np.array(slopes)
    np.testing.assert_allclose(value, exact[0].sum() + core.constant, rtol=1e-9)
    np.testing.assert_allclose(slopes, exact[1], rtol=1e-6, atol=1e-8)


def test_weights_of_a_gaussian_divide_its_variance():
    from scipy import stats

    y, w = np.array([1.0, 2.0]), np.array([1.0, 4.0])
    eta = {"mean": np.array([0.5, 0.5]), "dispersion": np.log([2.0, 2.0])}
    with jax.enable_x64(True):
        found = np.array(log_density(resolve("gaussian"), "none", y, 1.0, w, eta))
    np.testing.assert_allclose(found, stats.norm(0.5, [2.0, 1.0]).logpdf(y))


@pytest.mark.parametrize(("link", "eta"), [("cloglog", -800.0), ("logit", 800.0)])
def test_slopes_far_out_are_numbers(link, eta):
    def total(x):
        return log_density(Binomial(link), "none", 1.0, 2.0, None, {"mean": x})

    with jax.enable_x64(True):
        assert not np.isnan(float(jax.grad(total)(eta)))
