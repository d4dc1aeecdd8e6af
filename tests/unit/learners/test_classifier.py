import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

import partialpool as pp
from partialpool import MixedEffectsClassifier
from partialpool.errors import DataError

TREE = DecisionTreeRegressor(max_depth=4, min_samples_leaf=20, random_state=0)


def simulated(seed=1, J=60, m=40):
    """Classes by a step function of x and an intercept for each group."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(J), m)
    x = rng.uniform(-1, 1, (len(codes), 2))
    eta = np.where(x[:, 0] > 0, 1.5, -1.5) + rng.normal(size=J)[codes]
    p = 1 / (1 + np.exp(-eta))
    return x, codes, (rng.random(len(p)) < p).astype(int), p


def slope_of_calibration(y, p):
    logit = np.log(p / (1 - p))[:, None]
    return LogisticRegression(C=1e8).fit(logit, y).coef_[0, 0]


def test_probabilities_are_calibrated_and_variances_recovered():
    x, codes, y, p = simulated()
    train = np.tile(np.arange(40) < 25, 60) & (codes < 45)
    model = MixedEffectsClassifier(TREE).fit(x[train], y[train], groups=codes[train])
    # Standard errors: of a standard deviation of 45 groups about 0.13.
    assert model.varcorr().terms[0].sd[0] == pytest.approx(1.0, abs=0.35)
    for held_out in (~train & (codes < 45), codes >= 45):
        found = model.predict_proba(x[held_out], groups=codes[held_out])[:, 1]
        # The slope's standard error is near 0.08 for 600 rows of a known law.
        assert slope_of_calibration(y[held_out], found) == pytest.approx(1.0, abs=0.3)
    known = ~train & (codes < 45)
    found = model.predict_proba(x[known], groups=codes[known])
    truth = log_loss(y[known], p[known])
    # What a tree of 1125 rows doesn't find.
    assert log_loss(y[known], found) < truth + 0.08
    population = model.predict_proba(x[known])
    assert log_loss(y[known], population) > log_loss(y[known], found) + 0.03


def test_a_linear_learner_leads_to_the_generalized_linear_mixed_model():
    x, codes, y, _ = simulated()
    model = MixedEffectsClassifier(
        LinearRegression(), residuals="in-sample", max_iter=60, tol=0.0
    ).fit(x, y, groups=codes)
    fit = pp.glmm(
        "y ~ a + b + (1 | g)",
        {"a": x[:, 0], "b": x[:, 1], "y": y, "g": codes},
        family="binomial",
    )
    # Penalised quasi-likelihood of the coefficients, Laplace of the covariance.
    np.testing.assert_allclose(model.estimators_[0].coef_, fit.fixef.values[1:], atol=0.06)
    assert model.varcorr().terms[0].sd[0] == pytest.approx(fit.varcorr.terms[0].sd[0], rel=0.05)


def test_new_groups_are_averaged_over():
    x, codes, y, _ = simulated()
    model = MixedEffectsClassifier(TREE).fit(x, y, groups=codes)
    eta = model._fitted[0].population.common(x)
    sd = model.varcorr().terms[0].sd[0]
    draws = np.random.default_rng(1).normal(size=20_000) * sd
    expected = np.mean(1 / (1 + np.exp(-(eta[0] + draws))))
    # Twenty thousand draws of a number with deviation 0.2.
    assert model.predict_proba(x[:1], groups=[999])[0, 1] == pytest.approx(expected, abs=0.005)


def test_several_classes_are_learned_one_against_the_rest():
    x, codes, _, _ = simulated()
    rng = np.random.default_rng(2)
    push = rng.normal(size=60)[codes]
    y = np.array(["low", "mid", "top"])[np.digitize(2 * x[:, 0] + push, [-0.5, 0.5])]
    model = MixedEffectsClassifier(TREE, random="1 | g")
    X = pd.DataFrame(x, columns=["a", "b"]).assign(g=codes)
    model.fit(X, y)
    shares = model.predict_proba(X)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)
    assert model.score(X, y) > 0.75
    assert list(model.effects(of="top").columns) == ["g", "Intercept", "Intercept_sd"]
    with pytest.raises(DataError, match="of=None is none of the classes"):
        model.effects()


def test_one_class_is_refused():
    x, codes, y, _ = simulated()
    with pytest.raises(DataError, match="one class only"):
        MixedEffectsClassifier(TREE).fit(x, np.ones_like(y), groups=codes)


def test_missing_classes_are_refused_by_row():
    x, codes, y, _ = simulated()
    labels = [None if i == 3 else str(label) for i, label in enumerate(y)]
    with pytest.raises(DataError, match=r"y is missing \(NaN\) in 1 row\(s\): row 3"):
        MixedEffectsClassifier(TREE).fit(x, np.array(labels, dtype=object), groups=codes)


def test_the_learner_has_to_take_weights():
    x, codes, y, _ = simulated()
    with pytest.raises(DataError, match="KNeighborsRegressor takes no sample_weight"):
        MixedEffectsClassifier(KNeighborsRegressor()).fit(x, y, groups=codes)


@pytest.mark.parametrize("which", ["known", "new"])
def test_intervals_of_probabilities_cover_those_of_groups(which):
    rng = np.random.default_rng(7)
    codes = np.repeat(np.arange(120), 20)
    x = rng.uniform(-1, 1, (len(codes), 2))
    share = 1 / (1 + np.exp(-(x[:, 0] + rng.normal(size=120)[codes])))
    y = (rng.random(len(codes)) < share).astype(int)
    train = codes < 80
    model = MixedEffectsClassifier(LinearRegression()).fit(x[train], y[train], groups=codes[train])
    rows = train if which == "known" else ~train
    found = model.predict_interval(x[rows], groups=codes[rows], level=0.8)
    covered = np.mean((share[rows] >= found["conf_low"]) & (share[rows] <= found["conf_high"]))
    # Three standard errors of the share of 80 groups, or 40, whose rows hang together.
    assert covered == pytest.approx(0.8, abs=0.13 if which == "known" else 0.19)
    other = model.predict_interval(x[rows], groups=codes[rows], level=0.8, of=0)
    np.testing.assert_allclose(other["conf_low"], 1 - found["conf_high"])
    with pytest.raises(DataError, match="of=2 is none of the classes"):
        model.predict_interval(x[rows], groups=codes[rows], of=2)


def test_an_interval_without_random_effects_needs_no_groups():
    x, codes, y, _ = simulated()
    table = pd.DataFrame(x, columns=["a", "b"]).assign(g=codes)
    model = MixedEffectsClassifier(TREE, random="1 | g", max_iter=2).fit(table, y)
    found = model.predict_interval(table[["a", "b"]], random="none")
    np.testing.assert_allclose(found["estimate"], model.predict_proba(table, random="none")[:, 1])
