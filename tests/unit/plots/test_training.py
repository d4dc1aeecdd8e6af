import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from partialpool import MixedEffectsRegressor
from partialpool.compat.merf import MERF
from partialpool.errors import DataError
from partialpool.plots import training
from tests.unit.learners.twin import grouped_rows


def test_a_learners_iterations_are_drawn():
    x, Z, codes, y = grouped_rows(2)
    model = MixedEffectsRegressor(LinearRegression()).fit(x, y, groups=codes, Z=Z)
    panels = training(model, groups=3).axes
    drawn = panels[0].lines[0].get_ydata()
    np.testing.assert_array_equal(drawn, [step.loglik for step in model.history_])
    assert len(panels[1].lines) == 3  # residual and two effects
    assert len(panels[2].lines) == 4  # three groups and the axis


def test_merfs_iterations_are_drawn_with_the_validation_loss():
    x, Z, codes, y = grouped_rows(1)
    clusters = pd.Series(codes)
    merf = MERF(LinearRegression(), max_iterations=4)
    merf.fit(x, Z, clusters, y, x[:9], Z[:9], clusters[:9], y[:9])
    figure = training(merf)
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), merf.gll_history)
    np.testing.assert_array_equal(figure.axes[4].lines[0].get_ydata(), merf.val_loss_history)


def test_a_model_without_groups_is_refused():
    with pytest.raises(DataError, match="found LinearRegression"):
        training(LinearRegression())
