"""Leaves estimated with the random effects, and boosting of the mixed model's likelihood."""

import pickle

import numpy as np
import pytest
from lightgbm import LGBMRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

import partialpool as pp
from partialpool import MixedEffectsRegressor
from partialpool.errors import ModelError
from partialpool.learners.alternate import Rows
from partialpool.learners.boosting import fit_boosted
from partialpool.learners.grouped import build_design, read_rows
from partialpool.learners.layout import lay_out
from partialpool.learners.variance import make_step
from tests.unit.learners.twin import grouped_rows

TREE = DecisionTreeRegressor(max_leaf_nodes=6, random_state=0)


def test_leaves_are_fixed_effects_of_the_mixed_model():
    x, _, codes, y = grouped_rows(1, J=20, n=400)
    model = MixedEffectsRegressor(TREE, algorithm="leaves", max_iter=1).fit(x, y, groups=codes)
    leaf = model.estimator_.apply(x)
    data = {"y": y, "leaf": leaf.astype(str), "g": codes}
    fit = pp.lmm("y ~ 0 + leaf + (1 | g)", data, reml=False)
    order = np.argsort(np.unique(leaf).astype(str))
    values = model.estimator_.tree_.value[np.unique(leaf)[order], 0, 0]
    np.testing.assert_allclose(values, fit.fixef.values, rtol=1e-6)
    assert model.sigma_ == pytest.approx(fit.sigma, rel=1e-5)
    np.testing.assert_allclose(model.predict(x, groups=codes), fit.fitted, rtol=1e-5)


def test_leaves_raise_the_likelihood_of_a_tree():
    x, _, codes, y = grouped_rows(1, J=20, n=400)
    joint = MixedEffectsRegressor(TREE, algorithm="leaves").fit(x, y, groups=codes)
    apart = MixedEffectsRegressor(TREE, residuals="in-sample", max_iter=1).fit(x, y, groups=codes)
    assert joint.loglik_ > apart.loglik_


def test_what_trees_are_grown_on_is_the_gradient():
    x, Z, codes, y = grouped_rows(2, J=20, n=400)
    layout = lay_out(x, None, codes, Z)
    design = build_design(read_rows(x, layout, codes, Z), layout, y, None)
    part = make_step(design, "ml")(y, None)
    D = part.varcorr.terms[0].cov
    same = codes[:, None] == codes[None, :]
    Sigma = np.where(same, Z @ D @ Z.T, 0.0) + part.sigma**2 * np.eye(len(y))
    gradient = np.linalg.solve(Sigma, y)
    np.testing.assert_allclose(y - part.fitted, part.sigma**2 * gradient, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "learner",
    [
        LGBMRegressor(n_estimators=15, num_leaves=6, verbose=-1, n_jobs=1, random_state=0),
        GradientBoostingRegressor(n_estimators=15, max_depth=2, random_state=0),
    ],
)
def test_boosting_raises_the_likelihood_round_by_round(learner):
    x, _, codes, y = grouped_rows(1, J=20, n=400)
    layout = lay_out(x, None, codes, None)
    done = fit_boosted(learner, Rows(x, y, None, None), read_rows(x, layout, codes), layout)
    logliks = [step.loglik for step in done.history]
    assert np.all(np.diff(logliks) > 0)
    assert len(logliks) == 16
    np.testing.assert_allclose(done.learned.model.predict(x), done.learned.fitted, rtol=1e-9)


def test_a_boosted_model_predicts_known_and_new_groups_and_pickles():
    x, _, codes, y = grouped_rows(1, J=30, n=900)
    learner = LGBMRegressor(n_estimators=40, num_leaves=6, verbose=-1, n_jobs=1)
    model = MixedEffectsRegressor(learner, algorithm="boosting").fit(x, y, groups=codes)
    # The noise's deviation is 0.5.
    assert np.sqrt(np.mean((y - model.predict(x, groups=codes)) ** 2)) < 0.6
    assert 0.45 < model.sigma_ < 0.7
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert model.feature_importances_.shape == (2,)


def test_weights_have_their_place_in_boosting():
    x, _, codes, y = grouped_rows(1, J=20, n=300)
    twice = np.where(np.arange(len(y)) < 100, 2.0, 1.0)
    learner = GradientBoostingRegressor(n_estimators=5, max_depth=2, random_state=0)
    settings = {"algorithm": "boosting", "residuals": "in-sample"}
    model = MixedEffectsRegressor(learner, **settings).fit(x, y, groups=codes, sample_weight=twice)
    plain = MixedEffectsRegressor(learner, **settings).fit(x, y, groups=codes)
    assert not np.allclose(model.predict(x), plain.predict(x))


def test_leaves_are_for_one_tree():
    x, _, codes, y = grouped_rows(1)
    with pytest.raises(ModelError, match="is for one decision tree, found RandomForestRegressor"):
        MixedEffectsRegressor(RandomForestRegressor(), algorithm="leaves").fit(x, y, groups=codes)


def test_boosting_is_for_boosting():
    x, _, codes, y = grouped_rows(1)
    with pytest.raises(ModelError, match=r"is for gradient boosting.*found DecisionTreeRegressor"):
        MixedEffectsRegressor(TREE, algorithm="boosting").fit(x, y, groups=codes)


@pytest.mark.parametrize("algorithm", ["leaves", "boosting"])
def test_expectation_has_no_place_in_them(algorithm):
    x, _, codes, y = grouped_rows(1)
    with pytest.raises(ModelError, match="estimates variances by likelihood"):
        MixedEffectsRegressor(TREE, algorithm=algorithm, variance="em").fit(x, y, groups=codes)
