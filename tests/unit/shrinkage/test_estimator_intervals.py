"""Bootstrap intervals of the estimators."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.exceptions import NotFittedError

import partialpool as pp
from partialpool.errors import DataError


@pytest.fixture(scope="module")
def sleep():
    data = pp.load_dataset("sleepstudy")
    return data[["Days"]], data["Reaction"], data["Subject"]


def test_intervals_are_those_of_the_formula(sleep):
    X, y, subject = sleep
    model = pp.HierarchicalRegressor(0.5).fit(X, y, groups=subject)
    before = model.coef_.copy()
    ours = model.confint(X, y, groups=subject, nsim=30, seed=2)
    data = pp.load_dataset("sleepstudy")
    theirs = pp.penalized("Reaction ~ Days + (Days | Subject)", data, l2=0.5)
    pd.testing.assert_frame_equal(ours, theirs.confint(nsim=30, seed=2), rtol=1e-4)
    np.testing.assert_array_equal(model.coef_, before)


def test_a_chosen_penalty_is_held(sleep):
    X, y, subject = sleep
    tuned = pp.HierarchicalRegressorCV(5, cv="loo", weights="equal").fit(X, y, groups=subject)
    model = pp.HierarchicalRegressor(tuned.l2_, weights="equal").fit(X, y, groups=subject)
    both = [m.confint(X, y, groups=subject, nsim=10, seed=1) for m in (tuned, model)]
    pd.testing.assert_frame_equal(both[0], both[1], rtol=1e-4)


@pytest.mark.parametrize("multi_class", ["multinomial", "ovr"])
def test_intervals_of_several_classes_are_by_class(multi_class):
    X, y = make_classification(300, 3, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    group = np.arange(300) % 10
    model = pp.HierarchicalClassifier(0.02, multi_class=multi_class, weights="equal")
    table = model.fit(X, y, groups=group).confint(X, y, groups=group, nsim=10, seed=1)
    assert table["class"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.testing.assert_array_equal(
        table["estimate"].to_numpy().reshape(3, 4),
        np.column_stack([model.intercept_, model.coef_]),
    )
    assert (table["std_error"] > 0).all()


def test_other_data_and_unfitted_estimators_are_refused(sleep):
    X, y, subject = sleep
    model = pp.HierarchicalRegressor(0.5)
    with pytest.raises(NotFittedError):
        model.confint(X, y, groups=subject)
    model.fit(X, y, groups=subject)
    with pytest.raises(DataError, match="Pass the data that fit was given"):
        model.confint(X, y)
    with pytest.raises(DataError, match="at least 2"):
        model.confint(X, y, groups=subject, nsim=1)
