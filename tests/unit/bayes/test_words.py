"""What posteriors say about rows, weights, families and draws."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammaln

import partialpool as pp
from partialpool.bayes import BayesFit
from partialpool.bayes.general.possible import refuse_impossible
from partialpool.bayes.statement import state
from partialpool.errors import DataError, ModelError, UnknownNameError
from partialpool.families import Family

PRIOR = {"engine": "prior", "draws": 200, "seed": 1}
BELIEFS = {"fixef": "normal(0, 1)", "sigma": "half_normal(1)"}


def plain(text):
    return " ".join(str(text).split())


def table(n=40):
    rng = np.random.default_rng(5)
    x = rng.normal(size=n)
    w = np.where(np.arange(n) % 2 == 0, 1.0, 100.0)
    return pd.DataFrame({"y": x + rng.normal(size=n) / np.sqrt(w), "x": x, "w": w})


# --- rows that are left out -------------------------------------------------------------------


def test_rows_left_out_for_missing_values_are_said():
    data = table()
    data.loc[3, "x"] = np.nan
    fit = pp.bmm("y ~ x", data, missing="drop", priors=BELIEFS, **PRIOR)
    assert "1 row of 40 left out for missing values: x in 1." in plain(fit.summary())


@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_rows_of_weight_zero_are_said_and_what_weights_mean(family, tmp_path):
    data = table().assign(k=np.arange(40) % 3, v=lambda d: np.where(d["w"] == 1.0, 0.0, 1.0))
    response = "y" if family == "gaussian" else "k"
    fit = pp.bmm(f"{response} ~ x", data, family, weights="v", priors={"fixef": "normal(0, 1)"},
                 **PRIOR)  # fmt: skip
    means = {"gaussian": "the variance of a residual is sigma^2 / weight",
             "poisson": "a weight multiplies the row's log-likelihood"}  # fmt: skip
    fit.save(tmp_path / "m.pp")
    for known in (fit, pp.load(tmp_path / "m.pp")):
        assert "20 rows with weight zero left out of every count." in plain(known.summary())
        assert means[family] in plain(known.summary())


# --- what a summary is headed by --------------------------------------------------------------


def test_draws_from_the_priors_are_headed_so():
    lines = str(pp.bmm("y ~ x", table(), priors=BELIEFS, **PRIOR)).splitlines()
    assert any(line.strip() == "Prior" for line in lines)
    assert not any(line.strip() == "Posterior" for line in lines)


def test_standard_deviations_are_explained_where_there_are_some():
    sentence = "sd() and corr() are"
    assert sentence not in str(pp.bmm("y ~ x", table(), priors=BELIEFS, **PRIOR))
    data = table().assign(g=np.arange(40) % 5)
    assert sentence in str(pp.bmm("y ~ x + (1 | g)", data, priors=BELIEFS, **PRIOR))


# --- weights of new rows ----------------------------------------------------------------------


def width(found):
    return np.asarray(found["conf_high"]) - np.asarray(found["conf_low"])


def test_new_responses_have_the_weights_of_their_table():
    data = table(200)
    fit = pp.bmm("y ~ x", data, weights="w", seed=1)
    own = fit.predict(interval="prediction", seed=2)
    new = fit.predict(data, interval="prediction", seed=2)
    np.testing.assert_array_equal(own, new)
    np.testing.assert_array_equal(fit.simulate(3, seed=2), fit.simulate(3, seed=2, new=data))
    # Without the column a new response is of weight 1.
    bare = fit.predict(data[["x"]], interval="prediction", seed=2)
    assert width(bare)[1] > 5 * width(own)[1]
    assert width(bare)[0] == pytest.approx(width(own)[0])


def test_a_new_response_without_a_weight_is_missing_and_one_of_weight_zero_unbounded():
    fit = pp.bmm("y ~ x", table(), weights="w", priors=BELIEFS, **PRIOR)
    new = {"x": [0.0, 0.0, 0.0], "w": [1.0, np.nan, 0.0]}
    found = fit.predict(new, interval="prediction", seed=1)
    assert np.isfinite(found["estimate"]).all()
    assert np.isnan(found["conf_low"][1])
    assert found["conf_high"][2] == np.inf
    with pytest.raises(DataError, match="weights are negative in 1 row"):
        fit.predict({"x": [0.0], "w": [-1.0]}, interval="prediction")


def test_weights_stay_with_a_saved_fit_and_arrays_say_nothing_of_new_rows(tmp_path):
    data = table()
    by_name = pp.bmm("y ~ x", data, weights="w / 2", priors=BELIEFS, **PRIOR)
    by_name.save(tmp_path / "m.pp")
    again = pp.load(tmp_path / "m.pp").predict(data, interval="prediction", seed=1)
    np.testing.assert_array_equal(again, by_name.predict(interval="prediction", seed=1))
    by_array = pp.bmm("y ~ x", data, weights=data["w"], priors=BELIEFS, **PRIOR)
    new = by_array.predict(data, interval="prediction", seed=1)
    assert width(new)[1] == pytest.approx(width(new)[0], rel=0.5)


def test_trials_given_as_weights_are_read_from_new_rows():
    data = pd.DataFrame({"size": [10, 20, 40] * 8, "x": np.arange(24.0) / 24})
    data["share"] = (data["size"] // 2) / data["size"]
    fit = pp.bmm("share ~ x", data, "binomial", weights="size", **PRIOR)
    np.testing.assert_array_equal(
        fit.predict(data, interval="prediction", seed=1), fit.predict(interval="prediction", seed=1)
    )
    with pytest.raises(DataError, match="came by weights='size'") as caught:
        fit.predict({"x": [0.0]}, interval="prediction")
    assert "parameter" not in str(caught.value)


def test_trials_that_the_table_lacks_are_named():
    data = pd.DataFrame({"k": [1, 2, 3] * 8, "s": [10, 20, 40] * 8})
    fit = pp.bmm("cbind(k, s - k) ~ 1", data, "binomial", **PRIOR)
    with pytest.raises(DataError, match=r"cbind\(k, s - k\) needs 's'\.") as caught:
        fit.predict({"k": [1]}, interval="prediction")
    assert "parameter" not in str(caught.value)


# --- families of one's own --------------------------------------------------------------------


def nowhere(y, mu):
    return np.log(-1.0 - mu**2) + 0.0 * y


def in_places(y, mu):
    return np.log(y) + y * np.log(mu) - mu - gammaln(y + 1.0)


@pytest.mark.parametrize(
    ("density", "data", "message"),
    [
        (nowhere, {"y": [1.0, 2.0, 4.0]}, r"is NaN in 3 of 3 rows.*rows 0, 1 and 2"),
        (in_places, {"y": [1.0, 0.0, 4.0, 0.0]}, r"is -inf in 2 of 4 rows.*rows 1 and 3"),
    ],
)
def test_a_log_density_that_is_finite_nowhere_is_said_before_sampling(density, data, message):
    with pytest.raises(ModelError, match=message):
        pp.bmm("y ~ 1", data, Family("odd", density), seed=1)


def test_a_log_density_that_is_finite_somewhere_is_left_to_the_sampler():
    def beyond(y, eta):
        # Impossible at the start, where the mean is that of the response.
        return np.where(eta < 1.9, -0.5 * (y - eta) ** 2, -np.inf)

    data = {"y": np.random.default_rng(1).normal(2.0, 1.0, 30)}
    refuse_impossible(state("y ~ 1", data, Family("beyond", beyond, link="identity")))


def test_a_family_that_cannot_draw_goes_to_arviz_without_its_predictions():
    def density(y, mu):
        return y * np.log(mu) - mu

    data = {"y": [1.0, 2.0, 4.0, 0.0, 1.0, 3.0]}
    priors = {"Intercept": "normal(0, 2)"}
    fit = pp.bmm("y ~ 1", data, Family("mine", density), priors=priors, seed=1, draws=50, tune=100)
    groups = set(fit.to_arviz().children)
    assert {"posterior", "log_likelihood", "prior", "observed_data"} <= groups
    assert not {"posterior_predictive", "prior_predictive"} & groups


# --- draws and their names --------------------------------------------------------------------


def test_a_parameter_that_there_is_not_is_refused_with_its_likeliest_name():
    fit = pp.bmm("y ~ x", table(), priors=BELIEFS, **PRIOR)
    with pytest.raises(UnknownNameError, match=r"no parameter 'sgma'\. Did you mean 'sigma'"):
        fit.parameters["sgma"]
    assert fit.parameters.get("sgma") is None


def test_r_squared_sums_itself_up():
    fit = pp.bmm("y ~ x", table(), seed=1)
    found = fit.r_squared()
    assert found.draws.shape == np.asarray(found).shape == (4, 1000)
    assert found.estimate == pytest.approx(found.draws.mean())
    assert found.std_error == pytest.approx(found.draws.std(ddof=1))
    np.testing.assert_allclose(found.interval(0.9), np.quantile(found.draws, [0.05, 0.95]))
    low, high = found.interval()
    assert repr(found) == f"R squared {found.estimate:.2f}, 95 % interval {low:.2f} to {high:.2f}"
    with pytest.raises(DataError, match="level"):
        found.interval(95)


def test_tiny_columns_have_diagnostics_without_warnings():
    data = table(60).assign(x=lambda d: d["x"] * 1e-150)
    fit = pp.bmm("y ~ x", data, seed=1)
    big = pp.bmm("y ~ x", data.assign(x=data["x"] * 1e150), seed=1)
    assert fit.fixef["x"] == pytest.approx(1e150 * big.fixef["x"], rel=1e-3)
    assert "nan" not in str(fit).lower()


def test_logical_responses_are_told_what_to_write_in_the_formula():
    data = table().assign(b=lambda d: d["x"] > 0)
    with pytest.raises(DataError, match=r"write as\.numeric\(b\) in the formula"):
        pp.bmm("b ~ w", data)
    assert pp.bmm("as.numeric(b) ~ w", data, **PRIOR, priors=BELIEFS).nobs == 40


def test_help_of_effects_speaks_of_posteriors():

    words = plain(BayesFit.ranef.__doc__)
    assert "posterior standard deviations" in words
    assert "bmm(" in words
    assert "with with" not in BayesFit.predict.__doc__
