"""What is asked of a posterior after the fit: comparison, sensitivity, R squared, more draws."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.comparison import stacking_weights
from partialpool.errors import DataError, NotAvailableError

SLEEP = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return pp.bmm(SLEEP, sleep, seed=1)


def test_posteriors_are_compared_among_themselves(fit, sleep):
    with pytest.raises(DataError, match=r"fit1 is a posterior.*pp\.bayes\.loo_compare"):
        pp.compare(fit, fit)
    with pytest.raises(DataError, match="LmmFit as fit2"):
        pp.bayes.loo_compare(fit, pp.lmm(SLEEP, sleep))
    with pytest.raises(DataError, match="two or more fits"):
        pp.bayes.loo_compare(fit)
    with pytest.raises(DataError, match="names has 1"):
        pp.bayes.loo_compare(fit, fit, names=["one"])
    other = pp.bmm(SLEEP, sleep.iloc[:100], draws=20, seed=1)
    with pytest.raises(DataError, match="don't have the same responses"):
        pp.bayes.loo_compare(fit, other)


def test_stacking_finds_the_best_mixture():
    rng = np.random.default_rng(1)
    logs = rng.normal(size=(2, 50))
    w = np.linspace(0, 1, 10_001)[1:-1, None]
    value = np.log(w * np.exp(logs[0]) + (1 - w) * np.exp(logs[1])).sum(axis=1)
    np.testing.assert_allclose(stacking_weights(logs)[0], w[value.argmax(), 0], atol=2e-4)


def test_a_strong_prior_is_told_from_weak_ones(sleep):
    table = pp.bmm("Reaction ~ Days", sleep, priors={"Days": "normal(0, 1)"}, seed=1)
    table = table.prior_sensitivity().set_index("parameter")
    assert table.loc["Days", "diagnosis"] == "prior and data disagree"
    assert table.loc["Days", "by_prior"] > 2 * table.loc["sigma", "by_prior"]
    # What groups explain by themselves isn't the common coefficient's.
    table = pp.bmm(SLEEP, sleep, priors={"Days": "normal(0, 1)"}, seed=1).prior_sensitivity()
    table = table.set_index("parameter")
    assert table.loc["Days", "diagnosis"] == "the prior is strong"
    assert table.loc["sigma", "diagnosis"] == ""


def test_sensitivity_to_a_prior_is_what_another_fit_shows(sleep):
    # Raised to the power a, a normal prior has its variance divided by a.
    formula, wide = "Reaction ~ Days", {"Intercept": "normal(300, 1000)", "sigma": "gamma(2, 0.01)"}
    sd, power = 2.0, 1.3
    one = pp.bmm(formula, sleep, priors=wide | {"Days": f"normal(0, {sd})"}, draws=4000, seed=1)
    two = pp.bmm(
        formula, sleep, priors=wide | {"Days": f"normal(0, {sd / power**0.5})"}, draws=4000, seed=2
    )
    from partialpool.bayes.prior_density import log_priors

    weights = np.exp((power - 1) * log_priors(one)["Days"])
    days = one.parameters["Days"]
    moved = (weights * days).sum() / weights.sum()
    assert moved == pytest.approx(two.parameters["Days"].mean(), abs=0.05)
    assert abs(moved - days.mean()) > 0.2


def test_priors_alone_have_no_sensitivity(fit, sleep):
    with pytest.raises(NotAvailableError, match="come from the priors"):
        fit.prior(100, seed=1).prior_sensitivity()
    flat = {"fixef": "flat()", "Intercept": "flat()", "sigma": "flat()"}
    with pytest.raises(NotAvailableError, match="all are flat"):
        pp.bmm("Reaction ~ Days", sleep, priors=flat, draws=50, seed=1).prior_sensitivity()


def test_r_squared_is_that_of_least_squares_without_groups_and_priors(sleep):
    flat = {"fixef": "flat()", "Intercept": "flat()"}
    fit = pp.bmm("Reaction ~ Days", sleep, priors=flat, seed=1)
    exact = np.corrcoef(sleep["Reaction"], sleep["Days"])[0, 1] ** 2
    assert fit.r_squared().draws.shape == (4, 1000)
    assert fit.r_squared().estimate == pytest.approx(exact, abs=0.02)


def test_r_squared_counts_rows_and_weights(sleep):
    weights = np.where(sleep["Days"] == 9, 0.0, 2.0)
    fit = pp.bmm("Reaction ~ Days", sleep, weights=weights, seed=1)
    own, x = fit.parameters, sleep["Days"].to_numpy()[sleep["Days"] != 9]
    explained = own["Days"] ** 2 * x.var(ddof=1)
    np.testing.assert_allclose(fit.r_squared(), explained / (explained + own["sigma"] ** 2 / 2))


def test_the_same_model_is_sampled_longer(fit):
    longer = fit.resample(draws=2000, chains=2, seed=5)
    assert longer.parameters["Days"].shape == (2, 2000)
    assert longer.control.tune == fit.control.tune
    assert abs(longer.fixef["Days"] - fit.fixef["Days"]) < 0.2
    np.testing.assert_array_equal(fit.resample().parameters["Days"], fit.parameters["Days"])
    with pytest.raises(DataError, match="draws must be"):
        fit.resample(draws=1)
    assert fit.prior(50, seed=1).resample(draws=70).parameters["Days"].shape == (1, 70)


def test_coefficients_alone_with_sigma_known_are_normal(sleep):
    flat = {"fixef": "flat()", "Intercept": "flat()"}
    fit = pp.bmm("Reaction ~ Days", sleep, sigma=50.0, priors=flat, seed=1)
    X = fit.design.X
    exact = np.linalg.inv(X.T @ X) * 50.0**2
    np.testing.assert_allclose(fit.vcov, exact, rtol=0.1)
    with pytest.raises(DataError, match="give one of them"):
        pp.bmm("Reaction ~ Days", sleep, sigma=50.0, priors={"sigma": "half_normal(1)"})


def test_vague_priors_of_counts_can_be_drawn_from():
    data = {"y": np.arange(30) % 4, "g": np.arange(30) % 6}
    priors = {"Intercept": "normal(0, 30)", "sd": "half_cauchy(5)"}
    for family in ("poisson", "nbinom2", "truncated_poisson"):
        shifted = data | {"y": data["y"] + 1}
        fit = pp.bmm("y ~ 1 + (1 | g)", shifted, family, priors=priors, engine="prior", seed=1)
        drawn = fit.simulate(400, seed=1)
        assert np.isfinite(drawn).all()
        assert drawn.max() > 1e15


def test_trials_of_new_rows_are_read_from_a_file(tmp_path):
    data = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    fit = pp.bmm(formula, data, "binomial", engine="prior", draws=50, seed=1)
    path = tmp_path / "rows.csv"
    data.head(4).to_csv(path, index=False)
    for new in (path, str(path)):
        drawn = fit.simulate(20, seed=1, new=new)
        assert (drawn <= data["size"].to_numpy()[:4, None]).all()
        np.testing.assert_array_equal(drawn, fit.simulate(20, seed=1, new=data.head(4)))
        assert len(fit.predict(new, interval="prediction", trials="size + 1", seed=1)) == 4
