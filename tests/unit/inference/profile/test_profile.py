"""Profile likelihoods against minima found without ours: dense algebra and BFGS on differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.stats import norm

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError, UnknownNameError
from partialpool.inference.profile.profiling import hold


def dense_deviance(fit, held, value):
    """Least minus twice log-likelihood with one parameter held, from the fit's own estimates.

    Free are logarithms of standard deviations and inverse hyperbolic tangents of correlations
    (or the angle between the ends, for structures with one correlation).
    """
    design = fit.design
    terms = [(e, e.term.structure) for e in design.random]
    start = _start(fit)
    if held.startswith("cor") and "." in held:
        # Powers of one number are correlations by lag, whatever the value held.
        one = abs(value) ** (1 / int(held[-1]))
        start |= {n: np.arctanh(one ** int(n[-1])) for n in start if n.startswith(held[:-1])}
    free = [name for name in start if name != held]
    keep = np.isfinite(fit.fixef.values)
    X = design.X[:, keep]
    y = design.y if design.offset is None else design.y - design.offset
    if held in design.columns:
        column = design.columns.index(held)
        y = y - value * design.X[:, column]
        keep = keep.copy()
        keep[column] = False
        X = design.X[:, keep]

    def deviance(x):
        numbers = dict(zip(free, x, strict=True))
        at = {name: _natural(name, numbers[name]) for name in free}
        at[held] = value
        sigma = at.get("sigma", fit.sigma)
        weights = np.ones(len(y)) if design.weights is None else design.weights
        V = np.diag(sigma**2 / weights)
        for position, (effects, structure) in enumerate(terms):
            S = _covariance(position, effects, structure, at)
            if not np.isfinite(S).all():
                return 1e9
            same = np.equal.outer(effects.factor.codes, effects.factor.codes)
            V = V + (effects.basis @ S @ effects.basis.T) * same
        factor = cho_factor(V, lower=True)
        root = np.log(np.diag(factor[0])).sum()
        r = y
        if X.shape[1]:
            VX = cho_solve(factor, X)
            r = y - X @ np.linalg.solve(X.T @ VX, VX.T @ y)
        return 2 * root + r @ cho_solve(factor, r) + len(y) * np.log(2 * np.pi)

    x0 = np.array([start[name] for name in free])
    if not len(x0):
        return deviance(x0)
    found = minimize(deviance, x0, method="BFGS", options={"gtol": 1e-6})
    return minimize(deviance, found.x, method="Nelder-Mead",
                    options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 4000}).fun  # fmt: skip


def _start(fit):
    start = {}
    for position, term in enumerate(fit.varcorr.terms):
        homogeneous = term.structure in ("homdiag", "homcs", "ar1", "homtoep")
        for j in range(1 if homogeneous else len(term.columns)):
            start[f"sd{position}.{j}"] = np.log(max(term.sd[j], 0.1 * fit.sigma))
        if term.structure in ("toep", "homtoep"):
            for lag in range(1, len(term.columns)):
                start[f"cor{position}.{lag}"] = np.arctanh(term.corr[lag, 0])
        elif term.structure in ("cs", "homcs", "ar1", "hetar1"):
            start[f"cor{position}"] = np.arctanh(np.clip(term.corr[1, 0], -0.9, 0.9))
        elif term.structure == "unstructured" and len(term.columns) == 2:
            start[f"cor{position}"] = np.arctanh(np.clip(np.nan_to_num(term.corr[1, 0]), -0.9, 0.9))
    if not fit.sigma_fixed:
        start["sigma"] = np.log(fit.sigma)
    return start


def _natural(name, x):
    return np.tanh(x) if name.startswith("cor") else np.exp(x)


def _covariance(position, effects, structure, at):
    k = len(effects.columns)
    homogeneous = structure in ("homdiag", "homcs", "ar1", "homtoep")
    sd = np.array([at[f"sd{position}.{0 if homogeneous else j}"] for j in range(k)])
    R = np.eye(k)
    rho = at.get(f"cor{position}", 0.0)
    if structure in ("toep", "homtoep"):
        by_lag = [1.0, *(at[f"cor{position}.{lag}"] for lag in range(1, k))]
        R = np.array(by_lag)[np.abs(np.subtract.outer(np.arange(k), np.arange(k)))]
        if np.linalg.eigvalsh(R)[0] < 0:
            return np.full((k, k), np.nan)
    elif structure in ("ar1", "hetar1"):
        R = rho ** np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    elif structure in ("cs", "homcs") or (structure == "unstructured" and k == 2):
        R = np.where(np.eye(k), 1.0, rho)
    return np.outer(sd, sd) * R


def table():
    rng = np.random.default_rng(5)
    n = 80
    g, h = np.arange(n) % 10, rng.integers(0, 4, n)
    x, f = rng.normal(1.0, 1.0, n), np.arange(n) // 10 % 3
    y = 1 + x + rng.normal(size=10)[g] + 0.6 * rng.normal(size=10)[g] * x
    y = y + 0.7 * rng.normal(size=4)[h] + rng.normal(size=n)
    names = np.array(["a", "b", "c"])[f]
    by_time = np.linalg.cholesky(np.array([[1, 0.5, 0.3], [0.5, 1, 0.5], [0.3, 0.5, 1]]))
    v = x + 1.5 * (np.random.default_rng(3).normal(size=(10, 3)) @ by_time.T)[g, f]
    v = v + np.random.default_rng(4).normal(size=n)
    return {"y": y, "v": v, "x": x, "g": g, "h": h, "f": names, "w": rng.uniform(0.5, 2, n)}


MODELS = {
    "slope": ("y ~ x + (x | g)", {}),
    "weights": ("y ~ x + (x | g)", {"weights": "w"}),
    "independent": ("y ~ x + (x || g)", {}),
    "crossed": ("y ~ x + (x | g) + (1 | h)", {}),
    "known sigma": ("y ~ x + (x | g)", {"sigma": 1.1}),
    "compound symmetry": ("y ~ x + cs(0 + f | g)", {}),
    "homogeneous": ("y ~ x + homcs(0 + f | g)", {}),
    "autoregressive": ("y ~ x + ar1(0 + f | g)", {}),
    "serial": ("v ~ x + hetar1(0 + f | g)", {}),
    "by lag": ("v ~ x + toep(0 + f | g)", {}),
    "by lag, one scale": ("v ~ x + homtoep(0 + f | g)", {}),
    "one scale": ("y ~ x + homdiag(0 + f | g)", {}),
    "least squares": ("y ~ x", {}),
}
# Name of a parameter here, and in the dense twin.
HELD = [
    *[(m, "Intercept", "Intercept") for m in MODELS],
    *[(m, "x", "x") for m in MODELS],
    *[(m, "sigma", "sigma") for m in MODELS if m != "known sigma"],
    *[(m, "sd(g.Intercept)", "sd0.0") for m in ("slope", "weights", "independent", "known sigma")],
    *[(m, "sd(g.x)", "sd0.1") for m in ("slope", "weights", "crossed", "known sigma")],
    *[(m, "corr(g.Intercept,g.x)", "cor0") for m in ("slope", "crossed", "known sigma")],
    ("crossed", "sd(h.Intercept)", "sd1.0"),
    ("serial", "sd(g.f[b])", "sd0.1"),
    ("serial", "corr(g.f[a],g.f[b])", "cor0"),
    ("by lag", "sd(g.f[b])", "sd0.1"),
    ("by lag", "corr(g.lag1)", "cor0.1"),
    ("by lag", "corr(g.lag2)", "cor0.2"),
    ("by lag, one scale", "sd(g.f[a])", "sd0.0"),
    ("by lag, one scale", "corr(g.lag2)", "cor0.2"),
    ("compound symmetry", "sd(g.f[b])", "sd0.1"),
    ("compound symmetry", "corr(g.f[a],g.f[b])", "cor0"),
    ("homogeneous", "sd(g.f[a])", "sd0.0"),
    ("homogeneous", "corr(g.f[a],g.f[b])", "cor0"),
    ("autoregressive", "sd(g.f[c])", "sd0.0"),
    ("autoregressive", "corr(g.f[a],g.f[b])", "cor0"),
    ("one scale", "sd(g.f[a])", "sd0.0"),
]


@pytest.fixture(scope="module")
def fits():
    data = table()
    return {
        name: pp.lmm(formula, data, reml=False, **arguments)
        for name, (formula, arguments) in MODELS.items()
    }


@pytest.mark.parametrize(("model", "name", "twin"), HELD)
def test_curves_are_least_deviances(fits, model, name, twin):
    fit = fits[model]
    curve = fit.profile(name, level=0.9)[name]
    inside = (curve.values > curve.low) & (curve.values < curve.high)
    # One value on each side, about one standard error away.
    for side in (-1, 1):
        near = np.flatnonzero(inside & (side * curve.zeta > 0.6))
        if not len(near):
            continue
        i = near[-1] if side < 0 else near[0]
        least = dense_deviance(fit, twin, curve.values[i])
        # Ours may be lower where BFGS on differences stops short.
        assert fit.objective + curve.zeta[i] ** 2 < least + 1e-6
        assert fit.objective + curve.zeta[i] ** 2 > least - 1e-4


@pytest.mark.parametrize(("model", "name", "twin"), HELD)
def test_slopes_are_differences_of_the_deviance(fits, model, name, twin):
    fit = fits[model]
    curve = fit.profile(name, level=0.6)[name]
    held, _ = hold(fit.design, fit.solution, curve.parameter, curve.estimate)
    value, step = curve.values[-1], 1e-3 * (curve.values[-1] - curve.estimate)
    if value >= curve.high or step == 0.0:
        return
    here = held.at(value, held.start)
    up, down = (held.at(value + h, here.x).deviance for h in (step, -step))
    # The deviance is flat to second order around the minimum: differences have 1e-6 of it.
    assert_allclose(here.slope, (up - down) / (2 * step), rtol=1e-4, atol=1e-5 / step)


@pytest.mark.parametrize(
    ("dataset", "formula", "arguments", "name", "twin"),
    [
        ("Dyestuff2", "Yield ~ 1 + (1 | Batch)", {}, "sigma", "sigma"),
        (
            "sleepstudy",
            "Reaction ~ Days + (Days | Subject)",
            {"weights": "Days + 1"},
            "Days",
            "Days",
        ),
        ("Orthodont", "distance ~ age + (age | Subject)", {}, "sigma", "sigma"),
    ],
)
def test_ends_are_where_the_deviance_has_risen(dataset, formula, arguments, name, twin):
    fit = pp.lmm(formula, pp.load_dataset(dataset), reml=False, **arguments)
    curve = fit.profile(name)[name]
    for end in curve.interval(0.95):
        least = dense_deviance(fit, twin, end)
        assert_allclose(least - fit.objective, norm.ppf(0.975) ** 2, atol=5e-3)


def test_a_correlation_of_an_effect_that_may_be_zero_has_its_whole_range():
    """Without the intercepts the deviance rises by less than the cutoff: any value will do."""
    data = pp.load_dataset("Orthodont")
    fit = pp.lmm("distance ~ age + (age | Subject)", data, reml=False)
    slopes = pp.lmm("distance ~ age + (0 + age | Subject)", data, reml=False)
    rise = slopes.objective - fit.objective
    assert rise < norm.ppf(0.975) ** 2
    curve = fit.profile("corr(Subject.Intercept,Subject.age)").curves[0]
    assert curve.interval(0.95) == (-1.0, 1.0)
    assert_allclose(np.abs(curve.zeta).max(), np.sqrt(rise), rtol=1e-5)


def test_a_variance_of_zero_has_a_curve_to_one_side():
    fit = pp.lmm("Yield ~ 1 + (1 | Batch)", pp.load_dataset("Dyestuff2"), reml=False)
    curve = fit.profile("sd(Batch.Intercept)").curves[0]
    low, high = curve.interval(0.95)
    assert low == 0.0
    assert curve.zeta[0] == 0.0
    assert_allclose(dense_deviance(fit, "sd0.0", high) - fit.objective, 1.96**2, atol=5e-3)


def test_intervals_of_least_squares_are_those_of_its_likelihood(fits):
    fit = fits["least squares"]
    n, z = fit.nobs, norm.ppf(0.975)
    error = np.sqrt(np.exp(z * z / n) - 1) * np.sqrt(n) * fit.stderr[1] * np.sqrt((n - 2) / n)
    low, high = fit.profile("x").curves[0].interval(0.95)
    assert_allclose([low, high], [fit.fixef[1] - error, fit.fixef[1] + error], rtol=1e-4)


def test_restricted_fits_are_profiled_by_their_likelihood(fits):
    restricted = pp.lmm("y ~ x + (x | g)", table())
    ends = [
        [c.interval(0.95) for c in f.profile("fixed").curves] for f in (restricted, fits["slope"])
    ]
    assert_allclose(ends[0], ends[1], rtol=1e-6)


def test_aliased_coefficients_have_no_curve():
    data = table()
    data["twice"] = 2 * data["x"]
    curves = pp.lmm("y ~ x + twice + (1 | g)", data).profile("fixed")
    assert len(curves["twice"].values) == 0
    assert len(curves["x"].values) > 5


def test_the_frame_has_what_the_curves_have(fits):
    found = fits["slope"].profile(["x", "sigma"])
    frame = found.to_frame()
    assert list(frame) == ["effect", "group", "term", "value", "zeta"]
    intervals = found.confint(0.9)
    assert list(intervals["term"]) == ["x", "sd__Observation"]
    assert "90%" not in repr(found)


def test_names_that_are_none_are_refused(fits):
    with pytest.raises(UnknownNameError, match="there is no parameter 'sd__z'"):
        fits["slope"].profile("sd__z")
    with pytest.raises(DataError, match="which names no parameter"):
        fits["slope"].profile([])
    with pytest.raises(UnknownNameError, match="'y' was not profiled"):
        fits["slope"].profile("x")["y"]


def test_levels_beyond_the_profile_are_refused(fits):
    found = fits["slope"].profile("x", level=0.9)
    with pytest.raises(DataError, match=r"goes up to level 0\.9, found 0\.95"):
        found.confint(0.95)
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        fits["slope"].profile(level=95)


def test_generalized_models_have_their_own():
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", data, family="poisson")
    with pytest.raises(NotAvailableError, match=r"call fit\.profile\(\)"):
        pp.inference.profile(fit)


def test_autoregressive_correlations_further_apart_are_powers(fits):
    found = fits["autoregressive"].profile("random", level=0.96)
    near = found["corr(g.f[a],g.f[b])"].interval(0.95)
    far = found["corr(g.f[a],g.f[c])"].interval(0.95)
    assert far[1] == pytest.approx(near[1] ** 2, rel=1e-3)
    assert far[0] >= 0.0
