import numpy as np
import pytest

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


def test_a_statistic_of_the_data_stands_among_those_drawn(fit):
    figure = posterior_predictive(fit, 200, seed=1, statistic="sd")
    y, drawn = fit.design.y, fit.simulate(200, 1)
    (axes,) = figure.axes
    assert axes.lines[0].get_xdata()[0] == pytest.approx(y.std(ddof=1))
    beyond = np.mean(drawn.std(axis=0, ddof=1) >= y.std(ddof=1))
    assert axes.texts[0].get_text() == f"{beyond:.2f}"
    assert axes.get_xlabel() == "standard deviation of Reaction"


def test_groups_have_a_panel_each(fit):
    def spread(y):
        return np.ptp(y)

    figure = posterior_predictive(fit, 20, seed=1, statistic=spread, by="Subject")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert len(shown) == 18
    assert shown[0].get_title(loc="left") == "308"
    rows = pp.load_dataset("sleepstudy")["Subject"].to_numpy() == "308"
    assert shown[0].lines[0].get_xdata()[0] == pytest.approx(np.ptp(fit.design.y[rows]))
    early = np.where(pp.load_dataset("sleepstudy")["Days"] < 5, "early", "late")
    figure = posterior_predictive(fit, 20, seed=1, by=early)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["early", "late"]


def test_rows_that_do_not_count_are_no_part_of_a_check():
    data = pp.load_dataset("sleepstudy")
    weights = np.where(data["Days"] == 9, 0.0, 1.0)
    fit = pp.bmm("Reaction ~ Days", data, weights=weights, draws=50, tune=100, seed=1)
    figure = posterior_predictive(fit, 20, seed=1, statistic="max")
    assert figure.axes[0].lines[0].get_xdata()[0] == data["Reaction"][weights > 0].max()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"statistic": "maen"}, r"statistic must be one of .*Did you mean 'mean'"),
        ({"by": "Subjet"}, "'Subjet' is no grouping factor"),
        ({"by": [1, 2]}, "180 rows were fitted"),
        ({"by": np.arange(180)}, "180 levels, more than the 25 panels"),
    ],
)
def test_checks_that_make_no_sense_are_refused(fit, given, message):
    with pytest.raises(DataError, match=message):
        posterior_predictive(fit, 20, seed=1, **given)


def test_random_effects_have_a_caterpillar_of_quantiles(fit):
    figure = caterpillar(fit, level=0.8)
    assert any("Posterior means with 80 % intervals" in t.get_text() for t in figure.texts)
    days = fit.draws.parts["mean"].effects[0][:, :, :, 1]
    order = np.argsort(days.mean(axis=(0, 1)))
    panel = figure.axes[1]
    ends = np.array([s[:, 0] for s in panel.collections[0].get_segments()])
    expected = np.quantile(days, [0.1, 0.9], axis=(0, 1)).T[order]
    np.testing.assert_allclose(ends, expected, rtol=1e-6)
    values = panel.collections[1].get_offsets()[:, 0]
    np.testing.assert_allclose(values, days.mean(axis=(0, 1))[order], rtol=1e-6)
    before = fit.prior(50, seed=1)
    assert any("Prior means" in t.get_text() for t in caterpillar(before).texts)


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
