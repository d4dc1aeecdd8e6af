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


def test_many_levels_go_without_labels():
    fit = pp.lmm("normexam ~ standLRT + (1 | school)", pp.load_dataset("Exam"))
    (panel,) = caterpillar(fit).axes
    assert list(panel.get_yticks()) == []
    assert len(panel.collections[1].get_offsets()) == 65


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
