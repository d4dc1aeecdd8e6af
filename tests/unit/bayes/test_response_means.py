"""Posterior means and slopes of responses whose mean isn't the inverse link of one predictor."""

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from tests.unit.inference.means.test_response import DATA, lognormal

BELIEFS = {"fixef": "normal(0, 0.5)"}


def zero_inflated(**given):
    return pp.bmm(
        "y ~ x + f + (1 | g)", DATA, "poisson", zero_inflation="~ x + z", engine="prior",
        draws=300, seed=1, priors=BELIEFS, **given,
    )  # fmt: skip


def hurdle():
    return pp.bmm(
        "y ~ x + f", DATA, "truncated_nbinom2", zero_inflation="~ x", engine="prior",
        draws=300, seed=1, priors=BELIEFS,
    )  # fmt: skip


def own():
    data = DATA.assign(v=np.exp(DATA["x"]))
    family = lognormal().family
    priors = BELIEFS | {"dispersion": "half_normal(0.5)"}
    return pp.bmm("v ~ x + f", data, family, engine="prior", draws=300, seed=1, priors=priors)


MODELS = [zero_inflated, hurdle, own]


def grid(x):
    return pd.DataFrame({"x": x, "z": DATA["z"].mean(), "f": list("abc")})


@pytest.mark.parametrize("model", MODELS)
def test_means_are_what_is_predicted(model):
    fit = model()
    found = fit.means("f", at={"x": 0.5}, scale="response")
    expected = fit.predict(grid(0.5), random="none", se=True, interval="confidence")
    names = ["estimate", "std_error", "conf_low", "conf_high"]
    # The same sums in another order.
    np.testing.assert_allclose(found[names], expected[names], rtol=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_slopes_are_derivatives_of_what_is_predicted(model):
    fit, h = model(), 1e-4
    found = fit.slopes("x", by="f", at={"x": 0.5}, scale="response")["estimate"]
    above, below = (fit.predict(grid(0.5 + s), random="none") for s in (h, -h))
    # Differences lose half the digits of the largest draws.
    np.testing.assert_allclose(found, (above - below) / (2 * h), rtol=1e-5)


def test_contrasts_of_a_log_link_are_ratios_of_the_mean_parameter():
    fit = zero_inflated()
    found = fit.means("f", contrasts="reference", scale="response")["estimate"]
    assert found[0] == pytest.approx(np.exp(fit.parameters["f[T.b]"]).mean())


def test_contrasts_of_an_own_family_are_differences_of_its_mean():
    fit = own()
    values = fit.means("f", scale="response")["estimate"].to_numpy()
    found = fit.means("f", contrasts="reference", scale="response")["estimate"]
    np.testing.assert_allclose(found, values[1:] - values[0])
