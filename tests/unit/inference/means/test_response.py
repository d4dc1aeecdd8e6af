"""Means and slopes of responses whose mean isn't the inverse link of one linear predictor."""

import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import NotAvailableError
from partialpool.families import Family, Poisson

# Halves of the digits are lost in differences, relative to the largest derivative.
DIFFERENCES = 1e-5


def table():
    rng = np.random.default_rng(3)
    n = 300
    x, z = rng.normal(size=n), rng.normal(size=n)
    f, g = rng.choice(list("abc"), n), rng.integers(0, 12, n)
    mu = np.exp(0.4 + 0.3 * x + 0.4 * (f == "b") + rng.normal(size=12)[g] * 0.2)
    y = rng.poisson(mu) * (rng.uniform(size=n) > 0.3)
    return pd.DataFrame({"y": y, "x": x, "z": z, "f": f, "g": g, "t": y + 1})


DATA = table()


def zero_inflated(link="log"):
    return pp.glmm("y ~ x + f + (1 | g)", DATA, family=Poisson(link), zero_inflation="~ x + z")


def hurdle():
    return pp.glmm("y ~ x + f", DATA, family="truncated_nbinom2", zero_inflation="~ x")


def truncated():
    return pp.glmm("t ~ x + f", DATA, family="truncated_poisson")


def lognormal():
    def density(y, mu, dispersion):
        z = (np.log(y) - mu) / dispersion
        return -0.5 * z * z - np.log(dispersion) - np.log(y)

    family = Family(
        "lognormal",
        density,
        link="identity",
        support="positive",
        mean=lambda mu, dispersion: np.exp(mu + 0.5 * dispersion**2),
    )
    return pp.glmm(
        "v ~ x + f", DATA.assign(v=np.exp(0.3 * DATA["x"] + np.sin(DATA.index))), family=family
    )


MODELS = [zero_inflated, hurdle, truncated, lognormal]


def grid(x):
    return {"x": np.full(3, x), "z": np.full(3, DATA["z"].mean()), "f": list("abc")}


@pytest.mark.parametrize("model", MODELS)
def test_a_mean_of_the_response_is_what_is_predicted_with_its_error(model):
    fit, new = model(), grid(0.5)
    found = fit.means("f", at={"x": 0.5}, scale="response")
    expected = fit.predict(new, random="none", se=True)
    np.testing.assert_allclose(found["estimate"], expected["estimate"])
    np.testing.assert_allclose(found["std_error"], expected["std_error"], rtol=DIFFERENCES)
    band = fit.effects("f", at={"x": 0.5})
    np.testing.assert_allclose(found["conf_low"], band["conf_low"], rtol=DIFFERENCES)
    np.testing.assert_allclose(found["conf_high"], band["conf_high"], rtol=DIFFERENCES)


@pytest.mark.parametrize("model", MODELS)
def test_a_slope_of_the_response_is_the_derivative_of_predictions(model):
    fit, h = model(), 1e-4
    found = fit.slopes("x", by="f", at={"x": 0.5}, scale="response")
    above, below = (fit.predict(grid(0.5 + s), random="none") for s in (h, -h))
    np.testing.assert_allclose(found["estimate"], (above - below) / (2 * h), rtol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_the_error_of_a_slope_is_by_its_derivatives_in_all_coefficients(model):
    fit = model()
    found = fit.slopes("x", by="f", at={"x": 0.5}, scale="response")
    mean, h = fit.response_mean(), 1e-4
    sizes = [len(b) for b in mean.beta.values()]
    flat = np.concatenate(list(mean.beta.values()))

    def at(beta, x):
        parts = dict(zip(mean.beta, np.split(beta, np.cumsum(sizes)[:-1]), strict=True))
        eta = {}
        for part, own in parts.items():
            columns = fit.predictor(part).design.columns if part in fit.designs else ()
            known = {"x": x, "z": DATA["z"].mean(), "Intercept": 1.0, "f[T.b]": 1.0, "f[T.c]": 0.0}
            row = [known[c] for c in columns] or [1.0]
            eta[part] = np.array([np.dot(row, own)])
        return float(mean.function(eta)[0])

    def slope(beta):
        return (at(beta, 0.5 + h) - at(beta, 0.5 - h)) / (2 * h)

    J = [(slope(flat + d) - slope(flat - d)) / (2 * h) for d in h * np.eye(len(flat))]
    expected = np.sqrt(J @ mean.vcov @ np.array(J))
    assert found["std_error"][1] == pytest.approx(expected, rel=1e-4)


def test_contrasts_of_a_log_link_are_ratios_of_the_mean_parameter():
    fit = zero_inflated()
    found = fit.means("f", contrasts="reference", scale="response")
    np.testing.assert_allclose(found["estimate"][0], np.exp(fit.fixef["f[T.b]"]))


def test_contrasts_of_other_links_are_differences_of_the_response():
    fit = zero_inflated("sqrt")
    values = fit.means("f", scale="response")["estimate"].to_numpy()
    found = fit.means("f", contrasts="reference", scale="response", adjust="none")
    np.testing.assert_allclose(found["estimate"], values[1:] - values[0])
    assert list(found["contrast"]) == ["b - a", "c - a"]
    z = found["estimate"] / found["std_error"]
    np.testing.assert_allclose(found["statistic"], z)
    assert (found["p_value"] < 1).all()


def test_a_factor_of_the_zero_inflation_alone_has_means_of_the_response():
    fit = pp.glmm("y ~ 1", DATA, family="poisson", zero_inflation="~ f")
    found = fit.means("f", scale="response")["estimate"]
    np.testing.assert_allclose(found, fit.predict({"f": list("abc")}))


def test_an_offset_moves_the_mean_of_the_response():
    fit = zero_inflated()
    plain, moved = (fit.means("f", scale="response", offset=o)["estimate"] for o in (0.0, 1.0))
    np.testing.assert_allclose(moved, np.e * plain)


def test_means_that_the_data_leave_open_are_nan():
    data = {"y": [1, 2, 0, 3, 1, 2, 4, 0] * 5, "f": list("aabbaabb") * 5, "k": list("ccddccdd") * 5}
    fit = pp.glmm("y ~ f + k", data, family="poisson", zero_inflation="~ 1")
    assert np.isnan(fit.means("f", scale="response")["estimate"]).all()


def test_covariances_of_the_mean_alone_are_refused():
    fit = zero_inflated()
    with pytest.raises(NotAvailableError, match="doesn't follow from its linear predictor"):
        fit.means("f", scale="response", ddf=fit.cluster_robust())
