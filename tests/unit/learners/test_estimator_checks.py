"""scikit-learn's own checks of estimators, and its routing of metadata."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, cross_validate
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from partialpool import MixedEffectsClassifier, MixedEffectsRegressor
from partialpool.errors import PartialPoolWarning
from tests.unit.learners.twin import grouped_rows


@parametrize_with_checks(
    [
        MixedEffectsRegressor(LinearRegression(), max_iter=2),
        MixedEffectsRegressor(DecisionTreeRegressor(max_depth=4, random_state=0), max_iter=2),
        # In-sample, since folds of repeated rows aren't those of weighted ones.
        MixedEffectsClassifier(LinearRegression(), residuals="in-sample", max_iter=2),
    ]
)
def test_scikit_learns_checks_pass(estimator, check):
    with warnings.catch_warnings():
        # The checks bring no groups; some bring bad data on purpose.
        warnings.simplefilter("ignore")
        check(estimator)


def test_groups_and_columns_are_routed():
    x, Z, codes, y = grouped_rows(2, J=20, n=300)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MixedEffectsRegressor(LinearRegression())
        for ask in (model.set_fit_request, model.set_score_request):
            ask(groups=True, Z=True)
        found = cross_validate(
            model, x, y, cv=GroupKFold(4), params={"groups": codes, "Z": Z}, return_estimator=True
        )
    assert np.isfinite(found["test_score"]).all()
    assert len(found["estimator"][0].effects()) < 20


def test_without_groups_the_learner_is_fitted_alone_and_says_so():
    x, _, _, y = grouped_rows(1)
    with pytest.warns(PartialPoolWarning, match="the learner is fitted alone"):
        model = MixedEffectsRegressor(LinearRegression()).fit(x, y)
    np.testing.assert_allclose(model.predict(x), LinearRegression().fit(x, y).predict(x))
