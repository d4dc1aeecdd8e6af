"""hierreg's class, its README example and its formulas."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from partialpool.compat.hierreg import HierarchicalRegression
from partialpool.errors import DataError, ModelError


@pytest.fixture(scope="module")
def example():
    """The data of hierreg's README, as_matrix replaced."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 3))
    groups = pd.get_dummies(rng.integers(low=1, high=4, size=1000).astype("str")).to_numpy()
    y = (37 + 2 * groups[:, 0] - 4 * groups[:, 2]) + X[:, 0] * (2 * groups[:, 1] - groups[:, 0])
    y = y + 0.5 * X[:, 1] + 7 * X[:, 2] - 2 * X[:, 1] ** 2
    return X, y + rng.normal(scale=5, size=1000), groups


def by_hand(X, y, groups, w, v, l2, squared=False):
    """The objective of the package's documentation, for indicators."""
    n_g = groups.sum(axis=0)
    design = np.column_stack([np.ones(len(X)), X])
    omega = (1 / n_g) / (1 / n_g).sum() / design.shape[1]
    residual = y - design @ w - np.einsum("ij,ji->i", design, v[:, groups.argmax(axis=1)])
    if squared:
        return np.mean(residual**2) + l2 * np.sum((omega * v) ** 2)
    return np.sqrt(np.mean(residual**2)) + l2 * np.sqrt(np.sum((omega * v) ** 2))


def test_the_readme_example_runs_after_changing_the_import(example):
    X, y, groups = example
    hlr = HierarchicalRegression()
    hlr.fit(X, y, groups)
    assert np.corrcoef(hlr.predict(X, groups), y)[0, 1] > 0.7
    assert hlr.coef_.shape == (4,)
    assert hlr.group_effects_.shape == (4, 3)


@pytest.mark.parametrize(("interface", "l2"), [("cvxpy", 1.0), ("casadi", 5.0)])
def test_no_small_step_makes_the_documented_objective_smaller(example, interface, l2):
    X, y, groups = example
    hlr = HierarchicalRegression(l2_reg=l2, solver_interface=interface)
    hlr.fit(X, y, groups)
    w, v = hlr.coef_, hlr.group_effects_.to_numpy()
    squared = interface == "casadi"
    best = by_hand(X, y, groups, w, v, l2, squared)
    rng = np.random.default_rng(1)
    for _ in range(50):
        step = by_hand(
            X,
            y,
            groups,
            w + 1e-3 * rng.normal(size=4),
            v + 1e-3 * rng.normal(size=(4, 3)),
            l2,
            squared,
        )
        assert step > best


def test_labels_and_their_indicators_are_the_same_groups(example):
    X, y, groups = example
    labels = pd.Series(groups.argmax(axis=1)).map({0: "X0", 1: "X1", 2: "X2"})
    one, two = HierarchicalRegression(l2_reg=1.0), HierarchicalRegression(l2_reg=1.0)
    one.fit(X, y, groups)
    two.fit(X, y, labels)
    np.testing.assert_allclose(one.predict(X, groups), two.predict(X, labels))
    # hierreg ignores one-dimensional groups when it predicts.
    assert not np.allclose(two.predict(X, labels), two.predict(X, ["new"] * 1000))


def test_a_row_of_no_indicator_belongs_to_no_group(example):
    X, y, groups = example
    none = groups.copy()
    none[::5] = 0
    hlr = HierarchicalRegression(l2_reg=1.0)
    hlr.fit(X, y, none)
    design = np.column_stack([np.ones(1000), X])
    np.testing.assert_allclose(hlr.predict(X, none)[::5], (design @ hlr.coef_)[::5])


def test_a_notebook_like_case_of_several_columns_runs():
    """A frame with two grouping columns and named covariates, tuned on a hold-out set."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"promo": rng.integers(0, 2, 600), "trend": rng.random(600)})
    groups = pd.DataFrame({"store": rng.integers(0, 20, 600), "region": rng.choice([*"ab"], 600)})
    y = frame["promo"] * (1 + 0.2 * groups["store"]) + rng.normal(size=600)
    train = np.arange(600) < 500
    errors = {}
    for l2 in (1e3, 3.0, 1.0):
        hlr = HierarchicalRegression(l2_reg=l2)
        hlr.fit(frame[train], y[train], groups[train])
        errors[l2] = np.mean((hlr.predict(frame[~train], groups[~train]) - y[~train]) ** 2)
    assert min(errors, key=errors.get) < 1e3
    assert list(hlr.group_effects_.index) == ["Intercept", "promo", "trend"]
    assert {"store_0", "region_a"} <= set(hlr.group_effects_.columns)


def test_standardising_does_not_move_the_intercept(example):
    X, y, groups = example
    shifted = X * [1, 10, 100] + [5, 50, -300]
    one = HierarchicalRegression(l2_reg=1.0, standardize=True)
    two = HierarchicalRegression(l2_reg=1.0, standardize=True)
    one.fit(X, y, groups)
    two.fit(shifted, y, groups)
    np.testing.assert_allclose(two.predict(shifted, groups), one.predict(X, groups), rtol=1e-7)


def test_classification_gives_labels_and_probabilities(example):
    X, y, groups = example
    labels = np.where(y > np.median(y), "high", "low")
    hlr = HierarchicalRegression(l2_reg=0.1, problem="classification")
    hlr.fit(X, labels, groups)
    shares = hlr.predict(X, groups, prob=True)
    assert set(hlr.predict(X, groups)) == {"high", "low"}
    # The second label is what the probabilities are of.
    np.testing.assert_array_equal(hlr.predict(X, groups) == "low", shares >= 0.5)
    assert np.mean(hlr.predict(X, groups) == labels) > 0.7


@pytest.mark.parametrize(
    "options",
    [
        {"l1_reg": 0.1},
        {"linf_reg": 0.1},
        {"main_l2_reg": 0.1},
        {"weight_by_nobs": False, "l2_reg": 0.05},
        {"reweight_deviations": True, "l2_reg": 1.0},
        {"fit_intercept": False},
        {"cvxpy_opts": {"solver": "SCS"}, "ipopt_options": {}},
    ],
)
def test_every_option_fits(example, options):
    X, y, groups = example
    hlr = HierarchicalRegression(**{"l2_reg": 1.0, **options})
    hlr.fit(X, y, groups)
    assert np.isfinite(hlr.predict(X, groups)).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"problem": "ranking"}, DataError, "'regression' or 'classification'"),
        ({"solver_interface": "ecos"}, DataError, "'cvxpy'.*or 'casadi'"),
        ({"reweight_deviations": True, "main_l2_reg": 0.1}, ModelError, "l2_reg alone"),
        ({"solver_interface": "casadi", "l1_reg": 0.1}, ModelError, "found l1_reg=0.1"),
        ({"solver_interface": "casadi", "linf_reg": 0.1}, ModelError, "linf_reg=0.1"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(example, options, error, message):
    with pytest.raises(error, match=message):
        HierarchicalRegression(**options).fit(*example)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, g: (X, y, None), "groups are needed"),
        (lambda X, y, g: (X[:, 0], y, g), "rows and columns"),
        (lambda X, y, g: (np.where(X > 2, np.nan, X), y, g), "missing or infinite"),
        (lambda X, y, g: (X, y[:10], g), "10 rows, but X has 1,000"),
    ],
)
def test_data_that_do_not_fit_are_refused(example, change, message):
    with pytest.raises(DataError, match=message):
        HierarchicalRegression().fit(*change(*example))


def test_more_than_two_classes_are_refused(example):
    X, _, groups = example
    with pytest.raises(DataError, match="3 classes"):
        HierarchicalRegression(problem="classification").fit(X, np.arange(1000) % 3, groups)


def test_predictions_before_fitting_are_refused(example):
    X, _, groups = example
    with pytest.raises(NotFittedError, match="Call fit first"):
        HierarchicalRegression().predict(X, groups)
