import numpy as np
import pytest
from matplotlib.figure import Figure

import partialpool as pp
from partialpool.errors import DataError, ModelError, UnknownNameError
from partialpool.plots import caterpillar, posterior_intervals, posterior_predictive, trace


@pytest.fixture(scope="module")
def fit():
    data = pp.load_dataset("sleepstudy")
    return pp.bmm("Reaction ~ Days + (Days | Subject)", data, draws=100, tune=300, seed=1)


def test_every_parameter_has_a_path_of_every_chain(fit):
    axes = trace(fit, ["Days", "sigma"]).axes
    assert len(axes) == 4
    assert len(axes[1].lines) == 4
    np.testing.assert_array_equal(axes[1].lines[0].get_ydata(), fit.parameters["Days"][0])


def test_intervals_are_quantiles(fit):
    figure = posterior_intervals(fit, ["Days"], level=0.8)
    (low, high) = figure.axes[0].collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose([low, high], np.quantile(fit.parameters["Days"], [0.1, 0.9]))


def test_data_stand_beside_drawn_responses(fit):
    axes = posterior_predictive(fit, 7, seed=1).axes[0]
    assert len(axes.patches) == 8
    assert axes.get_xlabel() == "Reaction"


def test_random_effects_have_a_caterpillar(fit):
    assert isinstance(caterpillar(fit), Figure)


def test_what_is_not_there_is_not_drawn(fit):
    with pytest.raises(UnknownNameError, match=r"no parameter 'days'\. Did you mean 'Days'"):
        trace(fit, ["days"])
    with pytest.raises(ModelError, match="no probability"):
        posterior_intervals(fit, level=2)


@pytest.mark.parametrize("draw", ["trace", "posterior_intervals", "posterior_predictive"])
def test_fits_without_draws_are_refused(draw):
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
    with pytest.raises(DataError, match="LmmFit has none"):
        getattr(pp.plots, draw)(fit)
