import pickle

import joblib
import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from partialpool import MixedEffectsClassifier, MixedEffectsRegressor
from partialpool.families import Poisson
from tests.unit.learners.twin import grouped_rows

TREE = DecisionTreeRegressor(max_depth=3, min_samples_leaf=5, random_state=0)


@pytest.mark.parametrize(
    "model",
    [
        MixedEffectsRegressor(TREE),
        MixedEffectsRegressor(TREE, variance="em"),
        MixedEffectsRegressor(TREE, family="poisson"),
        MixedEffectsClassifier(TREE),
    ],
)
def test_a_fitted_model_is_pickled_and_predicts_the_same(model):
    x, _, codes, y = grouped_rows(1)
    target = np.maximum(np.round(y + 2), 0.0) if "poisson" in str(model) else y
    target = (y > 0).astype(int) if isinstance(model, MixedEffectsClassifier) else target
    model.fit(x, target, groups=codes)
    again = pickle.loads(pickle.dumps(model))
    predict = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    # A generalized fit finds its modes again, which leaves the last digit open.
    np.testing.assert_allclose(
        getattr(again, predict)(x, groups=codes),
        getattr(model, predict)(x, groups=codes),
        rtol=1e-13,
    )


def test_a_familys_link_is_the_same_after_pickling():
    assert pickle.loads(pickle.dumps(Poisson())).link is Poisson().link


def test_joblib_keeps_both_learners(tmp_path):
    x, _, codes, y = grouped_rows(1)
    model = MixedEffectsRegressor(TREE).fit(x, y, groups=codes)
    joblib.dump(model, tmp_path / "model.joblib")
    again = joblib.load(tmp_path / "model.joblib")
    mixed = np.where(np.arange(len(y)) % 2, codes, codes + 50)
    for name in ("estimate", "conf_low", "conf_high"):
        np.testing.assert_array_equal(
            again.predict_interval(x, groups=mixed)[name],
            model.predict_interval(x, groups=mixed)[name],
        )
