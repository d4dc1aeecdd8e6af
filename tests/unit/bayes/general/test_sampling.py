import warnings

import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.diagnostics import diagnose
from partialpool.errors import PartialPoolWarning

CBPP = "cbind(incidence, size - incidence) ~ period + (1 | herd)"


@pytest.fixture(scope="module")
def fit():
    data = pp.load_dataset("cbpp")
    return pp.bmm(CBPP, data, "binomial", draws=500, tune=500, chains=2, seed=1)


def test_a_binomial_posterior_lies_about_the_likelihoods_maximum(fit):
    likelihood = pp.glmm(CBPP, pp.load_dataset("cbpp"), family="binomial")
    assert fit.engine == "nuts"
    gap = fit.fixef.values - likelihood.fixef.values
    assert (np.abs(gap) < 0.5 * likelihood.stderr.values).all()
    assert fit.divergences == 0


def test_its_tables_and_predictions_are_there(fit, tmp_path):
    assert "binomial, link logit" in str(fit)
    found = fit.predict({"period": ["1", "1"], "herd": ["1", "z"]}, new_levels="sample", seed=1)
    assert ((found > 0) & (found < 1)).all()
    successes = fit.simulate(5, seed=1)
    assert (successes <= fit.statement.response.trials[:, None]).all()
    assert -115 < fit.loo().elpd < -85
    assert list(fit.ranef("herd")["herd"][:2]) == ["1", "2"]
    fit.save(tmp_path / "cbpp.model")
    np.testing.assert_array_equal(pp.load(tmp_path / "cbpp.model").predict(), fit.predict())


def test_jax_is_left_in_the_precision_it_was_in(fit):
    import jax.numpy as jnp

    assert jnp.ones(1).dtype == jnp.float32


def test_a_second_fit_of_the_same_shape_compiles_nothing(fit):
    from partialpool.bayes.general.program import program

    data = pp.load_dataset("cbpp")
    programs = program(500, 0.8, 10)
    parts = (programs.start, programs.advance, programs.read)
    before = [part._cache_size() for part in parts]
    # Other responses, other priors' numbers, other numbers of draws and seeds.
    other = data.assign(incidence=np.minimum(data["incidence"] + 1, data["size"]))
    priors = {"period[T.2]": "normal(0, 1)"}
    seen = []
    again = pp.bmm(
        CBPP, other, "binomial", priors=priors, draws=250, tune=500, chains=2, seed=2,
        progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert [part._cache_size() for part in parts] == before
    assert again.parameters["Intercept"].shape == (2, 250)
    assert again.fixef["Intercept"] > fit.fixef["Intercept"]
    assert seen[-1] == (1500, 1500)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_seed_decides_the_draws_whatever_came_before(fit):
    again = fit.resample()
    np.testing.assert_array_equal(again.parameters["Intercept"], fit.parameters["Intercept"])
    more = fit.resample(draws=600)
    # The same chains, only longer.
    first = more.parameters["Intercept"][:, :500]
    np.testing.assert_array_equal(first, fit.parameters["Intercept"])


def test_a_known_number_is_no_parameter_of_the_sampler():
    from partialpool.bayes.general.sampling import general_model
    from partialpool.bayes.statement import state

    data = {"y": np.arange(20) % 5, "x": np.linspace(0, 1, 20)}
    fit = pp.bmm(
        "y ~ x", data, "nbinom2", priors={"phi": "constant(3)"}, draws=50, tune=100, seed=1
    )
    assert (fit.parameters["phi"] == 3.0).all()
    stated = state("y ~ x", data, "nbinom2", priors={"phi": "constant(3)"})
    assert general_model(stated).numbers["dispersion"].prior.kind == "constant"


def agree(one, two, names):
    """Whether two fits' posterior means differ by no more than Monte Carlo errors."""
    for name in names:
        a, b = one.parameters[name], two.parameters[name]
        found = diagnose(np.stack([a, b], axis=-1)).mcse_mean
        assert abs(a.mean() - b.mean()) < 4 * np.hypot(*found), name
        np.testing.assert_allclose(a.std(), b.std(), rtol=0.15)


ENGINES = {
    "sleepstudy": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "ratpup": ("ratpup", "weight ~ sex + treatment + litsize + (1 | litter)"),
    "Machines": ("Machines", "score ~ Machine + (1 | Worker) + (1 | Worker:Machine)"),
    "compound symmetry": ("Machines", "score ~ Machine + cs(0 + Machine | Worker)"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", ENGINES)
def test_the_engines_agree_within_monte_carlo_error(case):
    name, formula = ENGINES[case]
    data = pp.load_dataset(name)
    one = pp.bmm(formula, data, draws=2000, seed=1)
    two = pp.bmm(formula, data, draws=2000, seed=2, engine="nuts", target_accept=0.99)
    agree(one, two, one.parameters)


def counts(zero=False):
    rng = np.random.default_rng(4)
    g = rng.integers(0, 20, 400)
    x = rng.normal(size=400)
    mu = np.exp(0.8 + 0.4 * x + rng.normal(0, 0.5, 20)[g])
    y = rng.poisson(mu * rng.gamma(3, 1 / 3, 400)).astype(float)
    if zero:
        y[rng.random(400) < 0.3] = 0
    return {"y": y, "x": x, "g": g.astype(str)}


FAMILIES = {
    "poisson": ({}, lambda d: d),
    "nbinom2": ({}, lambda d: d),
    "nbinom1": ({}, lambda d: d),
    "nbinom2, more zeros": ({"zero_inflation": "~ 1"}, lambda d: counts(True)),
    "nbinom2, dispersion": ({"dispersion": "~ x"}, lambda d: d),
    "gamma": ({}, lambda d: d | {"y": d["y"] + 0.5}),
    "student_t": ({}, lambda d: d),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", FAMILIES)
def test_every_family_lies_about_its_likelihoods_maximum(case):
    arguments, change = FAMILIES[case]
    data, family = change(counts()), case.split(",")[0]
    formula = "y ~ x + (1 | g)"
    fit = pp.bmm(formula, data, family, seed=1, **arguments)
    likelihood = pp.glmm(formula, data, family=family, **arguments)
    gap = np.abs(fit.fixef.values - likelihood.fixef.values)
    assert (gap < 0.5 * likelihood.stderr.values).all()
    assert fit.converged


@pytest.mark.slow
def test_perfectly_predicted_binary_data_are_explained():
    rng = np.random.default_rng(1)
    x = rng.normal(size=60)
    data = {"y": (x > 0).astype(float), "x": x, "g": (np.arange(60) % 6).astype(str)}
    fit = pp.bmm("y ~ x + (1 | g)", data, "binomial", seed=1, target_accept=0.95)
    assert "the data say next to nothing about" in str(fit) or fit.fixef["x"] > 3


@pytest.mark.slow
def test_a_funnel_is_sampled_or_its_divergences_explained():
    # Rubin's eight schools: known standard errors, by weights.
    y = np.array([28.0, 8, -3, 7, -1, 1, 18, 12])
    se = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])
    data = {"y": np.repeat(y, 2) + np.tile([-0.1, 0.1], 8), "g": np.repeat(np.arange(8), 2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PartialPoolWarning)
        weights = np.repeat(1 / se**2, 2)
        fit = pp.bmm("y ~ 1 + (1 | g)", data, weights=weights, engine="nuts", seed=1)
    assert fit.divergences == 0 or "diverged" in str(fit)
