import numpy as np
import pytest
from scipy import stats

import partialpool as pp
from partialpool.errors import DataError, ModelError

SIGMA = np.linspace(0.4, 4, 500)


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    return {"x": x, "y": 1.0 + 0.9 * x + rng.normal(size=40)}


def exact_ratio(data, value):
    """Posterior over prior density of the slope, sigma integrated out on a grid."""
    x, y = data["x"], data["y"]
    X = np.column_stack([np.ones_like(x), x])
    # The intercept's prior is of the predictor at the mean of x.
    T = np.array([[1.0, x.mean()], [0.0, 1.0]])
    P0 = T.T @ np.diag([1 / 5**2, 1 / 2**2]) @ T
    logs, densities = [], []
    for s in SIGMA:
        P = X.T @ X / s**2 + P0
        m = np.linalg.solve(P, X.T @ y / s**2)
        V = np.linalg.inv(P)
        S = X @ np.linalg.inv(P0) @ X.T + s**2 * np.eye(len(y))
        logs.append(stats.multivariate_normal(cov=S).logpdf(y) + stats.halfnorm.logpdf(s, scale=2))
        densities.append(stats.norm.pdf(value, m[1], np.sqrt(V[1, 1])))
    weights = np.exp(np.array(logs) - max(logs))
    after = (weights * densities).sum() / weights.sum()
    return after / stats.norm.pdf(value, 0, 2)


PRIORS = {"Intercept": "normal(0, 5)", "x": "normal(0, 2)", "sigma": "half_normal(2)"}


# At zero, 5.6 standard deviations away, one draw of sigma has a relative standard error of 15 (the
# exact grid's second moment): of 16,000 effective draws three standard errors are 0.36.
@pytest.mark.parametrize(("value", "rel"), [(0.9, 0.01), (0.3, 0.03), (0.0, 0.36)])
def test_the_ratio_of_a_slope_is_exact_in_the_tail(line, value, rel):
    fit = pp.bmm("y ~ x", line, priors=PRIORS, draws=10_000, seed=1)
    found = fit.hypothesis(f"x = {value}")
    assert not found.limit
    assert found.ratio == pytest.approx(exact_ratio(line, value), rel=rel)
    # The same statement in other words.
    assert fit.hypothesis(f"2 * x - 1 = {2 * value - 1}").ratio == pytest.approx(found.ratio)


def test_the_exact_density_is_a_kernels_where_the_draws_lie():
    rng = np.random.default_rng(5)
    g, h, x = rng.integers(0, 7, 60), rng.integers(0, 5, 60), rng.normal(size=60)
    y = 2 + 0.5 * x + rng.normal(size=7)[g] + 0.5 * rng.normal(size=5)[h] * x
    data = {"y": y + rng.normal(size=60), "x": x, "g": g, "h": h, "w": rng.uniform(0.5, 2, 60)}
    priors = {"Intercept": "normal(0, 5)", "x": "normal(0, 2)"}
    many = pp.bmm("y ~ x + (x | g) + (1 | h)", data, weights="w", priors=priors, seed=1)
    draws = many.parameters["x"].ravel()
    at = float(draws.mean())
    after = stats.gaussian_kde(draws)(at)[0]
    ratio = many.hypothesis(f"x = {at}").ratio
    assert ratio == pytest.approx(after / stats.norm.pdf(at, 0, 2), rel=0.05)


@pytest.mark.parametrize("prior", ["half_cauchy(1)", "half_student_t(3, 1)"])
def test_heavy_tails_of_a_prior_do_no_harm(line, prior):
    fit = pp.bmm("y ~ x", line, priors=PRIORS | {"sigma": prior}, seed=1)
    sigma = fit.parameters["sigma"].ravel()
    at = float(np.median(sigma))
    before = stats.halfcauchy.pdf(at) if "cauchy" in prior else 2 * stats.t.pdf(at, 3)
    after = stats.gaussian_kde(sigma)(at)[0]
    assert fit.hypothesis(f"sigma = {at}").ratio == pytest.approx(after / before, rel=0.05)


def test_where_hardly_a_draw_lies_the_ratio_is_a_limit(line):
    fit = pp.bmm("y ~ x", line, priors=PRIORS, seed=1)
    found = fit.hypothesis("sigma = 4")
    assert found.limit
    assert 0 < found.ratio < 0.2
    assert "below" in repr(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 = 0", "names no parameter"),
        (3, "is text"),
        ("x / 0 > 0", "division by zero"),
        ("I(2 * x) > 0", "left out"),
    ],
)
def test_statements_about_nothing_are_refused(line, text, message):
    fit = pp.bmm("y ~ x + I(2 * x)", line, seed=1, chains=1, draws=200)
    with pytest.raises(DataError, match=message):
        fit.hypothesis(text)


def test_a_column_left_out_is_named_with_what_it_equals(line):
    fit = pp.bmm("y ~ x + I(2 * x)", line, seed=1, chains=1, draws=200)
    assert fit.aliased == {"I(2 * x)": "2 * x"}
    assert "I(2 * x) is left out: it equals 2 * x." in str(fit)
    assert "aliased" in str(fit)
    with pytest.raises(ModelError, match="was left out"):
        pp.bmm("y ~ x + I(2 * x)", line, priors={"I(2 * x)": "normal(0, 1)"})


@pytest.mark.parametrize(
    ("formula", "groups", "message"),
    [
        ("y ~ x + (1 | g)", 40, "and not a measurement; .* pass sigma="),
        ("y ~ 1 + (x | g)", 20, "Take columns out of the term, or fix .* with sigma="),
    ],
)
def test_what_can_not_be_told_from_the_residual_can_with_its_deviation_known(
    line, formula, groups, message
):
    data = {**line, "g": np.arange(40) % groups}
    with pytest.raises(ModelError, match=message):
        pp.bmm(formula, data)
    fit = pp.bmm(formula, data, sigma=0.5, draws=200, seed=1)
    assert fit.sigma == 0.5
    with pytest.raises(DataError, match="'sigma' is known"):
        fit.hypothesis("sigma = 1")
    assert fit.hypothesis("x / sigma > 0").probability > 0.9 if "x +" in formula else True
