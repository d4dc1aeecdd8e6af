import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.tree import DecisionTreeRegressor

import partialpool as pp
from partialpool import MixedEffectsRegressor
from partialpool.errors import DataError, ModelError, NotAvailableError

TREE = DecisionTreeRegressor(max_depth=4, min_samples_leaf=20, random_state=0)


def simulated(seed=1, J=60, m=30):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(J), m)
    x = rng.uniform(-1, 1, (len(codes), 2))
    mean = np.exp(np.where(x[:, 0] > 0, 1.2, 0.0) + 0.6 * rng.normal(size=J)[codes])
    return x, codes, rng.poisson(mean).astype(float), mean


def test_means_and_variance_are_recovered():
    x, codes, y, mean = simulated()
    model = MixedEffectsRegressor(TREE, family="poisson").fit(x, y, groups=codes)
    # Standard error of a standard deviation of 60 groups: 0.6 / sqrt(120) = 0.055, and a bit.
    assert model.varcorr_.terms[0].sd[0] == pytest.approx(0.6, abs=0.2)
    found = model.predict(x, groups=codes)
    # The truth's own deviation of counts is as large as that of their means.
    assert np.corrcoef(found, mean)[0, 1] > 0.95 > np.corrcoef(y, mean)[0, 1]
    assert found.mean() == pytest.approx(y.mean(), rel=0.03)


def test_a_linear_learner_leads_to_the_generalized_linear_mixed_model():
    x, codes, y, _ = simulated()
    model = MixedEffectsRegressor(
        LinearRegression(), family="poisson", residuals="in-sample", max_iter=60, tol=0.0
    ).fit(x, y, groups=codes)
    fit = pp.glmm(
        "y ~ a + b + (1 | g)", {"a": x[:, 0], "b": x[:, 1], "y": y, "g": codes}, family="poisson"
    )
    np.testing.assert_allclose(model.estimator_.coef_, fit.fixef.values[1:], atol=0.02)
    assert model.varcorr_.terms[0].sd[0] == pytest.approx(fit.varcorr.terms[0].sd[0], rel=0.03)


def test_negative_counts_are_refused():
    x, codes, y, _ = simulated()
    with pytest.raises(DataError, match=r"negative|whole|counts"):
        MixedEffectsRegressor(TREE, family="poisson").fit(x, y - 2, groups=codes)


def draw(family, seed, J=100, m=12):
    """Counts or positive numbers of 60 groups that are fitted and 40 that aren't."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(J), m)
    x = rng.uniform(-1, 1, (len(codes), 2))
    mu = np.exp(1.0 + np.where(x[:, 0] > 0, 1.0, 0.0) + 0.5 * rng.normal(size=J)[codes])
    y = {
        "poisson": lambda: rng.poisson(mu),
        "nbinom2": lambda: rng.negative_binomial(3, 3 / (3 + mu)),
        "nbinom1": lambda: rng.negative_binomial(mu, 0.5),
        "gamma": lambda: rng.gamma(3.0, mu / 3.0),
    }[family]()
    held = np.tile(np.arange(m) >= m - 4, J)
    return x, codes, y.astype(float), (codes < 60) & ~held, (codes < 60) & held, codes >= 60


@pytest.mark.parametrize("family", ["poisson", "nbinom1", "nbinom2", "gamma"])
def test_intervals_cover_what_they_say(family):
    x, codes, y, train, known, new = draw(family, 4)
    tree = DecisionTreeRegressor(max_depth=3, min_samples_leaf=20, random_state=0)
    model = MixedEffectsRegressor(tree, family=family, max_iter=5)
    model.fit(x[train], y[train], groups=codes[train])
    for rows, slack in ((known, 0.05), (new, 0.09)):
        found = model.predict_interval(x[rows], groups=codes[rows], level=0.9)
        covered = np.mean((y[rows] >= found["conf_low"]) & (y[rows] <= found["conf_high"]))
        # Counts have ends that are counts: more than 90 % is right. Three standard errors of
        # 240 rows, and of 40 groups whose rows hang together.
        assert 0.9 - slack < covered < 0.99
        assert (found["conf_low"] <= found["estimate"]).all()
        assert (found["estimate"] <= found["conf_high"]).all()


@pytest.mark.parametrize(
    ("family", "truth"), [("nbinom2", np.log(3.0)), ("nbinom1", 0.0), ("gamma", np.log(3.0))]
)
def test_dispersions_are_found(family, truth):
    x, codes, y, *_ = draw(family, 5)
    tree = DecisionTreeRegressor(max_depth=2, min_samples_leaf=20, random_state=0)
    model = MixedEffectsRegressor(tree, family=family, max_iter=5).fit(x, y, groups=codes)
    # 1,200 rows: a standard error of about 0.06 on the log, and what the tree is off by.
    assert model._fitted.known.dispersion == pytest.approx(truth, abs=0.3)
    assert model.varcorr_.terms[0].sd[0] == pytest.approx(0.5, abs=0.15)


def test_counts_without_groups_are_learned_alone():
    x, _, y, _ = simulated()
    with pytest.warns(UserWarning, match="fitted alone"):
        model = MixedEffectsRegressor(TREE, family="nbinom2", max_iter=2).fit(x, y)
    found = model.predict_interval(x)
    assert np.mean((y >= found["conf_low"]) & (y <= found["conf_high"])) > 0.85


def test_counts_have_quantiles_and_no_standard_deviation():
    x, codes, y, _ = simulated()
    model = MixedEffectsRegressor(TREE, family="poisson", max_iter=1).fit(x, y, groups=codes)
    with pytest.raises(NotAvailableError, match="predict_interval gives quantiles"):
        model.predict(x, groups=codes, return_std=True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "beta"}, "family must be one of .* here, found 'beta'"),
        ({"family": pp.families.Gamma("inverse")}, "has the log link here, found 'inverse'"),
        ({"family": pp.families.Gaussian("log")}, "has the identity link here"),
        ({"family": "poisson", "variance": "em"}, "goes with algorithm='alternate'"),
    ],
)
def test_families_that_learners_cannot_have_are_refused(settings, message):
    x, codes, y, _ = simulated()
    with pytest.raises(ModelError, match=message):
        MixedEffectsRegressor(TREE, **settings).fit(x, y, groups=codes)
