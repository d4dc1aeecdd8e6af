import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import partialpool as pp
from partialpool.errors import ModelError
from partialpool.plots import caterpillar


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))


def test_each_effect_has_a_panel_with_its_levels_in_order(fit):
    panels = caterpillar(fit).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["Intercept", "Days"]
    labels = [text.get_text() for text in panels[1].get_yticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("335", "308", 18)
    values = panels[1].collections[1].get_offsets()[:, 0]
    assert np.all(np.diff(values) >= 0)
    # lme4 1.1-31, tests/reference/fits.
    np.testing.assert_allclose([values[0], values[-1]], [-10.752159, 9.198972], rtol=1e-4)


def test_intervals_are_the_normal_quantile_times_the_conditional_sd(fit):
    (low, high) = caterpillar(fit).axes[1].collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(high - low, 2 * 1.959964 * 2.304837, rtol=1e-4)


def test_another_level_makes_other_intervals_and_says_so(fit):
    figure = caterpillar(fit, level=0.5)
    (low, high) = figure.axes[1].collections[0].get_segments()[0][:, 0]
    np.testing.assert_allclose(high - low, 2 * 0.6744898 * 2.304837, rtol=1e-4)
    assert any("50 % intervals" in text.get_text() for text in figure.texts)


def test_several_terms_on_one_factor_stand_side_by_side():
    fit = pp.lmm(
        "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)", pp.load_dataset("sleepstudy")
    )
    titles = [panel.get_title(loc="left") for panel in caterpillar(fit, "Subject").axes]
    assert titles == ["Intercept", "Days"]


def test_each_panel_says_what_its_effects_are_measured_in(fit):
    units = [panel.get_xlabel() for panel in caterpillar(fit).axes]
    assert units == ["Reaction", "Reaction per unit of Days"]


def test_a_factors_effects_are_measured_in_units_of_the_response():
    fit = pp.lmm("score ~ Machine + (0 + Machine | Worker)", pp.load_dataset("Machines"))
    assert [panel.get_xlabel() for panel in caterpillar(fit).axes] == ["score"] * 3


def test_more_levels_than_can_be_read_go_without_labels():
    group = np.repeat(np.arange(200), 3)
    data = {"y": np.sin(group) + np.cos(7.0 * np.arange(600)), "g": group}
    (panel,) = caterpillar(pp.lmm("y ~ 1 + (1 | g)", data)).axes
    assert list(panel.get_yticks()) == []
    assert len(panel.collections[1].get_offsets()) == 200


def test_an_effect_that_does_not_apply_is_left_out():
    rows = np.arange(120)
    shop = np.array(["a", "b", "c", "d", "e", "f"])[rows % 6]
    wait = np.where(shop == "b", np.nan, np.sin(rows))
    y = np.cos(rows * 1.3) + rows % 6 + (rows % 6 + 1) * np.nan_to_num(wait)
    data = {"y": y, "shop": shop, "wait": wait}
    fit = pp.lmm("y ~ 1 + (wait | shop)", data, applicable={"wait": "shop != 'b'"})
    intercept, slope = caterpillar(fit).axes
    assert len(intercept.get_yticklabels()) == 6
    assert "b" not in [text.get_text() for text in slope.get_yticklabels()]


def test_the_users_settings_stay_as_they_are(fit):
    before = dict(mpl.rcParams)
    caterpillar(fit).canvas.draw()
    assert dict(mpl.rcParams) == before


def test_a_given_figure_is_drawn_in(fit):
    figure = Figure(figsize=(8, 6))
    assert caterpillar(fit, figure=figure) is figure


def test_an_unknown_group_is_refused_with_those_there_are(fit):
    with pytest.raises(ModelError, match=r"'Subjekt' is not a grouping factor.* It has: Subject"):
        caterpillar(fit, "Subjekt")


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_that_is_no_probability_is_refused(fit, level):
    with pytest.raises(ModelError, match=rf"level={level} is no probability"):
        caterpillar(fit, level=level)


def test_effects_of_a_generalized_model_are_measured_on_its_link_scale():
    ticks = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ HEIGHT + (1 | LOCATION)", ticks, family="poisson", method="pql")
    (panel,) = caterpillar(fit).axes
    assert panel.get_xlabel() == "the logarithm of the mean"
