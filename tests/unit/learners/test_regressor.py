import matplotlib.pyplot as pyplot
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from lightgbm import LGBMRegressor
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import (
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

import partialpool as pp
from partialpool import MixedEffectsRegressor
from partialpool.compat.merf import MERF
from tests.unit.learners.twin import grouped_rows, ratpups

TREE = DecisionTreeRegressor(max_depth=3, min_samples_leaf=5, random_state=0)


@pytest.fixture(scope="module")
def rats():
    X, _, litter, y = ratpups()
    return X.assign(litter=litter), y


def test_in_sample_least_squares_leads_to_the_linear_mixed_model(rats):
    X, y = rats
    model = MixedEffectsRegressor(
        LinearRegression(), random="1 + sex | litter", residuals="in-sample", max_iter=300, tol=0.0
    ).fit(X, y)
    # The two alternate towards the joint maximum: conditional on b, then on f, as Henderson's
    # equations have it; the covariance is then the likelihood's with f given.
    whole = pp.lmm(
        "weight ~ litsize + treatment + sex + (1 + sex | litter)", X.assign(weight=y), reml=False
    )
    # D is ML given f, whose profile differs from joint ML: the coefficients agree to 1 %.
    np.testing.assert_allclose(model.estimator_.coef_, whole.fixef.values[1:], rtol=0.03)
    assert model.sigma_ == pytest.approx(whole.sigma, rel=0.01)


def test_the_random_part_is_the_mixed_model_of_what_the_learner_leaves(rats):
    X, y = rats
    model = MixedEffectsRegressor(TREE, random="1 | litter", residuals="in-sample", max_iter=1).fit(
        X, y
    )
    left = y - model.estimator_.predict(X.drop(columns="litter"))
    fit = pp.lmm("left ~ 0 + (1 | litter)", X.assign(left=left), reml=False)
    assert model.sigma_ == pytest.approx(fit.sigma, rel=1e-7)
    assert model.loglik_ == pytest.approx(fit.loglik, rel=1e-10)
    pd.testing.assert_frame_equal(model.effects(), fit.ranef(cond_sd=True), rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), y - left + fit.fitted, rtol=1e-6)


def test_one_step_of_expectation_is_merfs(rats):
    X, Z, clusters, y = ratpups()
    model = MixedEffectsRegressor(LinearRegression(), variance="em", tol=None)
    model.fit(X, y, groups=clusters, Z=Z)
    merf = MERF(LinearRegression()).fit(X, Z, clusters, y)
    assert model.sigma_**2 == pytest.approx(merf.sigma2_hat_history[-1], rel=1e-10)
    np.testing.assert_allclose(
        model.effects()["sex"], merf.trained_b.sort_index()[0], rtol=1e-8, atol=1e-12
    )
    np.testing.assert_allclose(
        model.predict(X, groups=clusters, Z=Z), merf.predict(X, Z, clusters), rtol=1e-10
    )


def test_a_formula_and_arrays_say_the_same(rats):
    X, y = rats
    Z = np.column_stack([np.ones(len(X)), X["sex"]])
    by_formula = MixedEffectsRegressor(TREE, random="1 + sex | litter").fit(X, y)
    features = X.drop(columns="litter")
    by_arrays = MixedEffectsRegressor(TREE).fit(features, y, groups=X["litter"], Z=Z)
    assert by_arrays.sigma_ == pytest.approx(by_formula.sigma_, rel=1e-12)
    predicted = by_arrays.predict(features, groups=X["litter"], Z=Z)
    np.testing.assert_allclose(predicted, by_formula.predict(X), rtol=1e-12)


@pytest.mark.parametrize(
    "random",
    ["(1 | litter) + (1 | sire)", "1 | sire/litter", "1 + sex || litter", "cs(0 + sire | litter)"],
)
def test_several_terms_and_structures_are_those_of_the_linear_model(rats, random):
    X, y = rats
    X = X.assign(sire=np.where(np.arange(len(X)) % 3 == 0, "a", "b"))
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LinearRegression())
    model = MixedEffectsRegressor(pipeline, random=random, residuals="in-sample", max_iter=1)
    model.fit(X, y)
    gone = model._layout.leaving
    left = y - model.estimator_.predict(X.drop(columns=list(gone)))
    text = random if random.startswith(("(", "cs")) else f"({random})"
    fit = pp.lmm(f"left ~ 0 + {text}", X.assign(left=left), reml=False)
    for ours, theirs in zip(model.varcorr_.terms, fit.varcorr.terms, strict=True):
        np.testing.assert_allclose(ours.cov, theirs.cov, rtol=1e-6, atol=1e-10)


def test_an_overfitting_learner_does_not_shrink_the_residual_variance():
    x, _, codes, y = grouped_rows(1, J=30, n=600)
    forest = RandomForestRegressor(60, random_state=1)
    honest = MixedEffectsRegressor(forest, max_iter=5).fit(x, y, groups=codes)
    merf = MixedEffectsRegressor(forest, variance="em", max_iter=5, tol=None)
    merf = merf.fit(x, y, groups=codes)
    assert merf.sigma_ < 0.4
    assert 0.5 < honest.sigma_ < 0.75  # the truth is 0.5; the learner's own error adds to it


def test_iterations_stop_where_the_likelihood_stays_the_same(rats):
    X, y = rats
    model = MixedEffectsRegressor(
        LinearRegression(), random="1 | litter", tol=1e-6, residuals="in-sample"
    ).fit(X, y)
    logliks = [step.loglik for step in model.history_]
    assert model.converged_
    assert model.n_iter_ == len(logliks) < 20
    assert model.loglik_ == pytest.approx(max(logliks), rel=1e-12)


def test_rows_in_another_order_give_the_same(rats):
    X, y = rats
    order = np.random.default_rng(1).permutation(len(X))
    settings = {"random": "1 | litter", "residuals": "in-sample"}
    model = MixedEffectsRegressor(TREE, **settings).fit(X, y)
    other = MixedEffectsRegressor(TREE, **settings).fit(X.iloc[order], y.iloc[order])
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=1e-10)


def test_text_groups_and_single_rows_are_welcome():
    x, _, codes, y = grouped_rows(1)
    names = pd.Series([f"g{code}" for code in codes], dtype="string", name="plant")
    model = MixedEffectsRegressor(TREE).fit(x, y, groups=names)
    assert model.effects()["plant"].tolist() == sorted(set(names))
    assert np.isfinite(model.predict(x, groups=names)).all()


def test_weights_reach_learner_and_random_part(rats):
    X, y = rats
    w = np.linspace(0.5, 2.0, len(y))
    model = MixedEffectsRegressor(
        make_pipeline(StandardScaler(), LinearRegression()),
        random="1 | litter",
        residuals="in-sample",
        max_iter=1,
    ).fit(X, y, sample_weight=w)
    features = X.drop(columns="litter")
    alone = LinearRegression().fit(features, y, sample_weight=w)
    np.testing.assert_allclose(model.estimator_.predict(features), alone.predict(features))
    left = y - alone.predict(features)
    fit = pp.lmm("left ~ 0 + (1 | litter)", X.assign(left=left), weights=w, reml=False)
    assert model.sigma_ == pytest.approx(fit.sigma, rel=1e-7)


def test_missing_features_are_left_to_the_learner(rats):
    X, y = rats
    X = X.assign(litsize=X["litsize"].where(np.arange(len(X)) % 7 != 0))
    model = MixedEffectsRegressor(TREE, random="1 | litter").fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_other_libraries_tables_are_welcome_and_come_back(rats):
    import polars as pl

    X, y = rats
    table = pl.from_pandas(X)
    model = MixedEffectsRegressor(TREE, random="1 | litter").fit(table, y.to_numpy())
    assert isinstance(model.effects(), pl.DataFrame)
    assert isinstance(model.predict_interval(table), pl.DataFrame)
    reference = MixedEffectsRegressor(TREE, random="1 | litter").fit(X, y)
    np.testing.assert_allclose(model.predict(table), reference.predict(X), rtol=1e-12)


def test_out_of_bag_predictions_serve_where_there_are_some(rats):
    X, y = rats
    forest = RandomForestRegressor(60, random_state=1)
    model = MixedEffectsRegressor(forest, random="1 | litter", max_iter=1, rescale=False).fit(X, y)
    left = y - model.known_estimator_.oob_prediction_
    fit = pp.lmm("left ~ 0 + (1 | litter)", X.assign(left=left), reml=False)
    assert model._fitted.known.sigma == pytest.approx(fit.sigma, rel=1e-7)


def test_too_few_trees_for_out_of_bag_fall_back_on_folds(rats):
    X, y = rats
    forest = RandomForestRegressor(3, random_state=1)
    model = MixedEffectsRegressor(forest, random="1 | litter", max_iter=1).fit(X, y)
    assert not hasattr(model.known_estimator_, "oob_prediction_")


def test_rescaling_is_the_mixed_model_of_held_out_predictions(rats):
    X, y = rats
    forest = RandomForestRegressor(60, random_state=1)
    model = MixedEffectsRegressor(forest, random="1 | litter", max_iter=1).fit(X, y)
    held_out = X.assign(f=model.known_estimator_.oob_prediction_, y=y)
    fit = pp.lmm("y ~ f + (1 | litter)", held_out, reml=False)
    np.testing.assert_allclose(model._fitted.known.scale, fit.fixef.values, rtol=1e-8)


def test_scikit_learns_inspection_works_on_it(rats):
    X, y = rats
    model = MixedEffectsRegressor(TREE, random="1 | litter").fit(X, y)
    found = permutation_importance(model, X, y, n_repeats=3, random_state=1)
    assert found.importances_mean[list(X).index("litter")] > 0.05
    curve = partial_dependence(model, X.astype(float), ["litsize"], kind="average")
    assert np.ptp(curve["average"]) > 0.1


def test_it_is_cloned_and_searched_as_any_estimator(rats):
    X, y = rats
    model = clone(MixedEffectsRegressor(TREE, random="1 | litter", max_iter=2))
    search = GridSearchCV(model, {"estimator__max_depth": [1, 3]}, cv=2).fit(X, y)
    assert search.best_params_["estimator__max_depth"] in (1, 3)


@pytest.mark.parametrize(
    "learner",
    [
        LGBMRegressor(n_estimators=10, verbose=-1, n_jobs=1),
        MLPRegressor(hidden_layer_sizes=(8,), tol=100.0, n_iter_no_change=1, random_state=0),
        SVR(),
    ],
)
def test_learners_of_every_kind_are_welcome(rats, learner):
    X, y = rats
    model = MixedEffectsRegressor(learner, random="1 | litter", max_iter=2).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.sigma_ > 0


def test_a_forest_is_the_default(rats):
    X, y = rats
    model = MixedEffectsRegressor(random="1 | litter", max_iter=1).fit(X.head(60), y.head(60))
    assert len(model.known_estimator_.estimators_) == 300
    assert model.feature_importances_.shape == (3,)


def test_predictions_without_random_effects_need_no_groups():
    x, _, codes, y = grouped_rows(1)
    table = pd.DataFrame(x).rename(columns=lambda i: f"x{i}").assign(g=codes)
    fitted = MixedEffectsRegressor(LinearRegression(), random="1 | g").fit(table, y)
    without = fitted.predict(table.drop(columns="g"), random="none")
    np.testing.assert_array_equal(without, fitted.predict(table, random="none"))
    found = fitted.predict_interval(table.drop(columns="g"), random="none")
    np.testing.assert_array_equal(found["estimate"], without)
    assert (found["conf_high"] > found["conf_low"]).all()


def test_partial_dependence_is_drawn(rats):
    X, y = rats
    model = MixedEffectsRegressor(TREE, random="1 | litter", max_iter=1).fit(X.astype(float), y)
    shown = PartialDependenceDisplay.from_estimator(model, X.astype(float), ["litsize", "sex"])
    assert len(shown.lines_.ravel()) == 2
    pyplot.close("all")


def test_a_pipeline_of_columns_is_a_learner_and_a_step(rats):
    X, y = rats
    words = X.assign(treatment=np.array(["none", "low", "high"])[X["treatment"]])
    coded = make_column_transformer((OneHotEncoder(), ["treatment"]), remainder="passthrough")
    inner = MixedEffectsRegressor(make_pipeline(coded, TREE), random="1 | litter", max_iter=1)
    outer = make_pipeline(FunctionTransformer(), inner).set_output(transform="pandas")
    found = outer.fit(words, y).predict(words)
    np.testing.assert_allclose(found, inner.fit(words, y).predict(words))


def test_levels_that_no_row_has_are_no_groups(rats):
    X, y = rats
    known = X["litter"].astype(str)
    wide = X.assign(litter=pd.Categorical(known, categories=[*known.unique(), "99", "100"]))
    model = MixedEffectsRegressor(TREE, random="1 | litter", max_iter=1).fit(wide, y)
    assert len(model.effects()) == known.nunique()


def test_arrows_tables_come_back(rats):
    X, y = rats
    table = pa.Table.from_pandas(X, preserve_index=False)
    model = MixedEffectsRegressor(TREE, random="1 | litter", max_iter=1).fit(table, y)
    assert isinstance(model.predict_interval(table), pa.Table)
    without = model.predict(table.drop_columns(["litter"]), random="none")
    np.testing.assert_allclose(without, model.predict(table, random="none"))
