import numpy as np
import pytest
from matplotlib.figure import Figure

import partialpool as pp
from partialpool.errors import DataError
from partialpool.plots import penalty_path


@pytest.fixture(scope="module")
def model():
    sleep = pp.load_dataset("sleepstudy")
    model = pp.HierarchicalRegressorCV(10, cv=5, weights="equal")
    return model.fit(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"])


def test_the_picture_has_a_line_for_each_column_and_each_rule(model):
    upper, lower = penalty_path(model).axes
    rules = len(model.path_.chosen)
    assert len(upper.lines) == 2 + rules
    # Folds and leave-one-out.
    assert len(lower.lines) == 2 + rules
    assert [text.get_text().strip() for text in lower.texts]
    np.testing.assert_allclose(lower.lines[0].get_ydata(), model.path_.errors.mean(axis=1))


def test_many_columns_are_drawn_without_names():
    rng = np.random.default_rng(0)
    X, g = rng.normal(size=(200, 8)), np.arange(200) % 6
    model = pp.HierarchicalRegressorCV(5, cv="reml").fit(
        X, X[:, 0] + rng.normal(size=200), groups=g
    )
    upper, _ = penalty_path(model.path_, Figure()).axes
    assert upper.get_legend() is None


def test_a_model_without_a_path_is_refused():
    with pytest.raises(DataError, match="no path of penalties in a HierarchicalRegressor"):
        penalty_path(pp.HierarchicalRegressor())
