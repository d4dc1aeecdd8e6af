import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.inference import quantile_residuals
from tests.unit.inference import models


def test_r_squared_is_shares_of_the_rows_own_variances():
    fit = models.fit("y ~ x + (x | g) + (1 | h)")
    found = fit.explained_variance
    z = fit.design.random[0].basis
    random = np.mean(np.sum((z @ fit.varcorr.terms[0].cov) * z, axis=1))
    random += fit.varcorr.terms[1].cov[0, 0]
    fixed = np.var(fit.design.X @ fit.fixef.values, ddof=1)
    total = fixed + random + fit.sigma**2
    assert found.r2_marginal == pytest.approx(fixed / total)
    assert found.r2_conditional == pytest.approx((fixed + random) / total)
    assert found.icc_adjusted == pytest.approx(random / (random + fit.sigma**2))
    assert found.icc == pytest.approx(random / total)


@pytest.mark.parametrize("family", ["nbinom1", "nbinom2"])
def test_negative_binomial_residual_variance_is_that_of_the_log(family):
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", data, family=family)
    null = pp.glmm("TICKS ~ 1 + (1 | LOCATION)", data, family=family)
    mu, phi = np.exp(null.fixef[0]), fit.dispersion[0]
    variance = mu * (1 + phi) if family == "nbinom1" else mu + mu**2 / phi
    assert fit.explained_variance.residual == pytest.approx(np.log1p(variance / mu**2), rel=1e-4)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_conditional_criterion_is_that_of_the_response_given_the_effects(weighted):
    from scipy.stats import norm

    fit = models.fit("y ~ x + (x | g)", weighted)
    w = np.ones(96) if fit.design.weights is None else fit.design.weights
    use = w > 0
    scale = fit.sigma / np.sqrt(w[use])
    loglik = norm.logpdf(fit.design.y[use], fit.fitted[use], scale).sum()
    df = fit.hatvalues()[use].sum() + 1
    found = fit.conditional_aic
    assert found.loglik == pytest.approx(loglik)
    assert found.df == pytest.approx(df)
    assert found.aic == pytest.approx(-2 * loglik + 2 * df)


def test_checks_of_the_right_model_reject_as_rarely_as_they_say():
    p_values, values = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        mu = rng.uniform(0.2, 3, 200)
        found = quantile_residuals(rng.poisson(mu), rng.poisson(mu[:, None], (200, 99)), seed)
        p_values.append((found.uniformity.p_value, found.dispersion.p_value))
        values.append(found.values)
    # Of 100 tests at 0.05 up to 13 reject with probability 0.999.
    assert np.all(np.sum(np.array(p_values) < 0.05, axis=0) <= 13)
    # A sixth of the residuals in each sixth, within four standard errors.
    counts = np.histogram(np.concatenate(values), bins=6, range=(0, 1))[0]
    assert np.abs(counts - 20_000 / 6).max() < 4 * np.sqrt(20_000 * 5 / 36)


def test_quantile_residuals_show_overdispersion_and_outliers():
    rng = np.random.default_rng(4)
    mu = np.full(500, 5.0)
    y = rng.negative_binomial(2, 2 / 7, 500)
    found = quantile_residuals(y, rng.poisson(mu[:, None], (500, 250)), seed=1)
    assert found.dispersion.statistic > 2
    assert found.dispersion.p_value < 0.02
    assert found.outliers.p_value < 1e-6
    assert found.uniformity.p_value < 1e-6
    assert "dispersion (variance ratio)" in repr(found)


def test_the_same_seed_gives_the_same_residuals():
    fit = models.fit("y ~ x + (x | g)")
    one, two = (fit.quantile_residuals(100, seed=5).values for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_quantile_residuals_of_generalized_fits():
    data = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    found = pp.glmm(formula, data, family="binomial").quantile_residuals(200, seed=2)
    assert found.values.shape == (56,)
    assert 0 < found.values.min() < found.values.max() < 1


def test_rows_without_weight_have_no_residual():
    fit = models.fit("y ~ x + (x | g)", True)
    assert len(fit.quantile_residuals(100, seed=1).values) == 95


def test_rows_of_weight_zero_explain_nothing():
    data = models.table()
    more = pd.concat([data, data.assign(x=data["x"] + 50.0)], ignore_index=True)
    weights = np.r_[np.ones(len(data)), np.zeros(len(data))]
    expected = pp.lmm("y ~ x + f + (x | g)", data)
    found = pp.lmm("y ~ x + f + (x | g)", more, weights=weights)
    for name in ("r2_marginal", "r2_conditional", "icc", "fixed", "random"):
        ours, theirs = (getattr(fit.explained_variance, name) for fit in (found, expected))
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
    means = [fit.means("f")["estimate"] for fit in (found, expected)]
    np.testing.assert_allclose(*means, rtol=1e-4)


def test_a_conditional_criterion_prints_in_one_line():
    fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    found = fit.conditional_aic
    assert repr(found) == (
        f"conditional AIC {found.aic:.2f} (logLik {found.loglik:.2f}, df {found.df:.2f})"
    )
