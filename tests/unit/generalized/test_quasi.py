"""Penalised quasi-likelihood."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import ModelError
from tests.unit.generalized.fakes import table

EPIL = "y ~ Base * trt + Age + Visit + (1 | subject)"


@pytest.fixture(scope="module")
def epil():
    data = pp.load_dataset("epil2")
    return pp.glmm(EPIL, data, family="poisson", method="pql", dispersion="~ 1")


def test_a_free_scale_gives_glmmpqls_figures(epil):
    """MASS 7.3-58.2, glmmPQL(y ~ Base * trt + Age + Visit, ~ 1 | subject, poisson, epil2).

    Iterated until the linear predictors agree to 1e-16; glmmPQL itself stops at 1e-6.
    """
    # 1e-6: nlme's own search for the variances leaves their last digits open.
    assert_allclose(
        epil.fixef.values,
        [-1.50444135, 0.88206871, -0.91360160, 0.53471324, -0.29598136, 0.34182882],
        rtol=1e-6,
    )
    assert_allclose(epil.stderr["Base"], 0.12764223, rtol=1e-6)
    assert_allclose(epil.dispersion["sigma"], 1.40849789, rtol=1e-6)
    assert_allclose(epil.varcorr.terms[0].sd, [0.44335029], rtol=1e-6)


def test_a_family_without_a_scale_has_none_unless_asked():
    fit = pp.glmm(EPIL, pp.load_dataset("epil2"), family="poisson", method="pql")
    assert fit.parts == ("mean",)
    assert len(fit.dispersion) == 0


def test_the_working_model_agrees_with_itself(epil):
    """At the end a linear mixed model of the working response gives the same predictors."""
    eta, mu = epil.linear_predictor, epil.fitted
    data = pp.load_dataset("epil2").assign(z=eta + (epil.response.values - mu) / mu, w=mu)
    again = pp.lmm(EPIL.replace("y ~", "z ~"), data, weights="w", reml=False)
    assert_allclose(again.fitted, eta, rtol=1e-7)


def test_of_a_normal_response_it_is_maximum_likelihood():
    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = pp.glmm(formula, sleep, family="gaussian", method="pql")
    ml = pp.lmm(formula, sleep, reml=False)
    assert_allclose(fit.fixef.values, ml.fixef.values, rtol=1e-8)
    assert_allclose(fit.sigma, ml.sigma, rtol=1e-8)
    assert_allclose(fit.varcorr.terms[0].sd, ml.varcorr.terms[0].sd, rtol=1e-6)


def test_restricted_likelihood_of_a_normal_response_is_reml():
    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days | Subject)"
    fit = pp.glmm(formula, sleep, family="gaussian", method="pql", reml=True)
    assert_allclose(fit.sigma, pp.lmm(formula, sleep).sigma, rtol=1e-8)


def test_without_random_terms_it_is_a_generalized_linear_model():
    fit = pp.glmm("count ~ x", table(), family="poisson", method="pql")
    score = fit.design.X.T @ (table()["count"] - fit.fitted)
    assert_allclose(score, 0, atol=1e-6)
    information = (fit.design.X.T * fit.fitted) @ fit.design.X
    assert_allclose(fit.vcov, np.linalg.inv(information), rtol=1e-6)


@pytest.mark.parametrize(("family", "formula"), [("gamma", "size ~ x"), ("binomial", "yes ~ x")])
def test_predictions_and_random_effects_come_as_from_any_fit(family, formula):
    fit = pp.glmm(f"{formula} + (1 | g)", table(), family=family, method="pql")
    assert np.isfinite(fit.predict(se=True)["std_error"]).all()
    assert len(fit.ranef("g", cond_sd=True)) == 6


def test_weights_count_rows_more_than_once():
    data = table()
    twice = np.repeat(np.arange(60), 2)
    weighted = pp.glmm("count ~ x + (1 | g)", data, family="poisson", method="pql",
                       weights=np.full(60, 2.0))  # fmt: skip
    doubled = pp.glmm("count ~ x + (1 | g)", data.iloc[twice], family="poisson", method="pql")
    assert_allclose(weighted.fixef.values, doubled.fixef.values, rtol=1e-6)


def test_no_likelihood_is_shown_or_compared(epil):
    assert np.isnan(epil.loglik)
    text = " ".join(str(epil).split())
    assert text.startswith("Generalized linear mixed model fitted by penalised quasi-likelihood")
    assert "logLik AIC" not in text
    assert "maximises no likelihood" in text
    with pytest.raises(ModelError, match=r"which maximises no likelihood. Fit it with"):
        pp.compare(epil, epil)


def test_a_fit_is_refitted_by_the_same_method(epil):
    again = epil.refit(epil.response.values)
    np.testing.assert_array_equal(again.fixef.values, epil.fixef.values)
    assert again.approximation == epil.approximation


def test_a_column_that_equals_the_response_is_told():
    data = table().assign(above=lambda d: (d["yes"] == 1) * 1.0)
    with pytest.raises(ModelError, match="the fixed effects fit the response 'yes' exactly"):
        pp.glmm("yes ~ above + (1 | g)", data, family="binomial", method="pql")


def test_a_column_that_separates_the_response_is_told():
    data = table().assign(above=lambda d: (d["yes"] == 1) & (d["x"] > 0))
    with pytest.raises(ModelError, match=r"diverges: .* method='laplace' with penalty=2.5"):
        pp.glmm("yes ~ above + x + (1 | g)", data, family="binomial", method="pql")
