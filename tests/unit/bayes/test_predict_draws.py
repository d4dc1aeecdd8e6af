"""Means of rows, draw by draw."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError

NEW = {"Days": [0, 9, 5], "Subject": ["308", "new", "new"]}


@pytest.fixture(scope="module")
def fit():
    return pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)


def test_draws_are_what_predictions_summarise(fit):
    given = {"new_levels": "sample", "seed": 2}
    draws = fit.predict_draws(NEW, **given)
    assert draws.shape == (3, 4000)
    found = fit.predict(NEW, se=True, interval="confidence", level=0.8, **given)
    np.testing.assert_allclose(draws.mean(axis=1), found["estimate"])
    np.testing.assert_allclose(draws.std(axis=1, ddof=1), found["std_error"])
    low, high = np.quantile(draws, [0.1, 0.9], axis=1)
    np.testing.assert_allclose(low, found["conf_low"])
    np.testing.assert_allclose(high, found["conf_high"])


def test_draws_are_in_the_order_of_the_parameters(fit):
    draws = fit.predict_draws({"Days": [3.0]}, random="none")
    own = fit.parameters
    np.testing.assert_allclose(draws[0], (own["Intercept"] + 3 * own["Days"]).ravel())


def test_rows_fitted_have_draws_too_and_rows_of_one_new_level_share_its_effects(fit):
    np.testing.assert_allclose(fit.predict_draws().mean(axis=1), fit.fitted)
    new = {"Days": [0, 0], "Subject": ["new", "new"]}
    one, two = fit.predict_draws(new, new_levels="sample", seed=1)
    np.testing.assert_array_equal(one, two)


def test_counts_have_draws_on_both_scales():
    ticks = pp.load_dataset("grouseticks")
    fit = pp.bmm("TICKS ~ YEAR", ticks, "poisson", engine="prior", draws=50, seed=1,
                 priors={"fixef": "normal(0, 1)"})  # fmt: skip
    link, mean = (fit.predict_draws({"YEAR": ["95", "96"]}, type=t) for t in ("link", "response"))
    np.testing.assert_allclose(mean, np.exp(link))


def test_categories_have_probabilities_of_every_draw():
    answers = pp.load_dataset("VerbAgg")
    fit = pp.bmm("resp ~ btype", answers, "ordinal", engine="prior", seed=1, draws=30)
    new = {"btype": ["curse", "scold"]}
    draws = fit.predict_draws(new)
    assert draws.shape == (2, 30, 3)
    np.testing.assert_allclose(draws.sum(axis=2), 1.0)
    np.testing.assert_allclose(draws.mean(axis=1)[:, 0], fit.predict(new)["no"])
    assert fit.predict_draws(new, type="link").shape == (2, 30)


def test_other_types_are_refused(fit):
    with pytest.raises(DataError, match="type must be 'response' or 'link', found 'class'"):
        fit.predict_draws(type="class")
    with pytest.raises(DataError, match="level"):
        fit.predict_draws(NEW)
