from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError
from tests import dense
from tests.unit.inference import models

SLEEP = "Reaction ~ Days + (Days | Subject)"


def sleepstudy():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit():
    return pp.lmm(SLEEP, sleepstudy())


# --- lme4's figures ---------------------------------------------------------------------------


def test_sleepstudy_is_fitted_as_by_lme4(fit):
    """lme4 1.1-31, lmer(Reaction ~ Days + (Days | Subject), sleepstudy)."""
    assert_allclose(fit.objective, 1743.628272, atol=1e-6)
    assert_allclose(fit.fixef.values, [251.4051048, 10.4672860], rtol=1e-8)
    # lme4 stops where the criterion is within 1e-9 of its minimum: theta is good to 1e-5.
    assert_allclose(fit.theta, [0.966732, 0.0151690, 0.2309095], rtol=1e-5)
    assert_allclose(fit.sigma, 25.59182, rtol=1e-6)
    assert_allclose(fit.stderr.values, [6.824597, 1.545790], rtol=1e-5)


def test_maximum_likelihood_on_sleepstudy_is_lme4_s():
    fit = pp.lmm(SLEEP, sleepstudy(), reml=False)
    assert_allclose(fit.objective, 1751.939344, atol=1e-6)
    assert not fit.reml


# --- what a fit says --------------------------------------------------------------------------


def test_numbers_derived_from_the_likelihood_agree_with_it(fit):
    assert fit.loglik == -fit.objective / 2
    assert (fit.df, fit.nobs, fit.df_residual) == (6, 180, 174)
    assert_allclose(fit.aic, fit.objective + 2 * 6)
    assert_allclose(fit.bic, fit.objective + 6 * np.log(180))
    assert fit.ngroups == {"Subject": 18}
    assert fit.reml
    assert fit.converged
    assert not fit.sigma_fixed


def test_the_covariance_of_the_fixed_effects_is_symmetric_and_has_the_errors_squared(fit):
    np.testing.assert_array_equal(fit.vcov, fit.vcov.T)
    assert_allclose(np.sqrt(np.diag(fit.vcov)), fit.stderr.values, rtol=1e-12)
    assert fit.stderr.names == fit.fixef.names == ("Intercept", "Days")


@pytest.mark.parametrize("formula", models.FORMULAS.values(), ids=models.FORMULAS)
@pytest.mark.parametrize("reml", [True, False], ids=["REML", "ML"])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights"])
def test_everything_estimated_is_what_the_dense_twin_computes(formula, reml, weighted):
    fit = models.fit(formula, weighted, reml)
    model, _ = models.twin(fit)
    mixed = bool(fit.design.random)
    model = dataclasses.replace(model, reml=reml and mixed)
    Sigmas = [t.cov / fit.sigma**2 for t in fit.varcorr.terms]
    solution = dense.solve(model, Sigmas)
    assert_allclose(fit.objective, solution.objective, rtol=1e-10)
    assert_allclose(fit.fixef.values, solution.beta, rtol=1e-7, atol=1e-8)
    if mixed:
        assert_allclose(fit.sigma, solution.sigma, rtol=1e-8)
        assert_allclose(fit.vcov, solution.vcov, rtol=1e-7, atol=1e-10)
    assert fit.nobs == 96 - weighted


def test_a_column_left_out_is_nan_in_everything_about_it():
    data = models.table()
    fit = pp.lmm("y ~ x + twice + z + (1 | g)", data.assign(twice=2 * data["x"]))
    plain = models.fit("y ~ x + z + (1 | g)")
    gone = [False, False, True, False]
    assert np.isnan(fit.fixef.values).tolist() == np.isnan(fit.stderr.values).tolist() == gone
    assert np.isnan(fit.vcov).any(axis=0).tolist() == [True] * 4
    assert np.isnan(fit.vcov).all(axis=0).tolist() == gone
    kept = np.ix_(~np.array(gone), ~np.array(gone))
    assert_allclose(fit.vcov[kept], plain.vcov, rtol=1e-8)
    assert fit.df == plain.df
    assert_allclose(fit.objective, plain.objective, rtol=1e-12)


def test_rows_of_weight_zero_do_not_count():
    data = models.table()
    fit = models.fit("y ~ x + (x | g)", weighted=True)
    alone = pp.lmm("y ~ x + (x | g)", data[data["w"] > 0], weights="w")
    assert fit.nobs == alone.nobs == 95
    assert_allclose(fit.objective, alone.objective, rtol=1e-12)
    assert_allclose(fit.bic, alone.bic, rtol=1e-12)
    assert_allclose(fit.fixef.values, alone.fixef.values, rtol=1e-8)


def test_a_level_seen_only_with_weight_zero_is_predicted_by_its_prior():
    data = models.table()
    fit = pp.lmm("y ~ x + (x | g)", data, weights=np.where(data["g"] == "g2", 0.0, 1.0))
    alone = pp.lmm("y ~ x + (x | g)", data[data["g"] != "g2"])
    assert_allclose(fit.objective, alone.objective, rtol=1e-12)
    b = fit.ranef(cond_sd=True).set_index("g").loc["g2"]
    assert_allclose(b[["Intercept", "x"]], 0.0, atol=1e-12)
    assert_allclose(b[["Intercept_sd", "x_sd"]], fit.varcorr.terms[0].sd, rtol=1e-10)


def test_a_known_sigma_is_kept_and_costs_no_parameter():
    free, fixed = (pp.lmm(SLEEP, sleepstudy(), sigma=s) for s in (None, 25.0))
    assert (fixed.sigma, fixed.sigma_fixed, fixed.df) == (25.0, True, free.df - 1)
    at_its_estimate = pp.lmm(SLEEP, sleepstudy(), sigma=free.sigma)
    assert_allclose(at_its_estimate.objective, free.objective, atol=1e-7)
    assert fixed.objective > free.objective


def test_a_fit_cannot_be_changed(fit):
    with pytest.raises(dataclasses.FrozenInstanceError):
        fit.design = None
    with pytest.raises(ValueError, match="read-only"):
        fit.design.X[0, 0] = 5.0


def test_printing_a_fit_prints_its_summary(fit):
    assert repr(fit) == str(fit.summary())
    assert "<table" in fit._repr_html_()


# --- refitting --------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", models.FORMULAS.values(), ids=models.FORMULAS)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights"])
@pytest.mark.parametrize("size", [0.0, 1.0], ids=["nothing varies", "groups vary"])
def test_refitting_gives_the_bits_of_a_fresh_fit(formula, weighted, size):
    rng = np.random.default_rng(3)
    y = rng.normal(size=96) + size * rng.normal(size=8)[np.arange(96) % 8]
    ours = models.fit(formula, weighted).refit(y)
    weights = "w" if weighted else None
    fresh = pp.lmm(formula, models.table().assign(y=y), weights=weights)
    assert (ours.objective, ours.sigma) == (fresh.objective, fresh.sigma)
    np.testing.assert_array_equal(ours.theta, fresh.theta)
    np.testing.assert_array_equal(ours.fixef.values, fresh.fixef.values)


@pytest.mark.parametrize("structure", ["cs", "homcs", "ar1"])
def test_refitting_leaves_a_correlation_at_the_end_of_its_range(structure):
    """A search that began there would find a minimum with one variance zero."""
    rng = np.random.default_rng(0)
    g, f = np.repeat(np.arange(20), 12), np.tile(np.arange(3), 80)
    together = 2 * rng.normal(size=20)[g] + rng.normal(size=240)
    apart = 2 * rng.normal(size=(20, 3))[g, f] + rng.normal(size=240)
    formula, data = f"y ~ {structure}(0 + f | g)", {"g": g, "f": f.astype(str)}
    fit = pp.lmm(formula, {"y": together} | data)
    fresh = pp.lmm(formula, {"y": apart} | data)
    assert fit.singular
    assert not fresh.singular
    assert_allclose(fit.refit(apart).objective, fresh.objective, rtol=0, atol=1e-8)


def test_refitting_leaves_the_fit_as_it_was(fit):
    before = fit.objective, fit.fitted
    fit.refit(fit.design.y[::-1])
    assert fit.objective == before[0]
    np.testing.assert_array_equal(fit.fitted, before[1])


def test_refitting_keeps_the_likelihood():
    fit = pp.lmm(SLEEP, sleepstudy(), reml=False, sigma=30.0)
    again = fit.refit(fit.design.y)
    assert (again.reml, again.sigma, again.objective) == (False, 30.0, fit.objective)


def test_a_response_of_the_wrong_length_is_refused(fit):
    with pytest.raises(DataError, match=r"each of the 180 rows fitted, found .* shape \(3,\)"):
        fit.refit([1.0, 2.0, 3.0])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_response_that_is_not_finite_is_refused_by_row(fit, value):
    y = fit.design.y.copy()
    y[17] = value
    with pytest.raises(DataError, match=f"found {value} in row 17"):
        fit.refit(y)


# --- least squares ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ols():
    return pp.lmm("y ~ x + z", models.table())


def test_a_formula_without_random_terms_is_least_squares(ols):
    X, y = ols.design.X, ols.design.y
    beta, (rss,), *_ = np.linalg.lstsq(X, y, rcond=None)
    assert_allclose(ols.fixef.values, beta, rtol=1e-10)
    assert_allclose(ols.sigma, np.sqrt(rss / 93), rtol=1e-12)
    assert_allclose(ols.vcov, rss / 93 * np.linalg.inv(X.T @ X), rtol=1e-10)
    assert_allclose(ols.fitted, X @ beta, rtol=1e-10)


def test_least_squares_reports_the_ordinary_likelihood_as_r_does(ols):
    rss = np.sum(ols.residuals() ** 2)
    assert_allclose(ols.loglik, -48 * (np.log(2 * np.pi * rss / 96) + 1), rtol=1e-12)
    assert (ols.reml, ols.df, ols.ngroups) == (False, 4, {})
    assert ols.objective == pp.lmm("y ~ x + z", models.table(), reml=False).objective


def test_least_squares_tells_its_share_of_the_variance(ols):
    y = ols.design.y
    r2 = 1 - np.sum(ols.residuals() ** 2) / np.sum((y - y.mean()) ** 2)
    assert_allclose(ols.summary().explained.r_squared, r2, rtol=1e-10)


def test_weighted_least_squares_is_that_of_rows_times_root_weights():
    ours = pp.lmm("y ~ x + z", models.table(), weights="w")
    root = np.sqrt(ours.design.weights)
    wanted = np.linalg.lstsq(ours.design.X * root[:, None], ours.design.y * root, rcond=None)[0]
    assert_allclose(ours.fixef.values, wanted, rtol=1e-10)
    assert ours.nobs == 95


def test_least_squares_has_an_empty_covariance_and_a_quiet_certificate(ols):
    assert ols.theta.shape == (0,)
    assert ols.varcorr.terms == ()
    assert (ols.converged, ols.singular) == (True, False)


# --- numbers out --------------------------------------------------------------------------------


def test_fixed_effects_go_into_json_and_pandas(fit):
    assert json.loads(json.dumps(fit.fixef.to_dict()))["Days"] == fit.fixef["Days"]
    assert pd.Series(fit.fixef.to_dict()).index.tolist() == ["Intercept", "Days"]


def test_ar1_over_numbers_says_how_to_make_times_of_them():
    rng = np.random.default_rng(0)
    data = {
        "y": rng.normal(size=60),
        "t": np.tile(np.arange(6.0), 10),
        "g": np.repeat(range(10), 6),
    }
    with pytest.raises(ModelError, match=r"'t' in .* is a number.*ar1\(0 \+ factor\(t\) \| g\)"):
        pp.lmm("y ~ 1 + ar1(0 + t | g)", data)
