import numpy as np
import pytest

import partialpool as pp
from partialpool.bayes.propriety import refuse_improper
from partialpool.bayes.statement import state
from partialpool.errors import ModelError

N = 40
RNG = np.random.default_rng(1)
DATA = {
    "x": np.linspace(-1, 1, N),
    "side": np.repeat(["left", "right"], N // 2),
    "g": np.arange(N) % 8,
    "mixed": RNG.integers(0, 2, N),
    "apart": np.repeat([0, 1], N // 2),
    "none": np.zeros(N),
    "counts": RNG.poisson(2.0, N),
    "half": np.where(np.arange(N) < N // 2, 0, 1 + RNG.poisson(2.0, N)),
}
LINE = {"fixef": "flat()", "Intercept": "flat()"}


def check(formula, family, priors, **arguments):
    refuse_improper(state(formula, DATA, family, priors=priors, **arguments))


@pytest.mark.parametrize(
    ("formula", "family", "priors", "named"),
    [
        ("apart ~ x + (1 | g)", "binomial", LINE, "x"),
        ("apart ~ side", "binomial", {"fixef": "flat()"}, "side"),
        ("none ~ x", "binomial", LINE, "Intercept"),
        ("none ~ x", "poisson", {"Intercept": "flat()"}, "Intercept"),
        ("half ~ side", "poisson", LINE, r"Intercept, side\[T.right\]"),
        ("half ~ side", "nbinom2", LINE, "side"),
    ],
)
def test_flat_priors_of_columns_that_separate_are_refused(formula, family, priors, named):
    with pytest.raises(ModelError, match=f"flat priors of .*{named}.* give no proper posterior"):
        check(formula, family, priors)


@pytest.mark.parametrize(
    ("formula", "family", "priors"),
    [
        ("mixed ~ x + (1 | g)", "binomial", LINE),
        ("apart ~ x", "binomial", {"Intercept": "flat()"}),
        ("apart ~ x", "binomial", {}),
        ("counts ~ side", "poisson", LINE),
        ("half ~ x", "poisson", {"Intercept": "flat()"}),
        # The right side's mean is known, and the prior of the intercept is between the two.
        ("half ~ side", "poisson", {"fixef": "flat()"}),
        ("x ~ side", "gaussian", LINE),
    ],
)
def test_flat_priors_that_the_data_make_proper_are_taken(formula, family, priors):
    check(formula, family, priors)


def test_a_flat_slope_beside_an_intercept_whose_prior_is_at_the_means_can_separate():
    # Of the slope alone: the intercept follows, so that the predictor at the mean stays.
    with pytest.raises(ModelError, match="flat priors of x"):
        check("apart ~ x", "binomial", {"x": "flat()"})


def test_zero_inflation_always_may_be_none():
    zeros, dispersion = "zero_inflation.Intercept", "dispersion.Intercept"
    with pytest.raises(ModelError, match=zeros):
        check("half ~ 1", "poisson", {zeros: "flat()"}, zero_inflation="~ 1")
    with pytest.raises(ModelError, match=dispersion):
        check("half ~ 1", "nbinom2", {dispersion: "flat()"}, dispersion="~ x")


def test_a_flat_standard_deviation_needs_enough_levels():
    with pytest.raises(ModelError, match=r"'side' has 2 level.*3 are needed"):
        check("x ~ 1 + (1 | side)", "gaussian", {"sd": "flat()"})


@pytest.mark.parametrize(
    ("family", "symbol", "limit"), [("nbinom2", "phi", "Poisson"), ("student_t", "nu", "normal")]
)
def test_numbers_whose_infinity_is_a_model_have_no_flat_prior(family, symbol, limit):
    with pytest.raises(ModelError, match=f"flat prior of {symbol}.*the model is {limit}"):
        check("counts ~ x", family, {symbol: "flat()"})


@pytest.mark.parametrize("family", ["poisson", "binomial"])
def test_no_event_at_all_is_something_to_learn_from(family):
    fit = pp.bmm("none ~ 1", DATA, family, draws=500, tune=500, chains=2, seed=1)
    expected = 2.5 / N
    assert 0 < fit.predict()[0] < expected
    before = fit.prior(500, seed=1)
    assert np.median(before.predict()) > fit.predict()[0]


def test_maximum_likelihood_still_wants_an_event():
    with pytest.raises(ModelError, match="constant"):
        pp.glmm("none ~ 1 + (1 | g)", DATA, family="poisson")


def test_rows_that_do_not_count_are_no_response():
    with pytest.raises(ModelError, match=r"no row of the response .* counts"):
        state("cbind(none, none) ~ 1", DATA, "binomial")
