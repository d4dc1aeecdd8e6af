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


# Priors of the intercept are of the predictor at the column's mean, here 2.
KNOWN = {"Intercept": "normal(0.5, 3)", "x": "normal(0.2, 2)"}


def conjugate(data, sd):
    """Mean and covariance of the coefficients: before, and after the data; sigma is known."""
    X = np.column_stack([np.ones(40), data["x"]])
    T = np.array([[1.0, data["x"].mean()], [0.0, 1.0]])
    P = T.T @ np.diag([1 / 9, 1 / 4]) @ T
    before = np.linalg.solve(T, [0.5, 0.2]), np.linalg.inv(P)
    after = np.linalg.inv(P + X.T @ X / sd**2)
    return before, (after @ (P @ before[0] + X.T @ data["y"] / sd**2), after)


def ratio_of(known, weights, value):
    """Posterior over prior density of a combination."""
    before, after = (
        stats.norm.pdf(value, weights @ m, np.sqrt(weights @ V @ weights)) for m, V in known
    )
    return after / before


@pytest.fixture(scope="module")
def shifted(line):
    data = {"x": line["x"] + 2.0, "y": line["y"]}
    return pp.bmm("y ~ x", data, priors=KNOWN, sigma=1.5, seed=1), conjugate(data, 1.5)


@pytest.mark.parametrize(
    ("text", "weights", "value"),
    [
        ("Intercept = 0", [1, 0], 0),
        ("Intercept = -3", [1, 0], -3),
        ("Intercept + 2*x = 1", [1, 2], 1),
        ("Intercept = x", [1, -1], 0),
        ("x = 0.7", [0, 1], 0.7),
        ("3 * x - 1 = 0.5 * x", [0, 2.5], 1),
        # Of one parameter a function holds where the parameter has a value.
        ("exp(x) = 2", [0, 1], np.log(2)),
        ("(x - 1)^3 = 0.008", [0, 1], 1.2),
        ("x^2 = 0", [0, 1], 0),
        ("abs(x) = 0", [0, 1], 0),
        ("expit(Intercept) = 0.5", [1, 0], 0),
    ],
)
def test_ratios_of_coefficients_are_exact(shifted, text, weights, value):
    fit, known = shifted
    found = fit.hypothesis(text)
    assert not found.limit
    assert found.ratio == pytest.approx(ratio_of(known, np.array(weights), value), rel=1e-6)


def test_the_ratio_of_an_intercept_is_that_of_quadrature():
    rng = np.random.default_rng(50)
    J, n = 8, 5
    g = np.repeat(np.arange(J), n)
    y = rng.normal(0, 2, J)[g] + rng.normal(size=J * n)
    means = y.reshape(J, n).mean(axis=1)
    within = ((y.reshape(J, n) - means[:, None]) ** 2).sum()
    priors = {"Intercept": "normal(0, 3)", "sd": "half_cauchy(1)", "sigma": "half_normal(2)"}
    fit = pp.bmm("y ~ 1 + (1 | g)", {"y": y, "g": g}, priors=priors, seed=1, draws=4000)
    tau, sigma = np.linspace(0.005, 60, 6000)[:, None], np.linspace(0.3, 3, 400)

    def evidence(variance):
        """Of the data, an intercept of this variance being integrated out, up to a constant."""
        v = tau**2 + sigma**2 / n
        log = -0.5 * ((J - 1) * np.log(v) + np.log(v + variance * J))
        log -= 0.5 * (means**2).sum() / v
        log += 0.5 * means.sum() ** 2 * variance / (v * (v + variance * J))
        log -= J * (n - 1) * np.log(sigma) + 0.5 * within / sigma**2
        return np.exp(log - np.log(1 + tau**2) - sigma**2 / 8).sum()

    # Without the intercept over with it; over seeds the ratio's standard deviation is 0.2 %.
    exact = evidence(0.0) / evidence(9.0)
    assert fit.hypothesis("Intercept = 0").ratio == pytest.approx(exact, rel=0.01)


def test_an_equation_that_holds_at_two_values_counts_both(shifted):
    fit, (before, after) = shifted
    densities = [
        # The density of x^2 at 0.49 is that of x at both roots, over the slope 2 * 0.7.
        sum(stats.norm.pdf(x, m[1], np.sqrt(V[1, 1])) for x in (-0.7, 0.7))
        for m, V in (after, before)
    ]
    ratio = fit.hypothesis("x^2 = 0.49").ratio
    assert ratio == pytest.approx(densities[0] / densities[1], rel=1e-6)
    with pytest.raises(ModelError, match="one of which the sides only touch"):
        fit.hypothesis("x^2 * (x - 1) = 0")


def test_an_intercept_alone_has_its_own_prior(line):
    # The prior alone needs no sampler.
    from partialpool.bayes.prior_exact import exact_prior_density

    heavy = {"Intercept": "student_t(3, 0, 2)", "x": "student_t(3, 1, 2)"}
    for formula in ("y ~ 1", "y ~ scale(x)"):
        own = {"Intercept": heavy["Intercept"]}
        fit = pp.bmm(formula, line, priors=own, engine="prior", seed=1)
        # The column's mean is zero but for rounding.
        found = exact_prior_density(fit, {"Intercept": 2.0}, 1.0)
        assert found == pytest.approx(stats.t.pdf(0.5, 3, 0, 2) / 2, rel=1e-9)
    fit = pp.bmm("y ~ x", line, priors=heavy, engine="prior", seed=1)
    assert exact_prior_density(fit, {"x": -1.0}, 0.5) == stats.t.pdf(-0.5, 3, 1, 2)
    # A sum of two such variables has no density in closed form.
    assert exact_prior_density(fit, {"Intercept": 1.0}, 0.0) is None


def test_a_share_of_variance_has_the_ratio_that_quadrature_gives():
    rng = np.random.default_rng(3)
    J, n = 12, 6
    g = np.repeat(np.arange(J), n)
    y = rng.normal(size=J)[g] + rng.normal(size=J * n)
    priors = {"Intercept": "normal(0, 3)", "sd": "half_normal(1)", "sigma": "half_normal(1)"}
    fit = pp.bmm("y ~ 1 + (1 | g)", {"g": g, "y": y}, priors=priors, seed=1, draws=10_000)
    means = y.reshape(J, n).mean(axis=1)
    within = ((y.reshape(J, n) - means[:, None]) ** 2).sum()

    def density(tau, sigma):
        """Of data and both deviations, up to a constant: level means are normal around 3 * z."""
        v = tau**2 + sigma**2 / n
        log = -0.5 * (J - 1) * np.log(v) - 0.5 * np.log(v + 9 * J)
        fit_of = (means**2).sum() / v - means.sum() ** 2 * 9 / (v * (v + 9 * J))
        log -= 0.5 * fit_of + J * (n - 1) * np.log(sigma) + 0.5 * within / sigma**2
        return np.exp(log - 0.5 * (tau**2 + sigma**2))

    s = np.linspace(0.005, 5, 1000)
    whole = density(s[:, None], s).sum() * (s[1] - s[0])
    # Half is where the logs of both are equal. By the prior their difference is the log of a
    # half-Cauchy variable, whose density at zero is 1 / pi.
    exact = (density(s, s) * s).sum() / whole * np.pi
    # Their difference asks otherwise (Borel's paradox): by the prior its density is 1 / sqrt(pi).
    other = density(s, s).sum() / whole * np.sqrt(np.pi)
    for text, ratio in (
        ("sd(g.Intercept)^2 / (sd(g.Intercept)^2 + sigma^2) = 0.5", exact),
        ("log(sd(g.Intercept)) = log(sigma)", exact),
        ("sd(g.Intercept) = sigma", other),
    ):
        # A kernel's error of 40,000 draws that hang together: a few per cent.
        assert fit.hypothesis(text).ratio == pytest.approx(ratio, rel=0.05)


def test_the_prior_of_a_correlation_is_a_beta_distribution():
    from partialpool.bayes.prior_exact import exact_prior_density

    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days + I(Days^2) | Subject)"
    fit = pp.bmm(formula, sleep, priors={"corr": "lkj(2)"}, engine="prior", draws=50_000, seed=1)
    name = "corr(Subject.Intercept,Subject.Days)"
    found = exact_prior_density(fit, {name: 2.0}, 0.6)
    assert found == pytest.approx(stats.beta.pdf(0.3, 2.5, 2.5, -1, 2) / 2)
    # A prior's ratio to itself is one, but for the kernel.
    assert fit.hypothesis(f"{name} = 0.3").ratio == pytest.approx(1, rel=0.04)
    serial = pp.bmm(
        "Reaction ~ 1 + cs(1 + Days + I(Days^2) | Subject)", sleep, engine="prior", seed=1
    )
    assert exact_prior_density(serial, {"corr(Subject)": 1.0}, 0.3) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("exp(x) = -1", "the prior of 'x' rules 'exp.x. = -1' out"),
        ("sigma = -1", "the prior of 'sigma' rules the value -1 out"),
        ("x^2 + Intercept^2 = 0", "never below the right one.*such as 'x = 0'"),
    ],
)
def test_equations_beyond_what_is_possible_are_refused(line, text, message):
    fit = pp.bmm("y ~ x", line, priors=PRIORS, seed=1, draws=200)
    with pytest.raises(ModelError, match=message):
        fit.hypothesis(text)


@pytest.mark.parametrize(
    ("flat", "text"),
    [("x", "x = 0"), ("x", "Intercept = 0"), ("x", "x = sigma"), ("sigma", "sigma = 1")],
)
def test_a_flat_prior_has_no_ratio_and_is_named(line, flat, text):
    fit = pp.bmm("y ~ x", line, priors=PRIORS | {flat: "flat()"}, seed=1, draws=200)
    with pytest.raises(ModelError, match=f"the prior of '{flat}' is flat, .*with a proper prior"):
        fit.hypothesis(text)
    # What doesn't hang on it has one.
    other = "x = 0" if flat == "sigma" else "sigma = 1"
    assert fit.hypothesis(other).ratio > 0


def test_several_hypotheses_are_one_table(line):
    fit = pp.bmm("y ~ x", line, priors=PRIORS, seed=1, draws=500)
    texts = ["x > 0.5", "Intercept = 0", "sigma = 4"]
    table = fit.hypothesis(texts, level=0.8)
    assert table["hypothesis"].tolist() == texts
    for row, text in enumerate(texts):
        one = fit.hypothesis(text, level=0.8)
        for name in ("estimate", "std_error", "conf_low", "conf_high", "ratio", "limit"):
            assert table[name][row] == getattr(one, name)
    draws = fit.parameters["x"].ravel() - 0.5
    assert table["conf_low"][0] == pytest.approx(np.quantile(draws, 0.1))
    assert np.isnan(table["probability"]).tolist() == [False, True, True]
    with pytest.raises(DataError, match="no hypothesis in an empty list"):
        fit.hypothesis([])
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        fit.hypothesis("x > 0", level=95)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 = 0", "names no parameter"),
        (3, "is text"),
        ("x / 0 > 0", "division by zero"),
        ("log(x - 100) > 0", "logarithms of numbers below zero"),
        ("x - x = 0", "differ by 0 whatever 'x' is"),
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
