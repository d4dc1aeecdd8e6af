import numpy as np
from matplotlib.figure import Figure

import partialpool as pp


def sleep():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


def test_residuals_are_drawn_in_order_and_by_mean():
    found = sleep().quantile_residuals(seed=1)
    figure = pp.plots.quantile_residuals(found)
    left, right = figure.axes
    drawn = left.lines[1].get_ydata()
    np.testing.assert_allclose(drawn, np.sort(found.values))
    assert len(right.lines[0].get_ydata()) == 180
    assert "uniformity p" in figure.texts[1].get_text()


def test_groups_are_drawn_by_their_influence():
    fit = sleep()
    figure = pp.plots.group_influence(fit)
    (axes,) = figure.axes
    labels = [text.get_text() for text in axes.get_yticklabels()]
    table = fit.group_influence().sort_values("cooks")
    assert labels == table["Subject"].tolist()
    assert figure.texts[0].get_text() == "Influence of Subject"


def test_pictures_can_be_drawn_in_a_figure_that_is_given():
    figure = Figure()
    assert pp.plots.group_influence(sleep(), figure=figure) is figure
    other = Figure()
    assert pp.plots.quantile_residuals(sleep().quantile_residuals(50), figure=other) is other
