"""Links whose means can leave the family's range: the search stays inside and finds R's optimum."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import ConvergenceWarning, ModelError

F = pp.families
INCIDENCE = "cbind(incidence, size - incidence)"
# R 4.2.2's glm, and glmmTMB 1.1.5 for the model with random effects.
REFERENCES = {
    "relative risks": (
        f"{INCIDENCE} ~ period", "cbpp", F.Binomial("log"),
        -99.02919949, [-1.5167472, -1.0066257, -1.1273991, -1.5807677],
    ),
    "risk differences": (
        f"{INCIDENCE} ~ period", "cbpp", F.Binomial("identity"),
        -99.02919949, [0.21942446, -0.13923578, -0.14835847, -0.17426317],
    ),
    "no intercept": (
        f"{INCIDENCE} ~ 0 + size", "cbpp", F.Binomial("identity"), -124.3470642, [0.0062295517],
    ),
    "counts": (
        "TICKS ~ YEAR", "grouseticks", F.Poisson("identity"),
        -2740.191935, [5.9487179, 5.1480562, -4.7960462],
    ),
    "counts, no intercept": (
        "TICKS ~ 0 + HEIGHT", "grouseticks", F.Poisson("identity"), -3534.588655, [0.013780109],
    ),
    "gamma, random": (
        "angle ~ temp + (1 | replicate)", "cake", F.Gamma("identity"),
        -827.029678804, [1.22158, 0.154426],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCES)
def test_the_optimum_is_that_of_r(name):
    formula, data, family, loglik, coefficients = REFERENCES[name]
    fit = pp.glmm(formula, pp.load_dataset(data), family=family)
    assert fit.converged
    assert fit.loglik == pytest.approx(loglik, abs=1e-6)
    assert_allclose(fit.fixef, coefficients, rtol=1e-4)


def steep(link, seed=2):
    """Successes whose probability rises to all but one."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, 400)
    p = np.exp(-1.5 + 1.4 * x) if link == "log" else 0.05 + 0.9 * x
    return {"x": x, "y": (rng.random(400) < p) * 1, "g": np.arange(400) % 20}


@pytest.mark.filterwarnings("ignore::partialpool.errors.ConvergenceWarning")
@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize("random", ["", " + (1 | g)"])
def test_probabilities_stay_probabilities(link, random):
    fit = pp.glmm("y ~ x" + random, steep(link), family=F.Binomial(link))
    assert (fit.fitted > 0).all()
    assert (fit.fitted < 1).all()


def test_an_optimum_at_the_end_of_the_range_is_not_called_one():
    # Every y is one from x = 0.6 on, so that a log-linear probability wants to pass one.
    x = np.linspace(0, 1, 101)
    data = {"x": x, "y": ((x >= 0.6) | (np.arange(101) % 7 == 0)) * 1}
    with pytest.warns(ConvergenceWarning, match="ended at the end of the range of the log link"):
        fit = pp.glmm("y ~ x", data, family=F.Binomial("log"))
    assert (fit.fitted < 1).all()
    assert not fit.converged
    text = " ".join(str(fit).split())
    assert (
        "in row 100, counted from 0: the mean's linear predictor has to stay between -inf" in text
    )
    assert "was not reached" not in text


def test_an_offset_that_leaves_no_room_is_refused():
    data = {"y": [1.0, 2.0, 3.0, 2.0], "x": [1.0, -1.0, 2.0, -2.0]}
    with pytest.raises(ModelError, match=r"no coefficients keep the mean .* between 0 and inf"):
        pp.glmm("y ~ 0 + x", data, family=F.Poisson("identity"))


def test_random_effects_that_would_leave_the_range_are_no_optimum():
    # In a group without ticks the mode of the random effect is where the mean is negative.
    ticks = pp.load_dataset("grouseticks")
    with pytest.warns(ConvergenceWarning, match="has to stay between 0 and inf"):
        fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", ticks, family=F.Poisson("identity"))
    assert (fit.fitted > 0).all()
    assert not fit.converged


@pytest.fixture(scope="module")
def unconverged():
    """Return a fit that is no optimum, and one to the same rows that is."""
    ticks = pp.load_dataset("grouseticks")
    formula = "TICKS ~ YEAR + (1 | LOCATION)"
    with pytest.warns(ConvergenceWarning):
        lost = pp.glmm(formula, ticks, family=F.Poisson("identity"))
    return lost, pp.glmm(formula, ticks, family="poisson")


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda fit: fit.anova(), "tests"),
        (lambda fit: fit.test("Intercept = 0"), "tests"),
        (lambda fit: fit.confint(), "intervals"),
        (lambda fit: fit.means("YEAR"), "marginal means"),
        (lambda fit: fit.variance_tests(), "tests"),
        (lambda fit: fit.robust_tests(), "tests"),
        (lambda fit: fit.cluster_robust(), "cluster-robust covariances"),
        (lambda fit: fit.robust_vcov(), "cluster-robust covariances"),
        (lambda fit: fit.variance_parameters(), "standard errors"),
    ],
)
def test_what_is_computed_from_no_optimum_warns(unconverged, use, what):
    with pytest.warns(ConvergenceWarning, match=f"so that its {what} are not those of the model"):
        use(unconverged[0])
    use(unconverged[1])


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda fit: fit.profile("fixed"), "profiles"),
        (lambda fit: fit.confint(method="profile"), "profiles"),
        (lambda fit: fit.group_influence(), "measures of influence"),
    ],
)
def test_searches_that_start_from_no_optimum_warn_and_may_fail(unconverged, use, what):
    with (
        pytest.warns(ConvergenceWarning, match=f"so that its {what} are not those of the model"),
        pytest.raises(ModelError, match=r"local optimum at best|can't be estimated"),
    ):
        use(unconverged[0])


def test_comparing_with_no_optimum_warns(unconverged):
    lost, found = unconverged
    with pytest.warns(ConvergenceWarning, match="search for fit2 ended at no optimum"):
        pp.compare(found, lost)
    pp.compare(found, found)


def test_an_inverse_link_takes_negative_responses():
    rng = np.random.default_rng(4)
    x = rng.uniform(1, 2, 200)
    y = 1 / (1 + x) + 0.01 * rng.normal(size=200)
    up = pp.glmm("y ~ x", {"x": x, "y": y}, family=F.Gaussian("inverse"))
    down = pp.glmm("y ~ x", {"x": x, "y": -y}, family=F.Gaussian("inverse"))
    assert_allclose(down.fixef, -np.asarray(up.fixef), rtol=1e-6)


def test_leaving_terms_out_of_no_optimum_warns(unconverged):
    with pytest.warns(ConvergenceWarning, match="the search for the model itself"):
        unconverged[0].drop_tests()
