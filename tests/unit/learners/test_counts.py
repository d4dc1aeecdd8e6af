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


def test_counts_have_no_intervals():
    x, codes, y, _ = simulated()
    model = MixedEffectsRegressor(TREE, family="poisson", max_iter=1).fit(x, y, groups=codes)
    with pytest.raises(NotAvailableError, match="intervals are for family='gaussian'; of counts"):
        model.predict_interval(x, groups=codes)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "gamma"}, "must be 'gaussian' or 'poisson' here, found 'gamma'"),
        ({"family": pp.families.Gaussian("log")}, "has the identity link here"),
        ({"family": "poisson", "variance": "em"}, "goes with algorithm='alternate'"),
    ],
)
def test_families_that_learners_cannot_have_are_refused(settings, message):
    x, codes, y, _ = simulated()
    with pytest.raises(ModelError, match=message):
        MixedEffectsRegressor(TREE, **settings).fit(x, y, groups=codes)
