"""Residual variances on the scale of the link, each by its closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import polygamma

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError
from partialpool.families import Gamma, Poisson
from tests.unit.generalized.inference.fits import table

DATA = table()
# The null model that is fitted here is the one that the function fits: the same search.
SAME = 1e-9


def fitted(response, family, **others):
    fit = pp.glmm(f"{response} ~ x + (1 | g)", DATA, family=family, **others)
    null = pp.glmm(f"{response} ~ 1 + (1 | g)", DATA, family=family, **others)
    return fit, float(np.exp(null.fixef[0]))


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("lognormal", lambda mu, phi: np.log1p(1 / mu + 1 / phi)),
        ("delta", lambda mu, phi: 1 / mu + 1 / phi),
        ("trigamma", lambda mu, phi: polygamma(1, 1 / (1 / mu + 1 / phi))),
    ],
)
def test_negative_binomial_counts_have_the_closed_form_at_the_null_mean(kind, formula):
    fit, mu = fitted("y", "nbinom2")
    found = fit.explain_variance(kind)
    assert found.residual == pytest.approx(formula(mu, fit.dispersion[0]), rel=SAME)
    total = found.fixed + found.random + found.residual
    assert found.r2_conditional == pytest.approx((found.fixed + found.random) / total)


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("lognormal", lambda mu: np.log1p(1 / mu)),
        ("delta", lambda mu: 1 / mu),
        ("trigamma", lambda mu: polygamma(1, mu)),
    ],
)
def test_poisson_counts_have_the_closed_form_at_the_null_mean(kind, formula):
    fit, mu = fitted("y", "poisson")
    assert fit.explain_variance(kind).residual == pytest.approx(formula(mu), rel=SAME)


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        ("lognormal", lambda alpha: np.log1p(1 / alpha)),
        ("delta", lambda alpha: 1 / alpha),
        ("trigamma", lambda alpha: polygamma(1, alpha)),
    ],
)
def test_gamma_responses_have_the_closed_form_of_their_shape(kind, formula):
    fit, _ = fitted("m", Gamma("log"))
    alpha = np.exp(fit.fixef_of("dispersion")[0])
    assert fit.explain_variance(kind).residual == pytest.approx(formula(alpha), rel=SAME)


def test_other_links_take_the_delta_method():
    fit, _ = fitted("y", Poisson("sqrt"))
    assert fit.explained_variance.residual == pytest.approx(0.25)
    gaussian = pp.glmm("m ~ x + (1 | g)", DATA, family="gaussian")
    assert gaussian.explained_variance.residual == pytest.approx(gaussian.sigma**2)


def test_beta_is_by_the_delta_method():
    data = dict(DATA)
    data["p"] = np.clip(1 / (1 + np.exp(-0.3 * np.log(data["m"]))), 0.01, 0.99)
    fit = pp.glmm("p ~ x + (1 | g)", data, family="beta")
    null = pp.glmm("p ~ 1 + (1 | g)", data, family="beta")
    mu, phi = 1 / (1 + np.exp(-null.fixef[0])), fit.dispersion[0]
    expected = 1 / ((1 + phi) * mu * (1 - mu))
    assert fit.explained_variance.residual == pytest.approx(expected, rel=SAME)


def test_binomial_and_ordinal_have_the_latent_one():
    fit = pp.glmm("y01 ~ x + (1 | g)", DATA, family="binomial")
    assert fit.explained_variance.residual == pytest.approx(np.pi**2 / 3)
    null = pp.glmm("y01 ~ 1 + (1 | g)", DATA, family="binomial")
    p = 1 / (1 + np.exp(-null.fixef[0]))
    assert fit.explain_variance("delta").residual == pytest.approx(1 / (p * (1 - p)), rel=SAME)
    ordinal = pp.glmm("o ~ x + (1 | g)", DATA, family="ordinal")
    assert ordinal.explained_variance.residual == pytest.approx(np.pi**2 / 3)


def test_zero_inflation_is_part_of_the_variance():
    fit, mu = fitted("y", "poisson", zero_inflation="~ 1")
    null = pp.glmm("y ~ 1 + (1 | g)", DATA, family="poisson", zero_inflation="~ 1")
    share = 1 / (1 + np.exp(-fit.fixef_of("zero_inflation")[0]))
    assert mu == pytest.approx(np.exp(null.fixef[0]))
    mean, variance = (1 - share) * mu, (1 - share) * (mu + share * mu**2)
    expected = np.log1p(variance / mean**2)
    assert fit.explained_variance.residual == pytest.approx(expected, rel=SAME)


def test_an_offset_and_a_dispersion_vary_by_rows():
    data = dict(DATA) | {"e": np.where(np.arange(len(DATA["x"])) % 2, 0.0, 1.0)}
    fit = pp.glmm("y ~ x + offset(e) + (1 | g)", data, family="nbinom2", dispersion="~ x")
    null = pp.glmm("y ~ 1 + offset(e) + (1 | g)", data, family="nbinom2", dispersion="~ x")
    mu, phi = np.exp(null.fixef[0] + data["e"]), np.exp(fit.eta["dispersion"])
    expected = np.log1p(1 / mu + 1 / phi).mean()
    assert fit.explained_variance.residual == pytest.approx(expected, rel=SAME)


def test_what_has_none_says_so():
    fit = pp.glmm("o ~ x + (1 | g)", DATA, family="ordinal")
    with pytest.raises(NotAvailableError, match="for ordinal with the logit link by 'trigamma'"):
        fit.explain_variance("trigamma")
    with pytest.raises(DataError, match="residual must be 'lognormal'"):
        fit.explain_variance("exact")
    binomial = pp.glmm("y01 ~ x + (1 | g)", DATA, family="binomial")
    with pytest.raises(NotAvailableError, match="residual='trigamma' is for the log link"):
        binomial.explain_variance("trigamma")
    data = dict(DATA) | {"s": np.minimum(DATA["y"], 9), "k": np.full(len(DATA["y"]), 9)}
    trials = pp.glmm("cbind(s, k - s) ~ x + (1 | g)", data, family="betabinomial")
    with pytest.raises(NotAvailableError, match="no agreed residual variance for betabinomial"):
        _ = trials.explained_variance
