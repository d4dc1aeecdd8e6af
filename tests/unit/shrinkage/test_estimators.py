"""The scikit-learn estimators."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import partialpool as pp
from partialpool.errors import DataError, ModelError, PartialPoolWarning

EVERY = [
    pp.HierarchicalRegressor(),
    pp.HierarchicalRegressor(loss="squared", standardize=True),
    pp.HierarchicalClassifier(),
    pp.HierarchicalClassifier(multi_class="ovr", squared=True),
    pp.HierarchicalRegressorCV(5),
    pp.HierarchicalClassifierCV(5),
]


# scikit-learn's own data separate their classes, which we say.
@pytest.mark.filterwarnings("ignore::partialpool.errors.PartialPoolWarning")
@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API.*")
@pytest.mark.filterwarnings("ignore::UserWarning:sklearn")
@parametrize_with_checks(EVERY)
def test_scikit_learns_checks_pass(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def sleep():
    data = pp.load_dataset("sleepstudy")
    return data[["Days"]], data["Reaction"], data["Subject"]


@pytest.fixture(scope="module")
def shops():
    rng = np.random.default_rng(0)
    n = 400
    X = rng.normal(loc=3.0, scale=[1.0, 20.0], size=(n, 2))
    groups = pd.DataFrame(
        {"shop": rng.integers(0, 12, size=n), "town": rng.choice(["x", "y", "z"], size=n)}
    )
    y = X @ [1.0, 0.1] + rng.normal(size=12)[groups["shop"]] * X[:, 0] + rng.normal(size=n)
    return X, y, groups


def fitted(shops, **options):
    X, y, groups = shops
    return pp.HierarchicalRegressor(weights="equal", **{"l2": 0.02, **options}).fit(X, y, groups)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dict", "numpy"])
def test_groups_of_every_library_give_the_same_fit(shops, kind):
    X, y, groups = shops
    texts = groups.astype(str)
    as_given = {
        "pandas": texts,
        "polars": pl.from_pandas(texts),
        "pyarrow": pa.Table.from_pandas(texts),
        "dict": {name: texts[name].to_numpy() for name in texts},
        "numpy": texts.to_numpy(),
    }[kind]
    model = pp.HierarchicalRegressor(0.02, weights="equal").fit(X, y, groups=as_given)
    np.testing.assert_allclose(
        model.predict(X, groups=as_given), fitted(shops).predict(X, groups=groups), rtol=1e-7
    )


def test_numbers_and_their_texts_are_the_same_labels(sleep):
    X, y, subject = sleep
    model = pp.HierarchicalRegressor().fit(X, y, groups=subject.astype(int).tolist())
    np.testing.assert_array_equal(
        model.predict(X, groups=subject), model.predict(X, groups=subject.astype(int))
    )


def test_unseen_and_missing_labels_are_predicted_by_the_shared_coefficients(shops):
    X, _, groups = shops
    model = fitted(shops)
    shared = X @ model.coef_ + model.intercept_
    new = pd.DataFrame({"shop": [99] * len(X), "town": [None] * len(X)})
    np.testing.assert_allclose(model.predict(X, groups=new), shared)
    np.testing.assert_allclose(model.predict(X), shared)
    assert not np.allclose(model.predict(X, groups=groups), shared)


def test_rows_without_a_label_take_part_in_the_shared_coefficients_alone(shops):
    X, y, groups = shops
    labels = groups["shop"].astype(object).where(np.arange(len(y)) % 3 > 0, None)
    model = pp.HierarchicalRegressor(0.02, weights="equal").fit(X, y, groups=labels)
    assert len(model.group_effects_) == 12
    assert np.isfinite(model.predict(X, groups=labels)).all()


def test_predictions_are_the_coefficients_of_the_frame(shops):
    X, _, groups = shops
    model = fitted(shops)
    frame = model.group_effects_.set_index(["group", "level"])
    row = frame.loc[("shop", groups["shop"][0])] + frame.loc[("town", groups["town"][0])]
    by_hand = model.intercept_ + row["Intercept"] + X[0] @ (model.coef_ + row[["x0", "x1"]])
    np.testing.assert_allclose(model.predict(X[:1], groups=groups[:1])[0], by_hand)


@pytest.mark.parametrize("metric", [False, True])
def test_standardising_is_fitting_standardised_columns(shops, metric):
    X, y, groups = shops
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    options = {"weights": "equal", "reweight_deviations": metric}
    inside = pp.HierarchicalRegressor(0.02, standardize=True, **options).fit(X, y, groups)
    outside = pp.HierarchicalRegressor(0.02, **options).fit(scaled, y, groups)
    np.testing.assert_allclose(
        inside.predict(X, groups=groups), outside.predict(scaled, groups=groups), rtol=1e-6
    )
    np.testing.assert_allclose(inside.coef_, outside.coef_ / X.std(axis=0), rtol=1e-6)


def test_sparse_columns_give_what_dense_ones_do(shops):
    X, y, groups = shops
    thin = np.where(np.abs(X) > 2.5, X, 0.0)
    for options in ({}, {"standardize": True, "fit_intercept": False}, {"deviations": [1]}):
        dense = pp.HierarchicalRegressor(0.02, **options).fit(thin, y, groups)
        wide = pp.HierarchicalRegressor(0.02, **options).fit(sparse.csr_matrix(thin), y, groups)
        np.testing.assert_allclose(
            wide.predict(sparse.csr_matrix(thin), groups=groups),
            dense.predict(thin, groups=groups),
            rtol=1e-6,
        )


def test_columns_that_depend_on_others_are_left_out(shops):
    X, y, groups = shops
    double = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(len(X))])
    model = pp.HierarchicalRegressor(0.02, weights="equal", deviations=[0, 1])
    model.fit(double, y, groups)
    np.testing.assert_array_equal(model.coef_[2:], 0.0)
    np.testing.assert_allclose(
        model.predict(double, groups=groups), fitted(shops).predict(X, groups=groups), rtol=1e-7
    )


def test_weights_of_rows_are_repetitions(shops):
    X, y, groups = shops
    count = np.arange(len(y)) % 3
    again = np.repeat(np.arange(len(y)), count)
    one = pp.HierarchicalRegressor(1.0).fit(X, y, groups, sample_weight=count)
    other = pp.HierarchicalRegressor(1.0).fit(X[again], y[again], groups.iloc[again])
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-7)
    np.testing.assert_allclose(one.objective_, other.objective_)


@pytest.mark.parametrize("deviations", ["intercept", [1], ["x1"]])
def test_only_the_columns_named_deviate(shops, deviations):
    X, y, groups = shops
    frame = pd.DataFrame(X, columns=["x0", "x1"])
    model = pp.HierarchicalRegressor(0.02, deviations=deviations).fit(frame, y, groups)
    own = [] if deviations == "intercept" else ["x1"]
    assert list(model.group_effects_.columns) == ["group", "level", "Intercept", *own]


def test_given_weights_hold_levels_apart(sleep):
    X, y, subject = sleep
    weights = dict.fromkeys(subject.unique(), 1.0) | {"308": 1e6}
    model = pp.HierarchicalRegressor(0.05, weights=weights).fit(X, y, groups=subject)
    frame = model.group_effects_.set_index("level")
    assert abs(frame.loc["308", "Days"]) < 1e-6 < abs(frame.loc["309", "Days"])


@pytest.mark.parametrize(
    ("options", "groups", "message"),
    [
        ({"weights": {"308": 1.0}}, None, "no entry for level '309'"),
        ({"weights": "sizes"}, None, "must be 'size', 'equal' or a mapping"),
        ({"weights": {f"{i}": -1.0 for i in range(300, 400)}}, None, "positive numbers"),
        ({"loss": "huber"}, None, "'rms' or 'squared'"),
        ({"l2": -1.0}, None, "l2 must be a number that is not negative"),
        ({"deviations": "none"}, None, "'all', 'intercept' or a list"),
        ({"deviations": ["Dais"]}, None, "Did you mean 'Days'"),
        ({"deviations": [4]}, None, "columns 0 to 0"),
        ({"deviations": "intercept", "fit_intercept": False}, None, "nothing that could deviate"),
        ({"deviations": [], "fit_intercept": False}, None, "nothing that could deviate"),
        ({}, ["a", "b"], "2 rows, but X has 180"),
        ({}, np.zeros((180, 1, 1)), "3 dimensions"),
    ],
)
def test_what_cannot_be_meant_is_refused(sleep, options, groups, message):
    X, y, subject = sleep
    with pytest.raises(DataError, match=message):
        pp.HierarchicalRegressor(**options).fit(X, y, subject if groups is None else groups)


@pytest.mark.parametrize(
    ("options", "groups", "message"),
    [
        ({"reweight_deviations": True, "l1": 0.1}, None, "go with l2 alone"),
        ({"reweight_deviations": True, "l2": 0.0}, None, "which is 0"),
        ({}, [None] * 180, "every label of the grouping column 'group' is missing"),
    ],
)
def test_models_that_do_not_exist_are_refused(sleep, options, groups, message):
    X, y, subject = sleep
    with pytest.raises(ModelError, match=message):
        pp.HierarchicalRegressor(**options).fit(X, y, subject if groups is None else groups)


def test_other_grouping_columns_at_prediction_are_refused(shops):
    X, _, groups = shops
    with pytest.raises(DataError, match=r"1 column.*was fitted with 2: 'shop', 'town'"):
        fitted(shops).predict(X, groups=groups["shop"])


def test_renamed_grouping_columns_at_prediction_are_refused(shops):
    X, _, groups = shops
    model = fitted(shops)
    with pytest.raises(DataError, match=r"columns 'Shop', 'town', but .* with 'shop', 'town'"):
        model.predict(X, groups=groups.rename(columns={"shop": "Shop"}))
    same = model.predict(X, groups=groups)
    np.testing.assert_array_equal(model.predict(X, groups=groups[["town", "shop"]]), same)
    np.testing.assert_array_equal(model.predict(X, groups=groups.to_numpy(object)), same)


@pytest.mark.parametrize("model", [pp.HierarchicalRegressor(), pp.HierarchicalRegressorCV(3)])
def test_a_single_level_is_said_not_to_deviate(sleep, model):
    X, y, _ = sleep
    with pytest.warns(PartialPoolWarning, match="a single level, which cannot deviate"):
        model.fit(X, y, groups=["a"] * 180)


@pytest.mark.parametrize(("cv", "folds"), [(None, 5), ("group-kfold", 3), (KFold(4), 4)])
def test_folds_are_as_many_as_there_can_be(sleep, cv, folds, recwarn):
    X, y, _ = sleep
    model = pp.HierarchicalRegressorCV(3, cv=cv, weights="equal")
    model.fit(X, y, groups=np.arange(180) % 3)
    assert model.path_.errors.shape == (3, folds)
    assert not [w for w in recwarn if "groups parameter is ignored" in str(w.message)]


def test_one_group_cannot_be_left_out(sleep):
    X, y, _ = sleep
    with pytest.raises(DataError, match="there is a single one"):
        pp.HierarchicalRegressorCV(3, cv="group-kfold").fit(X, y, groups=["a"] * 180)


def test_a_penalty_too_large_for_any_deviation_warns(sleep):
    X, y, subject = sleep
    with pytest.warns(PartialPoolWarning, match="no group deviates: l2=100 is above 37.6"):
        pp.HierarchicalRegressor(100.0).fit(X, y, groups=subject)


def test_effects_before_fitting_are_refused():
    with pytest.raises(NotFittedError):
        pp.HierarchicalRegressor().group_effects_  # noqa: B018 - reading it is the test


def test_groups_are_routed_through_pipelines_and_searches(sleep):
    X, y, subject = sleep
    with sklearn.config_context(enable_metadata_routing=True):
        model = pp.HierarchicalRegressor(0.03, weights="equal")
        for request in (model.set_fit_request, model.set_predict_request, model.set_score_request):
            request(groups=True)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), model),
            {"hierarchicalregressor__l2": [0.003, 0.03, 0.1]},
            cv=3,
        )
        search.fit(X, y, groups=subject)
        assert search.best_params_["hierarchicalregressor__l2"] < 0.1
        scores = cross_val_score(clone(model), X, y, cv=3, params={"groups": subject})
        assert np.isfinite(scores).all()


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_classes_are_predicted_with_probabilities(multi_class):
    X, y = make_classification(400, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    group = np.arange(400) % 10
    names = np.array(["low", "mid", "top"])[y]
    model = pp.HierarchicalClassifier(0.02, multi_class=multi_class, weights="equal")
    model.fit(X, names, groups=group)
    shares = model.predict_proba(X, groups=group)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    np.testing.assert_array_equal(
        model.classes_[shares.argmax(axis=1)], model.predict(X, groups=group)
    )
    assert model.score(X, names, groups=group) > 0.6
    assert list(model.group_effects_["class"].unique()) == ["low", "mid", "top"]
    assert model.dual_gap_ < 1e-8


def test_two_classes_are_the_multinomial_models_limit():
    """Two classes of one model, and the same as a multinomial one: the same pooled fit."""
    X, y = make_classification(300, 3, n_informative=2, n_redundant=0, random_state=1)
    two = pp.HierarchicalClassifier(1e-9).fit(X, y)
    from sklearn.linear_model import LogisticRegression

    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(two.coef_, reference.coef_, rtol=1e-4)


def test_one_class_is_refused():
    with pytest.raises(ModelError, match="y holds 1 class"):
        pp.HierarchicalClassifier().fit(np.ones((4, 1)), ["a"] * 4)


def test_classes_that_are_separated_are_said_to_be():
    X = np.arange(20.0)[:, None]
    with pytest.warns(PartialPoolWarning, match="separate the classes"):
        model = pp.HierarchicalClassifier().fit(X, X[:, 0] > 9)
    assert model.score(X, X[:, 0] > 9) == 1.0


# New groups of balanced data are predicted alike by every penalty: the largest is chosen.
@pytest.mark.filterwarnings("ignore:no group deviates")
@pytest.mark.parametrize(
    "cv", [3, "loo", "reml", "leave-one-group-out", "group-kfold", GroupKFold(3)]
)
def test_every_rule_chooses_a_penalty_on_the_path(sleep, cv):
    X, y, subject = sleep
    model = pp.HierarchicalRegressorCV(8, cv=cv, weights="equal").fit(X, y, groups=subject)
    path = model.path_
    assert path.l2[-1] <= model.l2_ <= path.l2[0]
    assert path.l2[0] == pytest.approx(path.largest)
    assert not path.spread[0].any()
    assert (np.diff(path.spread[:, 0]) >= -1e-9).all()
    own = pp.HierarchicalRegressor(model.l2_, weights="equal").fit(X, y, groups=subject)
    np.testing.assert_allclose(own.coef_, model.coef_, rtol=1e-6)


def test_one_standard_error_means_a_larger_penalty(sleep):
    X, y, subject = sleep
    both = [
        pp.HierarchicalRegressorCV(10, rule=rule).fit(X, y, groups=subject).l2_
        for rule in ("min", "one_se")
    ]
    assert both[0] <= both[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": "bootstrap"}, "number of folds, a splitter or one of"),
        ({"cv": 2.5}, "whole number of folds.*found 2.5"),
        ({"cv": 1}, "from 2 to the number of rows"),
        ({"rule": "max"}, "'min' or 'one_se'"),
        ({"l2s": [-1.0]}, "positive numbers"),
    ],
)
def test_rules_that_do_not_exist_are_refused(sleep, options, message):
    X, y, subject = sleep
    with pytest.raises(DataError, match=message):
        pp.HierarchicalRegressorCV(**options).fit(X, y, groups=subject)


def test_penalties_of_squared_and_reweighted_models_are_chosen_too(sleep):
    X, y, subject = sleep
    for options in ({"loss": "squared"}, {"reweight_deviations": True}, {"linf": 0.01}):
        model = pp.HierarchicalRegressorCV(6, cv=3, weights="equal", **options)
        model.fit(X, y, groups=subject)
        assert model.path_.errors.shape == (6, 3)
        assert model.score(X, y, groups=subject) > 0.6


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_a_classifiers_penalty_is_chosen_by_log_loss(multi_class):
    X, y = make_classification(200, 3, n_informative=3, n_redundant=0, n_classes=3, random_state=2)
    model = pp.HierarchicalClassifierCV(4, cv=3, multi_class=multi_class, deviations="intercept")
    model.fit(X, y, groups=np.arange(200) % 5)
    assert 0 < model.path_.errors.min() < np.log(3)


@pytest.mark.slow
def test_cross_validation_predicts_within_a_percent_of_the_mixed_model():
    from benchmarks.penalized_data import make_well_specified

    ours, theirs = [], []
    for seed in range(20):
        x, y, g, mean = make_well_specified(seed)
        train = np.arange(len(g)) % 40 < 20
        frame = pd.DataFrame(x, columns=["x0", "x1"]).assign(y=y, g=g)
        mixed = pp.lmm("y ~ x0 + x1 + (x0 + x1 | g)", frame[train])
        theirs.append(np.sqrt(np.mean((mixed.predict(frame[~train]) - mean[~train]) ** 2)))
        model = pp.HierarchicalRegressorCV(30, weights="equal", standardize=True)
        model.fit(x[train], y[train], groups=g[train])
        error = model.predict(x[~train], groups=g[~train]) - mean[~train]
        ours.append(np.sqrt(np.mean(error**2)))
    assert np.mean(ours) < 1.01 * np.mean(theirs)
