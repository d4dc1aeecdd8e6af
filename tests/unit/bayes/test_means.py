"""Posterior of marginal means, slopes and contrasts."""

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError

GROWTH = "distance ~ age * Sex + (1 | Subject)"
TICKS = "TICKS ~ YEAR + cHEIGHT + (1 | BROOD)"


@pytest.fixture(scope="module")
def growth():
    return pp.bmm(GROWTH, pp.load_dataset("Orthodont"), seed=1)


@pytest.fixture(scope="module")
def ticks():
    return pp.bmm(TICKS, pp.load_dataset("grouseticks"), "poisson", engine="prior", seed=1,
                  draws=400, priors={"fixef": "normal(0, 0.5)"})  # fmt: skip


def draws(fit, name):
    return fit.parameters[name].ravel()


def test_means_are_those_of_the_draws_at_the_mean_age(growth):
    found = growth.means("Sex")
    age = pp.load_dataset("Orthodont")["age"].mean()
    male = draws(growth, "Intercept") + age * draws(growth, "age")
    female = male + draws(growth, "Sex[T.Female]") + age * draws(growth, "age:Sex[T.Female]")
    for i, own in enumerate((male, female)):
        row = found.iloc[i]
        # The same sums in another order.
        assert row["estimate"] == pytest.approx(own.mean(), rel=1e-12)
        assert row["std_error"] == pytest.approx(own.std(ddof=1), rel=1e-10)
        low, high = np.quantile(own, [0.025, 0.975])
        assert [row["conf_low"], row["conf_high"]] == pytest.approx([low, high], rel=1e-12)


def test_means_agree_with_those_of_least_squares_and_wide_priors(growth):
    other = pp.lmm(GROWTH, pp.load_dataset("Orthodont")).means("Sex", by="age", at={"age": [8, 14]})
    own = growth.means("Sex", by="age", at={"age": [8, 14]})
    assert list(own["Sex"]) == list(other["Sex"])
    # Four Monte Carlo errors of 4,000 nearly independent draws.
    error = 4 * own["std_error"] / np.sqrt(4000)
    assert (np.abs(own["estimate"] - other["estimate"]) < error + 0.05).all()


def test_a_contrast_says_how_probable_it_is_above_zero(growth):
    (row,) = growth.means("Sex", contrasts="pairwise", at={"age": 14}).to_dict("records")
    own = -draws(growth, "Sex[T.Female]") - 14 * draws(growth, "age:Sex[T.Female]")
    assert row["contrast"] == "Male - Female"
    assert row["probability"] == np.mean(own > 0)
    assert row["estimate"] == pytest.approx(own.mean(), rel=1e-10)


def test_slopes_and_their_contrasts(growth):
    own = draws(growth, "age")
    bend = draws(growth, "age:Sex[T.Female]")
    found = growth.slopes("age", by="Sex")
    # The slope is a difference over a ten-thousandth of the span.
    assert list(found["estimate"]) == pytest.approx([own.mean(), (own + bend).mean()], rel=1e-8)
    (row,) = growth.slopes("age", by="Sex", contrasts="pairwise").to_dict("records")
    assert row["estimate"] == pytest.approx(-bend.mean(), rel=1e-7)


def test_means_of_counts_go_through_the_link_draw_by_draw(ticks):
    found = ticks.means("YEAR", scale="response", at={"cHEIGHT": 0.0})
    first = np.exp(draws(ticks, "Intercept"))
    assert found["estimate"].iloc[0] == pytest.approx(first.mean(), rel=1e-12)
    ratio = ticks.means("YEAR", scale="response", contrasts="reference")
    own = np.exp(draws(ticks, "YEAR[T.96]"))
    assert ratio["contrast"].iloc[0] == "96 / 95"
    assert ratio["estimate"].iloc[0] == pytest.approx(own.mean(), rel=1e-10)
    assert ratio["probability"].iloc[0] == np.mean(own > 1)


def test_a_slope_of_the_mean_is_the_links_slope_times_the_coefficient(ticks):
    found = ticks.slopes("cHEIGHT", by="YEAR", scale="response", at={"cHEIGHT": 2.0})
    eta = draws(ticks, "Intercept") + 2.0 * draws(ticks, "cHEIGHT")
    own = np.exp(eta) * draws(ticks, "cHEIGHT")
    assert found["estimate"].iloc[0] == pytest.approx(own.mean(), rel=1e-7)


def test_what_the_data_do_not_determine_is_nan():
    data = {"y": np.arange(8.0), "f": list("aabbaabb"), "k": list("ccddccdd")}
    fit = pp.bmm("y ~ f + k", data, engine="prior", seed=1, draws=50,
                 priors={"fixef": "normal(0, 1)"})  # fmt: skip
    assert np.isnan(fit.means("f")["estimate"]).all()
    assert np.isnan(fit.means("f", contrasts="pairwise")["probability"]).all()


def test_arguments_that_make_no_sense_are_refused(growth, ticks):
    with pytest.raises(DataError, match="'Subject' is no column of the fixed effects"):
        growth.means("Subject")
    with pytest.raises(DataError, match="scale must be 'link' or 'response'"):
        growth.means("Sex", scale="log")
    with pytest.raises(DataError, match="contrasts of slopes are on the link scale"):
        ticks.slopes("cHEIGHT", by="YEAR", contrasts="pairwise", scale="response")
    with pytest.raises(DataError, match="need by="):
        growth.slopes("age", contrasts="pairwise")
    answers = pp.load_dataset("VerbAgg")
    ordinal = pp.bmm("resp ~ btype + (1 | id)", answers, "ordinal", engine="prior", seed=1, draws=8)
    with pytest.raises(NotAvailableError, match="probability for each category, and no mean"):
        ordinal.means("btype", scale="response")
