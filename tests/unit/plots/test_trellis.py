import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

import partialpool as pp
from partialpool.errors import ModelError
from partialpool.plots import fitted_lines
from partialpool.plots.pooling import covariate, group_lines, random_term


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return pp.lmm("Reaction ~ Days + (Days | Subject)", sleep)


def lines_of(fit, x=None, group=None):
    effects = random_term(fit, group)
    return group_lines(fit, effects, *covariate(fit, effects, x))


def shown(figure):
    return [axes for axes in figure.axes if axes.axison]


def test_no_pooling_is_least_squares_on_one_group(fit, sleep):
    own = sleep[sleep["Subject"].astype(str) == "308"]
    slope, intercept = np.polyfit(own["Days"], own["Reaction"], 1)
    (lines,) = [g for g in lines_of(fit) if g.label == "308"]
    np.testing.assert_allclose(lines.none, intercept + slope * lines.x)


def test_complete_pooling_is_least_squares_on_all_rows(fit, sleep):
    slope, intercept = np.polyfit(sleep["Days"], sleep["Reaction"], 1)
    for lines in lines_of(fit):
        np.testing.assert_allclose(lines.complete, intercept + slope * lines.x)


def test_partial_pooling_is_the_fit(fit):
    partial = np.concatenate([lines.partial for lines in lines_of(fit)])
    np.testing.assert_array_equal(np.sort(partial), np.sort(fit.fitted))


def test_weights_and_offsets_reach_all_three_lines(sleep):
    data = sleep.assign(w=np.tile([1.0, 3.0], 90), shift=7.0 * sleep["Days"])
    fit = pp.lmm("Reaction ~ Days + offset(shift) + (Days | Subject)", data, weights="w")
    X = np.column_stack([np.ones(180), data["Days"]])
    root = np.sqrt(data["w"].to_numpy())[:, None]
    beta = np.linalg.lstsq(X * root, data["Reaction"] * root[:, 0], rcond=None)[0]
    for lines in lines_of(fit):
        np.testing.assert_allclose(lines.complete, beta[0] + beta[1] * lines.x)


def test_a_group_with_one_row_is_drawn(sleep):
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", sleep.iloc[9:])
    assert len(shown(fitted_lines(fit))) == 18
    short = min(lines_of(fit), key=lambda g: len(g.x))
    np.testing.assert_allclose(short.none, short.y)


def test_each_group_has_a_panel_in_the_order_of_its_slope(fit):
    panels = shown(fitted_lines(fit))
    titles = [panel.get_title(loc="left") for panel in panels]
    assert (titles[0], titles[-1]) == ("335", "308")
    assert len(panels) == 18
    assert all(len(panel.lines) == 4 for panel in panels)


def test_fewer_panels_span_the_whole_order(fit):
    figure = fitted_lines(fit, n_groups=4)
    titles = [panel.get_title(loc="left") for panel in shown(figure)]
    assert len(titles) == 4
    assert (titles[0], titles[-1]) == ("335", "308")
    assert any("4 of 18 levels of Subject" in text.get_text() for text in figure.texts)


def test_groups_that_share_a_slope_stand_in_the_order_of_their_height(sleep):
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", sleep)
    figure = fitted_lines(fit)
    effects = fit.ranef("Subject").sort_values("Intercept")["Subject"].astype(str).tolist()
    assert [panel.get_title(loc="left") for panel in shown(figure)] == effects
    assert any("partially pooled height" in text.get_text() for text in figure.texts)


def test_many_groups_show_twenty_four():
    fit = pp.lmm("normexam ~ standLRT + (standLRT | school)", pp.load_dataset("Exam"))
    figure = fitted_lines(fit)
    assert len(shown(figure)) == 24
    assert any("24 of 65" in text.get_text() for text in figure.texts)


def test_a_covariate_constant_within_groups_is_no_obstacle():
    fit = pp.lmm("distance ~ age * Sex + (age | Subject)", pp.load_dataset("Orthodont"))
    assert len(shown(fitted_lines(fit))) == 24


def test_curves_are_drawn_over_their_covariate(sleep):
    fit = pp.lmm("Reaction ~ Days + I(Days^2) + (Days | Subject)", sleep)
    assert np.ptp(np.diff(lines_of(fit)[0].none)) > 1


def test_axes_and_key_name_what_is_drawn(fit):
    figure = fitted_lines(fit)
    words = [text.get_text() for text in figure.texts]
    assert "Reaction over Days, by Subject" in words
    assert {"Reaction", "Days"} <= set(words)
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == ["data", "partial pooling (this model)", "no pooling", "complete pooling"]


def test_the_users_settings_stay_as_they_are(fit):
    before = dict(mpl.rcParams)
    fitted_lines(fit).canvas.draw()
    assert dict(mpl.rcParams) == before


def test_a_given_figure_is_drawn_in(fit):
    figure = Figure(figsize=(8, 6))
    assert fitted_lines(fit, figure=figure) is figure


def test_a_notebook_gets_a_picture(fit):
    assert fitted_lines(fit, n_groups=1)._repr_png_().startswith(b"\x89PNG")


def test_a_label_with_dollar_signs_is_not_typeset(sleep):
    data = sleep.assign(Subject=["$a_" + str(s) + "$" for s in sleep["Subject"]])
    fit = pp.lmm("Reaction ~ Days + (1 | Subject)", data)
    assert fitted_lines(fit, n_groups=2)._repr_png_()


def test_a_model_without_groups_is_refused(sleep):
    with pytest.raises(ModelError, match=r"no random term, so there are no groups to draw"):
        fitted_lines(pp.lmm("Reaction ~ Days", sleep))


def test_an_unknown_group_is_refused_with_those_there_are(fit):
    with pytest.raises(ModelError, match=r"'Subjekt' is not a grouping factor.* It has: Subject"):
        fitted_lines(fit, group="Subjekt")


def test_an_unknown_covariate_is_refused_with_those_there_are(fit):
    with pytest.raises(ModelError, match=r"'Day' is not a numeric column.* Its columns: Days"):
        fitted_lines(fit, x="Day")


def test_a_model_without_a_covariate_is_refused(sleep):
    with pytest.raises(ModelError, match=r"one numeric covariate.* this model has none"):
        fitted_lines(pp.lmm("Reaction ~ 1 + (1 | Subject)", sleep))


def test_two_covariates_ask_for_a_choice(sleep):
    data = sleep.assign(Coffee=np.arange(180) % 7)
    fit = pp.lmm("Reaction ~ Days + Coffee + (1 | Subject)", data)
    with pytest.raises(ModelError, match=r"has Days, Coffee.*fitted_lines\(fit, x=...\)"):
        fitted_lines(fit)


def test_values_that_depend_on_more_than_the_covariate_are_refused(sleep):
    twice = sleep.iloc[np.repeat(np.arange(180), 2)].assign(Coffee=np.tile([0.0, 1.0], 180))
    twice["Reaction"] -= 10 * twice["Coffee"]
    fit = pp.lmm("Reaction ~ Days + Coffee + (1 | Subject)", twice)
    with pytest.raises(ModelError, match=r"within Subject the fitted values don't depend on Days"):
        fitted_lines(fit, x="Days")


@pytest.mark.parametrize(
    ("formula", "other"), [("y ~ x + z + (x | g)", "z"), ("y ~ x + (x | g) + (1 | h)", "h")]
)
def test_what_else_moves_the_lines_is_named_though_no_x_is_repeated(formula, other):
    rng = np.random.default_rng(3)
    g, h = np.repeat(np.arange(12), 10), np.tile(np.arange(10), 12)
    x, z = rng.normal(size=(2, 120))
    y = x + z + rng.normal(size=12)[g] + rng.normal(size=10)[h] + 0.5 * rng.normal(size=120)
    fit = pp.lmm(formula, {"y": y, "x": x, "z": z, "g": g, "h": h})
    with pytest.raises(ModelError, match=f"don't depend on x alone, but also on {other}"):
        fitted_lines(fit, x="x", group="g")
