"""Profiles of generalized models against minima found without our search."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError, UnknownNameError
from partialpool.generalized.inference.parameters import estimated
from partialpool.generalized.inference.profiling import hold
from tests.unit.generalized.inference.fits import FITS, fit_of, table
from tests.unit.generalized.inference.natural import Natural

HELD = [
    ("slope", "x"), ("slope", "sd(g.Intercept)"), ("slope", "sd(g.x)"),
    ("slope", "corr(g.Intercept,g.x)"), ("crossed", "Intercept"), ("crossed", "sd(h.Intercept)"),
    ("nested", "sd(g:f.Intercept)"), ("diagonal", "sd(g.x)"), ("cs", "sd(g.f[b])"),
    ("cs", "corr(g.f[a],g.f[b])"), ("ar1", "sd(g.f[a])"), ("ar1", "corr(g.f[a],g.f[b])"),
    ("hetar1", "sd(g.f[b])"), ("hetar1", "corr(g.f[a],g.f[b])"),
    ("dispersion", "dispersion.x"), ("dispersion", "sd(g.Intercept)"),
    ("inflated", "zero_inflation.Intercept"), ("inflated", "x"),
    ("inflated", "sd(zero_inflation.g.Intercept)"), ("ordinal", "thresholds.1|2"),
    ("ordinal", "sd(g.Intercept)"), ("gamma", "dispersion.Intercept"),
    ("quadrature", "sd(g.Intercept)"), ("quadrature slope", "x"), ("expected", "sd(g.Intercept)"),
    ("no effects", "dispersion.Intercept"), ("penalty", "x"), ("weights", "x"),
]  # fmt: skip


def own_of(fit, label):
    return next(e for e in estimated(fit, fit.solution) if e.parameter.label == label)


@pytest.mark.parametrize(("name", "label"), HELD, ids=[": ".join(pair) for pair in HELD])
def test_held_deviances_and_slopes_are_those_of_another_search(name, label):
    fit = fit_of(name)
    own = own_of(fit, label)
    held, error = hold(fit, fit.solution, own)
    value = own.value + error
    if own.parameter.kind == "cor":
        value = 0.5 * (own.value + 1.0)
    spot = held.at(value, held.start)
    direct = Natural(fit).least(label, value)
    # Nelder and Mead's simplex stops a little short of the minimum.
    assert spot.deviance == pytest.approx(direct, abs=2e-5)
    up, down = (held.at(value + h, spot.x).deviance for h in (1e-3, -1e-3))
    assert_allclose(spot.slope, (up - down) / 2e-3, rtol=2e-3, atol=1e-5)


@pytest.mark.parametrize("name", FITS)
def test_intervals_contain_the_estimate_and_end_where_zeta_says(name):
    fit = fit_of(name)
    which = "fixed" if name == "quadrature slope" else None
    found = fit.profile(which, level=0.96)
    for curve in found.curves:
        low, high = curve.interval(0.95)
        assert low <= curve.estimate <= high
        assert (np.diff(curve.zeta) >= 0).all()
        if not np.isfinite(high) or curve.parameter.label.endswith("f[d])"):
            continue
        own = next(
            e for e in estimated(fit, fit.solution) if e.parameter.label == curve.parameter.label
        )
        if own.parameter.kind == "cor":
            continue
        held, _ = hold(fit, fit.solution, own)
        rise = held.at(high, held.start).deviance - fit.objective
        # 1e-3 of the interval's width is about 0.01 of this.
        assert np.sqrt(rise) == pytest.approx(1.959964, abs=4e-3)


# lme4 1.1-31's confint(profile(fit, signames = FALSE)): (low, high).
CBPP = {
    "sd(herd.Intercept)": (0.3460732, 1.09997465),
    "Intercept": (-1.9012120, -0.94775401),
    "period[T.2]": (-1.6167833, -0.40776307),
    "period[T.3]": (-1.8010244, -0.51153607),
    "period[T.4]": (-2.5007506, -0.80075532),
}


def test_cbpp_has_the_ends_of_lme4():
    fit = pp.glmm(
        "cbind(incidence, size - incidence) ~ period + (1 | herd)",
        pp.load_dataset("cbpp"),
        family="binomial",
    )
    found = fit.profile()
    for label, (low, high) in CBPP.items():
        assert_allclose(found[label].interval(0.95), (low, high), atol=1e-3 * (high - low))


# glmmTMB 1.1.5's confint(method = "profile") of TICKS ~ YEAR + cHEIGHT + (1 | BROOD).
TICKS = {
    "dispersion.Intercept": (0.86345242, 1.5452193),
    "sd(BROOD.Intercept)": (np.exp(-0.29649421), np.exp(0.090855657)),
    "Intercept": (0.18290826, 0.93012287),
    "YEAR[T.96]": (0.65649997, 1.62680335),
    "cHEIGHT": (-3.00854059, -1.81143411),
}


def test_a_dispersion_has_the_ends_of_glmmtmb():
    data = pp.load_dataset("grouseticks")
    data["cHEIGHT"] = (data["HEIGHT"] - data["HEIGHT"].mean()) / 100
    fit = pp.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", data, family="nbinom2")
    found = fit.profile()
    for label, (low, high) in TICKS.items():
        assert_allclose(found[label].interval(0.95), (low, high), atol=1e-3 * (high - low))


def test_tables_say_the_predictor_and_confint_is_one():
    fit = fit_of("inflated")
    found = fit.profile(level=0.96)
    table = found.confint()
    rows = list(zip(table["component"], table["effect"], table["term"], strict=True))
    assert rows == [
        ("mean", "fixed", "Intercept"), ("mean", "fixed", "x"),
        ("zero_inflation", "fixed", "Intercept"), ("mean", "ran_pars", "sd__Intercept"),
        ("zero_inflation", "ran_pars", "sd__Intercept"),
    ]  # fmt: skip
    direct = fit.confint(method="profile")
    assert_allclose(direct["conf_high"], table["conf_high"], rtol=1e-3)
    assert set(found.to_frame()["term"]) == {c.parameter.term for c in found.curves}


def test_a_restricted_fit_is_profiled_by_ordinary_likelihood():
    fit = fit_of("crossed")
    restricted = pp.glmm(fit.design.formula.text, table(), family="poisson", reml=True)
    ours, theirs = restricted.profile("x"), fit.profile("x")
    assert_allclose(ours["x"].interval(0.95), theirs["x"].interval(0.95), rtol=1e-5)


def test_a_variance_of_zero_has_an_upper_end_only():
    rng = np.random.default_rng(3)
    data = {"g": np.repeat(np.arange(20), 5), "y": rng.poisson(2.0, 100)}
    fit = pp.glmm("y ~ 1 + (1 | g)", data, family="poisson")
    low, high = fit.profile()["sd(g.Intercept)"].interval(0.95)
    assert low == 0.0
    assert 0.05 < high < 0.8


def test_a_dispersion_at_its_limit_has_one_end():
    rng = np.random.default_rng(5)
    data = {"g": np.repeat(np.arange(20), 5), "y": rng.binomial(8, 0.3, 100)}
    fit = pp.glmm("y ~ 1", data, family="nbinom2")
    low, high = fit.profile("dispersion.Intercept")["dispersion.Intercept"].interval(0.95)
    assert np.isinf(low) or np.isinf(high)


def test_what_cannot_be_profiled_is_refused():
    data = table()
    joint = pp.glmm("y ~ x + (1 | g)", data, family="poisson", method="joint")
    with pytest.raises(NotAvailableError, match="method='joint'"):
        joint.profile()
    quasi = pp.glmm("y ~ x + (1 | g)", data, family="poisson", method="pql")
    with pytest.raises(NotAvailableError, match="method='pql'"):
        quasi.profile()
    with pytest.raises(NotAvailableError, match=r"quadrature=5 the nodes of \(x \| g\)"):
        fit_of("quadrature slope").profile()
    with pytest.raises(UnknownNameError, match="there is no parameter 'z'"):
        fit_of("crossed").profile("z")
    with pytest.raises(DataError, match="level must lie between 0 and 1"):
        fit_of("crossed").profile(level=95)


def test_a_saved_fit_has_the_same_profile(tmp_path):
    fit = fit_of("slope")
    fit.save(tmp_path / "fit.pp")
    again = pp.load(tmp_path / "fit.pp")
    mine, other = fit.profile("random", level=0.9), again.profile("random", level=0.9)
    for a, b in zip(mine.curves, other.curves, strict=True):
        assert_allclose(a.interval(0.9), b.interval(0.9), rtol=1e-5)


def test_profiles_are_drawn():
    figure = pp.plots.profile(fit_of("slope").profile(level=0.96))
    assert len(figure.axes) == 6


def test_an_aliased_coefficient_has_no_curve():
    data = dict(table())
    data["x2"] = 2 * data["x"]
    fit = pp.glmm("y ~ x + x2 + (1 | g)", data, family="poisson")
    found = fit.profile("fixed", level=0.9)
    assert len(found["x2"].values) == 0
    assert dataclasses.is_dataclass(found)


def test_a_gaussian_model_has_the_profile_of_the_linear_one():
    data, formula = pp.load_dataset("sleepstudy"), "Reaction ~ Days + (Days | Subject)"
    linear = pp.lmm(formula, data, reml=False).profile()
    found = pp.glmm(formula, data, family="gaussian").profile()
    for curve in linear.curves:
        label = curve.parameter.label
        expected = np.array(curve.interval(0.95))
        if label == "sigma":
            label, expected = "dispersion.Intercept", np.log(expected)
        assert_allclose(found[label].interval(0.95), expected, atol=1e-3 * np.ptp(expected))


def test_a_singular_fit_has_intervals():
    rng = np.random.default_rng(5)
    g, x = np.repeat(np.arange(12), 6), rng.normal(size=72)
    y = rng.poisson(np.exp(0.3 + 0.4 * x + 0.7 * rng.normal(size=12)[g] * (1 + 0.5 * x)))
    fit = pp.glmm("y ~ x + (x | g)", {"y": y, "x": x, "g": g}, family="poisson")
    assert fit.singular
    found = fit.profile(level=0.96)
    low, high = found["corr(g.Intercept,g.x)"].interval(0.95)
    assert -1.0 <= low < high == 1.0
    for label in ("sd(g.Intercept)", "sd(g.x)"):
        low, high = found[label].interval(0.95)
        assert low < found[label].estimate < high


def test_of_correlations_by_lag_the_first_is_profiled_and_the_others_are_refused_in_words():
    fit = pp.glmm("y ~ x + homtoep(0 + f | g)", table(), family="poisson")
    (curve,) = fit.profile("corr(g.lag1)", level=0.8).curves
    held, _ = hold(fit, fit.solution, own_of(fit, "corr(g.lag1)"))
    value = 0.5 * (curve.estimate + curve.interval(0.7)[0])
    spot = held.at(value, held.start)
    up, down = (held.at(value + h, spot.x).deviance for h in (1e-3, -1e-3))
    assert_allclose(spot.slope, (up - down) / 2e-3, rtol=2e-3, atol=1e-5)
    with pytest.raises(NotAvailableError, match=r"lag 1 only, found 'corr\(g.lag2\)'"):
        fit.profile("corr(g.lag2)")
