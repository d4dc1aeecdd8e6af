"""Effects at times and places: names, questions to a fit, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

import partialpool as pp
from partialpool.errors import DataError, FormulaError, ModelError, PartialPoolWarning
from partialpool.results.summary.wording import optimum

RNG = np.random.default_rng(11)


def series(groups=14, rows=9):
    """Draw groups seen at times of their own, from a process that forgets."""
    times = np.round(RNG.choice(np.linspace(0, 6, 25), (groups, rows)), 2)
    y = []
    for own in times:
        R = np.exp(-0.5 * np.abs(np.subtract.outer(own, own)))
        y.append(2 * np.linalg.cholesky(R + 1e-9 * np.eye(rows)) @ RNG.normal(size=rows))
    t = times.ravel()
    return {
        "y": 3 + 0.5 * t + np.concatenate(y) + RNG.normal(size=groups * rows),
        "t": t,
        "u": RNG.uniform(0, 5, groups * rows).round(),
        "g": np.repeat(np.arange(groups), rows),
        "all": np.repeat("one", groups * rows),
        "count": RNG.poisson(np.exp(0.3 + 0.3 * np.concatenate(y))),
    }


DATA = series()
ONE = {
    "ou": "y ~ t + ou(0 + t | g)",
    "exp": "y ~ t + exp(0 + t | g)",
    "gau": "y ~ t + gau(0 + t + u | all)",
    "mat": "y ~ t + mat(0 + t | g)",
    "mat 5/2": "y ~ t + mat(0 + t | g, nu = 2.5)",
}
FALLS = {
    "ou": lambda d, rate: np.exp(-d * rate),
    "exp": lambda d, r: np.exp(-d / r),
    "gau": lambda d, r: np.exp(-((d / r) ** 2)),
    "mat": lambda d, r: (1 + d / r) * np.exp(-d / r),
    "mat 5/2": lambda d, r: (1 + d / r + (d / r) ** 2 / 3) * np.exp(-d / r),
}
every_structure = pytest.mark.parametrize("name", ONE)


@pytest.fixture(scope="module")
def fits():
    return {name: pp.lmm(formula, DATA) for name, formula in ONE.items()}


def deviance(name, x, reml=True):
    """Minus twice the restricted likelihood with n x n matrices, in no coordinates of ours."""
    # A range that a simplex has thrown far away is as good as infinite.
    sd, decay, sigma = np.exp(np.clip(x, -20.0, 20.0))
    if name == "gau":
        places = np.column_stack([DATA["t"], DATA["u"]])
        same = 1.0
    else:
        places = DATA["t"][:, None]
        same = np.equal.outer(DATA["g"], DATA["g"])
    d = np.linalg.norm(places[:, None] - places[None], axis=2)
    V = sd**2 * same * FALLS[name](d, decay) + sigma**2 * np.eye(len(d))
    X = np.column_stack([np.ones(len(d)), DATA["t"]])
    factor = cho_factor(V, lower=True)
    XVX = X.T @ cho_solve(factor, X)
    beta = np.linalg.solve(XVX, X.T @ cho_solve(factor, DATA["y"]))
    r = DATA["y"] - X @ beta
    out = 2 * np.log(np.diag(factor[0])).sum() + r @ cho_solve(factor, r)
    n, p = X.shape
    if reml:
        return out + np.linalg.slogdet(XVX)[1] + (n - p) * np.log(2 * np.pi)
    return out + n * np.log(2 * np.pi)


@every_structure
def test_the_optimum_is_that_of_another_search_over_whole_matrices(fits, name):
    fit = fits[name]
    (term,) = fit.varcorr.terms
    ours = np.log([term.sd[0], term.decay, fit.sigma])
    assert_allclose(-2 * fit.loglik, deviance(name, ours), rtol=0, atol=1e-7)
    # From elsewhere too.
    least = min(
        minimize(lambda x: deviance(name, x), start, method="Nelder-Mead",
                 options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 2000}).fun
        for start in (ours, [0.0, 0.5, 0.0])
    )  # fmt: skip
    assert -2 * fit.loglik < least + 1e-6


@every_structure
def test_every_table_has_one_deviation_and_one_rate_or_range(fits, name):
    fit = fits[name]
    called = "rate" if name == "ou" else "range"
    place = "t,u" if name == "gau" else "t"
    rows = fit.tidy()
    own = [t for t, e in zip(rows["term"], rows["effect"], strict=True) if e == "ran_pars"]
    assert own == [f"sd__{place}", f"{called}__{place}", "sd__Observation"]
    assert list(fit.variance_parameters()["term"]) == own
    assert f"{called} " in str(fit)
    assert f"{called} " in str(fit.varcorr)
    assert fit.theta_names[1].endswith(called)
    assert fit.df == 2 + 3


@every_structure
def test_standard_errors_are_those_of_the_curvature_by_differences(fits, name):
    fit = fits[name]
    (term,) = fit.varcorr.terms
    x = np.log([term.sd[0], term.decay, fit.sigma])
    step, H = 1e-3, np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            e, f = step * np.eye(3)[a], step * np.eye(3)[b]
            corners = [deviance(name, x + s * e + u * f) * s * u for s in (1, -1) for u in (1, -1)]
            H[a, b] = sum(corners) / (4 * step**2)
    errors = np.sqrt(np.diag(2 * np.linalg.inv(H))) * np.exp(x)
    found = np.asarray(fit.variance_parameters()["std_error"], dtype=float)
    assert_allclose(found, errors, rtol=2e-3)


def test_a_profile_holds_the_rate_where_another_search_finds_as_much():
    fit = pp.lmm(ONE["ou"], DATA, reml=False)
    curve = fit.profile("rate(g.t)", level=0.9)["rate(g.t)"]
    for i in (1, len(curve.values) - 2):
        value = np.log(curve.values[i])
        least = minimize(
            lambda x, v=value: deviance("ou", [x[0], v, x[1]], reml=False),
            np.log([fit.varcorr.terms[0].sd[0], fit.sigma]), method="Nelder-Mead",
            options={"xatol": 1e-7, "fatol": 1e-10},
        ).fun  # fmt: skip
        assert fit.objective + curve.zeta[i] ** 2 == pytest.approx(least, abs=1e-5)
    low, high = curve.interval(0.9)
    assert 0 <= low < curve.estimate < high


def test_known_positions_are_predicted_and_others_refused(fits):
    fit = fits["ou"]
    t, g = DATA["t"][:3], DATA["g"][:3]
    assert_allclose(fit.predict({"t": t, "g": g}), fit.fitted[:3], rtol=1e-10)
    with pytest.raises(DataError, match=r"row 1, .* is at t = 99, where ou\(0 \+ t \| g\) has no"):
        fit.predict({"t": [t[0], 99.0], "g": g[:2]})
    new = fit.predict({"t": [99.0], "g": [1000]}, new_levels="population", se=True)
    (term,) = fit.varcorr.terms
    assert_allclose(new["estimate"], fit.fixef["Intercept"] + 99 * fit.fixef["t"])
    assert new["std_error"][0] > term.sd[0]


def test_a_fit_is_simulated_refitted_drawn_again_and_saved(fits, tmp_path):
    fit = fits["ou"]
    drawn = fit.simulate(2, seed=3)
    assert fit.refit(drawn[:, 0]).varcorr.terms[0].decay > 0
    assert "rate(g.t)" in str(fit.bootstrap(20, seed=1))
    fit.save(tmp_path / "fit")
    again = pp.load(tmp_path / "fit")
    assert again.varcorr.terms[0].decay == fit.varcorr.terms[0].decay
    assert_allclose(
        again.predict({"t": DATA["t"], "g": DATA["g"]}),
        fit.predict({"t": DATA["t"], "g": DATA["g"]}),
    )


def test_a_generalized_model_has_a_rate_too():
    fit = pp.glmm("count ~ t + ou(0 + t | g)", DATA, family="poisson")
    assert fit.converged
    curve = fit.profile("rate(g.t)", level=0.6).curves[0]
    assert (np.diff(curve.zeta) > 0).all()
    assert "rate(g.t)" in str(fit.bootstrap(5, seed=2))


def test_wide_terms_give_what_narrow_ones_do():
    """More than 48 positions take another way through the core."""
    t = np.arange(120) % 60 * 1.0
    y = np.sin(t / 5) + RNG.normal(size=120)
    data = {"y": y, "t": t, "u": t + 0.0, "g": np.arange(120) // 60}
    wide = pp.lmm("y ~ 1 + ou(0 + t | g)", data)
    some = data["t"] < 48
    narrow = pp.lmm("y ~ 1 + ou(0 + t | g)", {k: v[some] for k, v in data.items()})
    for fit in (wide, narrow):
        (term,) = fit.varcorr.terms
        n = len(fit.design.y)
        own = fit.design.random[0]
        V = term.cov[np.ix_(*[own.basis.argmax(axis=1)] * 2)]
        V = V * np.equal.outer(own.factor.codes, own.factor.codes) + fit.sigma**2 * np.eye(n)
        W, one = np.linalg.inv(V), np.ones(n)
        beta = one @ W @ fit.design.y / (one @ W @ one)
        r = fit.design.y - beta
        least = np.linalg.slogdet(V)[1] + np.log(one @ W @ one) + r @ W @ r
        assert_allclose(-2 * fit.loglik, least + (n - 1) * np.log(2 * np.pi), rtol=1e-9)
        assert_allclose(fit.fixef["Intercept"], beta, rtol=1e-8)
        assert_allclose(fit.stderr["Intercept"], (one @ W @ one) ** -0.5, rtol=1e-7)
        new = fit.predict({"t": [3.0], "g": [0]}, se=True)
        c = term.cov[own.basis.argmax(axis=1), np.flatnonzero(fit.design.random[0].positions == 3)]
        c = c * (own.factor.codes == 0)
        assert_allclose(new["estimate"], beta + c @ W @ r, rtol=1e-7)
        away = 1 - one @ W @ c
        variance = term.sd[0] ** 2 - c @ W @ c + away**2 / (one @ W @ one)
        assert_allclose(new["std_error"], np.sqrt(variance), rtol=1e-6)


def test_times_that_are_not_equally_far_apart_are_pointed_out():
    some = {k: v[np.isin(np.arange(126) % 9, [0, 1, 3])] for k, v in DATA.items()}
    some["s"] = np.tile([1, 2, 4], 14)
    with pytest.warns(PartialPoolWarning, match=r"not equally far apart \(1, 2, 4\).*ou\(0 \+ t"):
        pp.lmm("y ~ t + ar1(0 + factor(s) | g)", some)


@pytest.mark.parametrize(
    ("term", "error", "message"),
    [
        ("ou(t | g)", FormulaError, r"no intercept: ou\(0 \+ t \| g\)"),
        ("ou(0 + factor(t) | g)", ModelError, "is a factor, and ou\\(\\) takes numbers"),
        ("ou(0 + t + u | g)", ModelError, "2 columns: it takes one column of times"),
        ("exp(0 + t + u + I(t^2) + I(u^2) | g)", ModelError, "4 columns: it takes one to three"),
        ("ou(0 + I(0 * t) | g)", ModelError, "all rows are at one position"),
        ("exp(0 + t | g, nu = 1)", FormulaError, "takes one random term and nothing else"),
        ("mat(0 + t | g, nu = 3)", FormulaError, "nu = 0.5, 1.5 or 2.5"),
        ("mat(0 + t | g, 1.5)", FormulaError, "nu = 0.5, 1.5 or 2.5"),
        ("ou(0 + t || g)", FormulaError, "each name a structure"),
        ("(1 | all)", DataError, "has 1 level"),
    ],
)
def test_what_cannot_be_meant_is_refused(term, error, message):
    with pytest.raises(error, match=message):
        pp.lmm(f"y ~ t + {term}", DATA)


def test_too_many_positions_are_counted():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(size=1200), "t": rng.normal(size=1200), "g": np.arange(1200) % 4}
    with pytest.raises(ModelError, match=r"has 1,200 different positions.*up to 1,000"):
        pp.lmm("y ~ 1 + ou(0 + t | g)", data)


def test_exp_is_a_function_where_it_holds_no_bar():
    fit = pp.lmm("y ~ exp(u) + exp(0 + t | g)", DATA)
    assert "exp(u)" in fit.fixef.names
    with pytest.raises(FormulaError, match="can only be added to the formula"):
        pp.lmm("y ~ t:exp(t | g)", DATA)


@pytest.mark.parametrize("term", ["ou(0 + t | g)", "ar1(0 + factor(t) | g)"])
def test_penalties_refuse_correlations_in_time(term):
    with pytest.raises(ModelError, match="a penalty knows of none"):
        pp.penalized(f"y ~ t + {term}", DATA, l2=1.0)


def test_batches_and_posteriors_refuse_positions():
    batches = [{k: v[:60] for k, v in DATA.items()}, {k: v[60:] for k, v in DATA.items()}]
    with pytest.raises(ModelError, match="needs all positions at once"):
        pp.stream_lmm(ONE["ou"], lambda: iter(batches))
    with pytest.raises(ModelError, match=r"bmm\(\) has no prior for how fast"):
        pp.bmm(ONE["ou"], DATA)


def test_an_end_of_the_rate_is_said_in_words():
    data = {k: np.asarray(v)[:90] for k, v in DATA.items()}
    alike = data | {"y": np.repeat(RNG.normal(size=10) * 3, 9) + RNG.normal(size=90)}
    text = " ".join(str(pp.lmm("y ~ 1 + ou(0 + t | g)", alike)).split())
    assert "correlated alike at any distance" in text or "rate 0.0" in text
    none = pp.lmm("y ~ 1 + ou(0 + u | g)", data | {"y": np.tile([1.0, -1.0], 45)})
    assert none.singular
    assert "the variance of u between levels of g is estimated as zero" in " ".join(
        str(none).split()
    )


def test_a_stated_model_takes_a_rate_in_place_of_correlations():
    study = {"t": np.tile([0.0, 0.5, 2.0, 2.5], 3000), "g": np.repeat(np.arange(3000), 4)}
    model = pp.stated_model(
        "y ~ 1 + ou(0 + t | g)", study, fixef={"Intercept": 0.0}, sd={"g": {"t": 2.0}},
        cor={"g": 0.7}, sigma=0.5,
    )  # fmt: skip
    fit = pp.lmm("y ~ 1 + ou(0 + t | g)", study | {"y": model.simulate(1, seed=4)[:, 0]})
    found = np.asarray(fit.variance_parameters()["estimate"], dtype=float)
    errors = np.asarray(fit.variance_parameters()["std_error"], dtype=float)
    assert (np.abs(found - [2.0, 0.7, 0.5]) < 4 * errors).all()
    with pytest.raises(DataError, match="takes the rate by which its correlations fall"):
        pp.stated_model(
            "y ~ 1 + ou(0 + t | g)", study, fixef={"Intercept": 0.0}, sd={"g": {"t": 2.0}}, sigma=1
        )


def test_a_stated_ar1_has_powers_of_the_correlation_of_neighbours():
    study = {"f": np.tile(list("abc"), 4000), "g": np.repeat(np.arange(4000), 3)}
    sd = {"g": {f"f[{c}]": 1.0 for c in "abc"}}
    model = pp.stated_model(
        "y ~ 1 + ar1(0 + f | g)", study, fixef={"Intercept": 0.0}, sd=sd, cor={"g": 0.6}, sigma=1e-3
    )
    found = np.corrcoef(model.simulate(1, seed=5).reshape(-1, 3).T)
    # Standard errors are about 0.01.
    assert_allclose(found[0], [1, 0.6, 0.36], atol=0.05)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ("y ~ 1 + ou(0 + t | g)", r"residual is next to zero, ou\(0 \+ t \| g\) stands for it"),
        ("y ~ 1 + (1 | g)", "do not rely on them one by one"),
    ],
)
def test_a_flat_likelihood_is_explained_by_what_may_stand_for_the_residual(formula, said):
    g = np.repeat(np.arange(8), 4)
    y = RNG.normal(size=8)[g] + RNG.normal(size=32)
    fit = pp.lmm(formula, {"y": y, "t": np.tile(np.arange(4.0), 8), "g": g.astype(str)}, sigma=0.5)
    flat = replace(fit.certificate, converged=True, null_directions=(), smallest_eigenvalue=0.0)
    (sentence,) = optimum(flat, fit.design.random)
    assert re.search(said, sentence)
