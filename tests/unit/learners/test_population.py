"""One learner for known groups, another for those that aren't."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeRegressor

import partialpool as pp
from partialpool import MixedEffectsRegressor
from partialpool.learners.learning import Averaged, group_folds
from partialpool.learners.population import group_error
from tests.unit.learners.twin import grouped_rows

TREE = DecisionTreeRegressor(max_depth=3, min_samples_leaf=5, random_state=0)


def between(seed=1, J=60, m=10):
    """Two features tell groups apart; what they don't tell has deviation 2."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(J), m)
    x = rng.random((J * m, 4))
    x[:, 2:] = rng.random((J, 2))[codes]
    f = 10 * x[:, 0] + 5 * np.sin(6 * x[:, 1]) + 10 * x[:, 2] + 5 * x[:, 3]
    return x, codes, f + 2.0 * rng.normal(size=J)[codes] + rng.normal(size=J * m)


@pytest.fixture(scope="module")
def fitted():
    x, codes, y = between()
    forest = RandomForestRegressor(40, random_state=0)
    return MixedEffectsRegressor(forest).fit(x, y, groups=codes), (x, codes, y)


def test_features_of_groups_leave_their_variance_where_it_is(fitted):
    model, _ = fitted
    # What the learner can't tell of a group that it hasn't seen: 2, its own error, and the
    # standard error of 60 groups' deviation, 0.18.
    assert 1.6 < model.varcorr_.terms[0].sd[0] < 3.2


def test_known_groups_get_a_learner_of_what_differs_within_them(fitted):
    model, _ = fitted
    apart = model.known_estimator_.feature_importances_
    assert apart[2:].sum() < 0.2 < model.feature_importances_[2:].sum()


def test_new_groups_are_predicted_by_the_populations_learner(fitted):
    model, (x, codes, _) = fitted
    intercept, slope = model.scale_
    expected = intercept + slope * model.estimator_.predict(x)
    np.testing.assert_allclose(model.predict(x, groups=codes + 1000), expected)
    np.testing.assert_allclose(model.predict(x, groups=codes, random="none"), expected)
    np.testing.assert_allclose(model.predict(x), expected)


def test_rows_of_known_and_new_groups_are_predicted_together(fitted):
    model, (x, codes, _) = fitted
    mixed = np.where(np.arange(len(codes)) % 3 == 0, codes + 1000, codes)
    together, apart = model.predict(x, groups=mixed), model.predict(x, groups=codes)
    np.testing.assert_allclose(together[mixed == codes], apart[mixed == codes])
    population = model.predict(x, random="none")
    np.testing.assert_allclose(together[mixed != codes], population[mixed != codes])


def test_the_first_iteration_is_the_learner_alone_in_folds_of_groups():
    x, codes, y = between()
    model = MixedEffectsRegressor(TREE, max_iter=1, rescale=False).fit(x, y, groups=codes)
    folds = group_folds(codes.astype(np.int32), 5, 0)
    cv = [(np.setdiff1d(np.arange(len(y)), rows), rows) for rows in folds]
    left = y - cross_val_predict(TREE, x, y, cv=cv)
    fit = pp.lmm("left ~ 0 + (1 | g)", {"left": left, "g": codes}, reml=False)
    assert model.loglik_ == pytest.approx(fit.loglik, rel=1e-9)
    assert model.sigma_ == pytest.approx(fit.sigma, rel=1e-6)


def test_a_linear_learner_comes_to_the_linear_mixed_models_line():
    x, codes, y = between()
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes)
    table = {f"x{i}": x[:, i] for i in range(4)} | {"y": y, "g": codes}
    fit = pp.lmm("y ~ x0 + x1 + x2 + x3 + (1 | g)", table)
    found = model.predict(x, random="none")
    # The mean of a few steps from least squares to generalized least squares.
    assert np.abs(found - np.asarray(fit.predict(random="none"))).max() < 0.5 * fit.sigma


def test_the_mean_of_learners_is_one():
    x, codes, y = between()
    models = [LinearRegression().fit(x[part], y[part]) for part in (codes < 30, codes >= 30)]
    both = Averaged(tuple(models))
    np.testing.assert_allclose(both.predict(x), (models[0].predict(x) + models[1].predict(x)) / 2)


def test_the_mean_of_lines_is_a_line():
    x, codes, y = between()
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes)
    line = model.estimator_
    np.testing.assert_allclose(line.predict(x), line.intercept_ + x @ line.coef_, rtol=1e-9)


class CountedTree(DecisionTreeRegressor):
    fits = 0

    def fit(self, X, y, sample_weight=None):
        CountedTree.fits += 1
        return super().fit(X, y, sample_weight)


def test_a_fit_takes_as_many_learners_as_merf_does():
    x, codes, y = between()
    CountedTree.fits = 0
    MixedEffectsRegressor(CountedTree(max_depth=3)).fit(x, y, groups=codes)
    assert 15 <= CountedTree.fits <= 20


@pytest.mark.parametrize("family", ["poisson", "gamma"])
def test_new_groups_of_counts_have_a_learner_of_their_own(family):
    x, codes, y = between()
    rng = np.random.default_rng(3)
    mean = np.exp((y - y.mean()) / 5)
    drawn = rng.poisson(mean) if family == "poisson" else rng.gamma(4, mean / 4)
    tree = DecisionTreeRegressor(max_depth=4, min_samples_leaf=10, random_state=0)
    model = MixedEffectsRegressor(tree, family=family).fit(x, drawn, groups=codes)
    assert model.known_estimator_ is not model.estimator_
    intercept, slope = model.scale_
    expected = intercept + slope * model.estimator_.predict(x)
    shift = model.varcorr_.terms[0].sd[0] ** 2 / 2  # the mean of exp(b)
    found = np.log(model.predict(x, groups=codes + 1000))
    np.testing.assert_allclose(found - expected, shift, rtol=1e-6)


def test_every_group_weighs_the_same():
    codes = np.array([0, 0, 0, 1], dtype=np.int32)
    assert group_error(np.array([1.0, 1.0, 1.0, 3.0]), codes, None) == pytest.approx(5.0)
    weights = np.array([1.0, 1.0, 0.0, 2.0])
    assert group_error(np.array([1.0, 3.0, 9.0, 3.0]), codes, weights) == pytest.approx(7.0)


def test_the_grouping_factor_with_fewest_levels_makes_the_folds():
    x, _, codes, y = grouped_rows(1, J=12, n=200)
    table = pd.DataFrame(x, columns=["a", "b"]).assign(g=codes, h=codes // 3)
    model = MixedEffectsRegressor(TREE, random="1 | h/g", max_iter=2).fit(table, y)
    found = model.predict_interval(table.assign(h=99), level=0.5)
    assert np.isfinite(found["conf_high"]).all()
