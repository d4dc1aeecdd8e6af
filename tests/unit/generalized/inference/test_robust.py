"""Scores of clusters against differences of their log-likelihoods, and what is made of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.generalized.inference.parameters import estimated
from partialpool.generalized.inference.robust import cluster_robust, cluster_scores
from tests.unit.generalized.inference.fits import FITS, fit_of, table
from tests.unit.generalized.inference.natural import Natural

CLUSTERED = [name for name in FITS if name not in ("crossed", "penalty", "no effects")]


@pytest.mark.parametrize("name", CLUSTERED)
def test_scores_add_up_to_the_gradient(name):
    fit = fit_of(name)
    scores = cluster_scores(fit, "g")
    assert_allclose(scores.sum(axis=0), -0.5 * fit.solution.estimate.gradient, atol=1e-8)
    assert np.abs(scores).max() > 1.0


@pytest.mark.parametrize("name", CLUSTERED)
def test_scores_are_differences_of_a_clusters_likelihood(name):
    fit = fit_of(name)
    formula, arguments = FITS[name]
    formula = formula.replace("y ~", "y01 ~") if name == "slope" else formula
    data, cluster = table(), 5
    without = {k: v[data["g"] != cluster] for k, v in data.items()}
    whole, rest = Natural(fit), Natural(pp.glmm(formula, without, **arguments))
    leaders = whole.leaders()
    slopes = {e.parameter.label: e.slope for e in estimated(fit, fit.solution)}
    expected = np.zeros(len(fit.solution.estimate.gradient))
    for label in leaders:
        ends = []
        for h in (1e-4, -1e-4):
            values = whole.spread(
                {n: whole.values[n] for n in leaders} | {label: whole.values[label] + h}
            )
            ends.append(-0.5 * (whole(values) - rest(values)))
        expected += slopes[label] * (ends[0] - ends[1]) / 2e-4
    ours = cluster_scores(fit, "g")[cluster]
    assert_allclose(ours, expected, atol=2e-5 * max(1.0, np.abs(expected).max()))


def test_without_random_effects_labels_may_part_rows_that_are_alike():
    data = dict(table())
    data["x"] = np.round(data["x"])
    labels = np.random.default_rng(2).integers(0, 30, len(data["y"]))
    fit = pp.glmm("y ~ x", data, family="poisson")
    residual = data["y"] - fit.fitted
    X = np.column_stack([np.ones(len(residual)), data["x"]])
    meat = np.zeros((2, 2))
    for j in range(30):
        score = X[labels == j].T @ residual[labels == j]
        meat += np.outer(score, score)
    bread = np.linalg.inv(X.T @ (fit.fitted[:, None] * X))
    assert_allclose(fit.robust_vcov(labels, "CR0"), bread @ meat @ bread, rtol=1e-5)
    assert_allclose(fit.robust_vcov(labels, "CR1"), bread @ meat @ bread * 30 / 29, rtol=1e-5)


def test_tests_and_intervals_take_it():
    fit = fit_of("inflated")
    robust = fit.cluster_robust("g")
    rows = fit.robust_tests("g")
    assert rows["component"].tolist() == ["mean", "mean", "zero_inflation"]
    assert_allclose(rows["std_error"][:2], np.sqrt(np.diag(robust.vcov)), rtol=1e-12)
    assert_allclose(fit.confint(ddf=robust)["conf_low"], rows["conf_low"][:2])
    found = fit.test("x = 0", ddf=robust)
    assert found.p_value == pytest.approx(rows["p_value"][1])
    assert fit.anova(ddf=robust)["p_value"][0] == pytest.approx(rows["p_value"][1])
    errors = fit.variance_parameters(robust)["std_error"]
    assert np.isfinite(errors).all()
    assert not np.allclose(errors, fit.variance_parameters()["std_error"], rtol=1e-3)


def test_only_wald_intervals_take_it():
    fit = fit_of("slope")
    robust = fit.cluster_robust()
    with pytest.raises(DataError, match="ddf=<covariance CR1 over 24 clusters, t with 23> is for"):
        fit.confint(method="profile", ddf=robust)


def test_linear_models_take_theirs_as_well():
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
    rows = fit.robust_tests(kind="CR2")
    assert_allclose(fit.confint(ddf=fit.cluster_robust())["conf_low"], rows["conf_low"])
    with pytest.raises(DataError, match="covariance of 2 coefficients, and the model has 1"):
        pp.lmm("Reaction ~ 1 + (1 | Subject)", pp.load_dataset("sleepstudy")).confint(
            ddf=fit.cluster_robust()
        )
    with pytest.raises(DataError, match="ddf= must name degrees of freedom"):
        fit.power("Days", n=5, ddf=fit.cluster_robust())


def test_a_right_model_has_much_the_same_errors():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(400), 6)
    x = rng.normal(size=len(g))
    y = rng.poisson(np.exp(0.3 + 0.5 * x + 0.6 * rng.normal(size=400)[g]))
    fit = pp.glmm("y ~ x + (1 | g)", {"g": g, "x": x, "y": y}, family="poisson")
    ratio = np.sqrt(np.diag(fit.robust_vcov("g"))) / fit.stderr.values
    assert_allclose(ratio, 1.0, atol=0.12)


def test_what_has_no_independent_clusters_is_refused():
    with pytest.raises(ModelError, match="reach over several clusters"):
        fit_of("crossed").robust_vcov()
    with pytest.raises(ModelError, match="penalty=2 belongs to no cluster"):
        fit_of("penalty").robust_vcov()
    with pytest.raises(NotAvailableError, match="kind='CR2'"):
        fit_of("slope").robust_vcov(kind="CR2")
    with pytest.raises(DataError, match="kind must be 'CR0' or 'CR1', found 'HC3'"):
        fit_of("slope").robust_tests(kind="HC3")
    with pytest.raises(DataError, match="two or more clusters, found 1"):
        cluster_robust(fit_of("slope"), np.zeros(288))
    restricted = pp.glmm("y ~ x + (1 | g)", table(), family="poisson", reml=True)
    with pytest.raises(NotAvailableError, match="reml=True"):
        restricted.robust_vcov()


def test_a_part_that_ran_to_its_end_has_no_error():
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", data, family="nbinom1", zero_inflation="~ 1")
    found = fit.robust_tests("LOCATION")
    last = found[found["component"] == "zero_inflation"].iloc[0]
    assert np.isnan(last["std_error"])
    assert np.isfinite(found["std_error"].iloc[:4]).all()


@pytest.mark.slow
def test_intervals_cover_where_rows_vary_more_than_the_family_says():
    rng = np.random.default_rng(7)
    hits = np.zeros((2, 2))
    g = np.repeat(np.arange(60), 8)
    for _ in range(400):
        x = rng.normal(size=len(g))
        mu = np.exp(0.5 + 0.4 * x + 0.4 * rng.normal(size=60)[g])
        y = rng.poisson(mu * rng.gamma(1.0, 1.0, len(g)))
        fit = pp.glmm("y ~ x + (1 | g)", {"g": g, "x": x, "y": y}, family="poisson")
        for i, ddf in enumerate((None, fit.cluster_robust("g"))):
            table = fit.confint(ddf=ddf)
            hits[i, 1] += table["conf_low"][1] < 0.4 < table["conf_high"][1]
    wald, robust = hits[:, 1] / 400
    assert wald < 0.8
    assert robust > 0.91
