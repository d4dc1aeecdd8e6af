import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ModelError
from partialpool.plots import fitted_lines
from partialpool.plots.curves import _between, group_curves
from partialpool.plots.pooling import covariate, random_term


@pytest.fixture(scope="module")
def seizures():
    return pp.load_dataset("epil2")


@pytest.fixture(scope="module")
def fit(seizures):
    return pp.glmm("y ~ Base * trt + Visit + (Visit | subject)", seizures, family="poisson")


@pytest.fixture
def herds():
    x = np.tile(np.arange(6.0), 8)
    trials = 5.0 + np.arange(48) % 3
    ill = np.floor(trials * (0.2 + 0.1 * x * (np.repeat(np.arange(8), 6) % 2)))
    return {"x": x, "ill": ill, "well": trials - ill, "herd": np.repeat(np.arange(8), 6)}


def curves_of(fit):
    effects = random_term(fit, None)
    return group_curves(fit, effects, *covariate(fit, effects, None))


def test_curves_are_means_of_the_group_and_of_one_without_random_effects(fit, seizures):
    curves = curves_of(fit)[3]
    rows = np.flatnonzero(seizures["subject"].astype(str) == curves.label)
    at = np.searchsorted(curves.at, curves.x)
    np.testing.assert_allclose(curves.y, seizures["y"].iloc[rows])
    np.testing.assert_allclose(curves.partial[at], fit.fitted[rows])
    np.testing.assert_allclose(curves.complete[at], fit.predict(random="none")[rows])


def test_between_rows_curves_are_straight_on_the_link_scale(fit):
    curves = curves_of(fit)[0]
    slopes = np.diff(np.log(curves.partial)) / np.diff(curves.at)
    np.testing.assert_allclose(slopes, slopes[0])
    assert len(curves.at) > 50


def test_each_group_has_a_panel_of_points_and_two_curves(fit):
    figure = fitted_lines(fit, n_groups=4)
    assert [len(panel.lines) for panel in figure.axes] == [3] * 4
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == ["data", "partial pooling (this model)", "random effects zero"]
    assert "y over Visit, by subject" in [text.get_text() for text in figure.texts]


def test_successes_out_of_trials_are_drawn_as_proportions(herds):
    fit = pp.glmm("cbind(ill, well) ~ x + (1 | herd)", herds, family="binomial")
    figure = fitted_lines(fit)
    assert "proportion over x, by herd" in [text.get_text() for text in figure.texts]
    points = np.concatenate([panel.lines[0].get_ydata() for panel in figure.axes])
    assert np.all((points >= 0) & (points <= 1))


def test_two_labels_are_drawn_as_the_share_of_the_second(herds):
    herds["answer"] = np.where(herds["ill"] > 1, "yes", "no")
    fit = pp.glmm("answer ~ x + (1 | herd)", herds, family="binomial", penalty=2.5)
    words = [text.get_text() for text in fitted_lines(fit).texts]
    assert "share of answer = yes over x, by herd" in words


def test_a_mean_without_a_finite_link_is_drawn_on_its_own_scale(fit):
    at, x, mean = np.array([0.0, 0.5, 1.0]), np.array([0.0, 1.0]), np.array([0.0, 2.0])
    np.testing.assert_allclose(_between(at, x, mean, fit.family.link), [0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("options", "other"),
    [
        ({"formula": "y ~ Visit + lbase_shift + (1 | subject)"}, "lbase_shift"),
        ({"offset": "lbase_shift"}, "the offset"),
        ({"zero_inflation": "~ lbase_shift"}, "lbase_shift"),
    ],
)
def test_what_else_moves_the_mean_is_named(seizures, options, other):
    data = seizures.assign(lbase_shift=np.sin(np.arange(len(seizures))))
    asked = {"formula": "y ~ Visit + (1 | subject)", "family": "poisson"} | options
    fit = pp.glmm(data=data, **asked)
    with pytest.raises(ModelError, match=f"don't depend on Visit alone, but also on {other}"):
        fitted_lines(fit, x="Visit")


def test_an_ordinal_model_is_told_what_to_draw(herds):
    grades = herds | {"ill": np.random.default_rng(1).integers(0, 4, 48)}
    fit = pp.glmm("ill ~ x + (1 | herd)", grades, family="ordinal")
    with pytest.raises(ModelError, match=r"a line for each category.*type='probabilities'"):
        fitted_lines(fit)
