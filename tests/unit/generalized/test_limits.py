"""Parameters without a finite estimate: named in the summary, or refused."""

from __future__ import annotations

import numpy as np
import pytest

import partialpool as pp
from partialpool.errors import ConvergenceWarning, ModelError

N = 300


@pytest.fixture(scope="module")
def data():
    """Draws without overdispersion, extra zeros and heavy tails."""
    rng = np.random.default_rng(3)
    g, x = np.arange(N) % 15, rng.normal(size=N)
    b = 0.4 * rng.normal(size=15)[g]
    # Evenly spread quantiles: no draw may look overdispersed by chance.
    u = (rng.permutation(N) + 0.5) / N
    return {
        "x": x,
        "g": g,
        "f": np.array([*"abc"])[np.arange(N) % 3],
        "count": rng.binomial(8, 1 / (1 + np.exp(-0.3 * x - b))),
        "m": np.full(N, 8),
        "y": 1 + x + b + np.cos(np.pi * u),
        "grade": np.digitize(x + b + rng.logistic(size=N), [-1, 1]),
    }


@pytest.mark.parametrize(
    ("family", "says"),
    [
        ("nbinom2", "Phi ran to infinity, where nbinom2 is the Poisson"),
        ("nbinom1", "Phi ran to 0, where nbinom1 is the Poisson"),
        ("student_t", "Nu ran to infinity, where student_t is the Gaussian"),
    ],
)
def test_a_dispersion_or_shape_at_its_limit_is_said_to_be_there(data, family, says):
    response = "y" if family == "student_t" else "count"
    fit = pp.glmm(f"{response} ~ x + (1 | g)", data, family=family)
    assert says in " ".join(str(fit).split())
    (further,) = (f for f in fit.summary().further if np.isnan(f.std_error))
    assert further.value in (0.0, np.inf)


def test_a_tweedie_power_among_the_lumps_is_not_taken_for_an_estimate(data):
    rng = np.random.default_rng(8)
    table = data | {"y": 3 + data["x"] / 5 + 0.5 * rng.normal(size=N)}
    fit = pp.glmm("y ~ x + (1 | g)", table, family="tweedie")
    assert fit.shape["power"] < 1.02
    assert "Tweedie doesn't suit these data" in " ".join(str(fit).split())


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_a_tweedie_power_runs_to_the_gamma(seed):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, 20, 240)
    y = rng.gamma(2, 0.5, 240) * np.exp(rng.normal(size=240))
    table = {"y": y, "x": rng.normal(size=240), "g": g}
    fit = pp.glmm("y ~ x + (1 | g)", table, family="tweedie")
    gamma = pp.glmm("y ~ x + (1 | g)", table, family="gamma")
    assert fit.converged
    # The gamma's is the limit: what is left of the power shows in the ninth digit.
    assert fit.loglik == pytest.approx(gamma.loglik, abs=1e-6)
    np.testing.assert_allclose(fit.fixef.values, gamma.fixef.values, atol=1e-6)
    np.testing.assert_allclose(fit.stderr.values, gamma.stderr.values, rtol=1e-5)
    assert "Power ran to 2, where tweedie is the gamma" in " ".join(str(fit).split())


def test_tweedie_refuses_multiples_of_one_number(data):
    # Few rows: the search follows the likelihood as long as numbers go.
    table = {name: values[:45] for name, values in data.items()}
    table["y"] = 2.5 * table["count"]
    with pytest.raises(ModelError, match=r"'y' is a whole multiple of 2\.5 in all 45 rows"):
        pp.glmm("y ~ x + (1 | g)", table, family="tweedie")


def test_a_fit_at_a_limit_names_the_simpler_family_and_its_boundary(data):
    text = " ".join(str(pp.glmm("count ~ x + (1 | g)", data, family="nbinom2")).split())
    assert "family='poisson' gives the same fit." in text
    assert "Optimum on the boundary" in text


def test_coefficients_of_a_dispersion_that_ran_off_are_named(data):
    fit = pp.glmm("count ~ x + (1 | g)", data, family="nbinom2", dispersion="~ f")
    assert fit.converged
    text = " ".join(str(fit).split())
    assert "'f[T.c]' ran off without end, to where nbinom2 is the Poisson" in text


def test_zero_inflation_that_runs_to_none_in_all_rows_is_said_to(data):
    fit = pp.glmm("count ~ x + (1 | g)", data, family="poisson", zero_inflation="~ x")
    text = " ".join(str(fit).split())
    assert "The probability of an added zero ran to 0" in text
    assert "Without zero_inflation= the fit is the same." in text


def test_an_estimate_inside_its_range_is_shown_as_one():
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"), family="nbinom2")
    assert " ran to " not in str(fit)
    assert np.isfinite(fit.summary().further[0].std_error)


def test_zero_inflation_that_runs_to_none_is_said_to(data):
    fit = pp.glmm("count ~ x + (1 | g)", data, family="poisson", zero_inflation="~ 1")
    plain = pp.glmm("count ~ x + (1 | g)", data, family="poisson")
    assert fit.loglik == pytest.approx(plain.loglik, abs=1e-6)
    assert "The probability of an added zero ran to 0" in str(fit)
    (line,) = fit.summary().parts[1].coefficients
    assert line.estimate == -np.inf
    assert np.isnan([line.std_error, line.statistic]).all()


def test_a_level_without_extra_zeros_is_named_in_the_summary(data):
    rng = np.random.default_rng(1)
    extra = (data["f"] != "c") & (rng.random(N) < 0.4)
    zeros = data | {"count": np.where(extra, 0, data["count"] + (data["f"] == "c"))}
    fit = pp.glmm("count ~ x + f + (1 | g)", zeros, family="poisson", zero_inflation="~ f")
    assert "Zero inflation: 'f[T.c]' ran off without end" in " ".join(str(fit).split())


def test_a_separated_hurdle_is_refused_without_the_cure_that_is_for_the_mean(data):
    some = np.where(np.random.default_rng(2).random(N) < 0.3, 0, data["count"])
    positive = data | {"count": np.where(data["f"] == "b", data["count"] + 1, some)}
    with pytest.raises(ModelError) as caught:
        pp.glmm(
            "count ~ x + (1 | g)",
            positive,
            family="truncated_poisson",
            zero_inflation="~ f",
        )
    assert "'f[T.b]' is infinite" in str(caught.value)
    assert "the response isn't 0, so that the likelihood of the zeros rises" in str(caught.value)
    assert "penalty" not in str(caught.value)


@pytest.mark.parametrize("lowest", [0, 2])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_a_category_of_all_rows_of_the_first_level_runs_off_with_the_thresholds(data, lowest, link):
    table = data | {"grade": np.where(data["f"] == "a", lowest, data["grade"])}
    table["grade"] = np.array(["low", "mid", "top"])[table["grade"]]
    formula = "factor(grade, levels=['low', 'mid', 'top']) ~ x + f + (1 | g)"
    with pytest.raises(ModelError, match=r"f\[T\.[bc]\].* is infinite") as caught:
        pp.glmm(formula, table, family=pp.families.Ordinal(link))
    assert f"the response is {'low' if lowest == 0 else 'top'!r}" in str(caught.value)


def test_separation_is_told_by_the_label_of_the_response(data):
    table = data | {"ill": np.where((data["f"] == "a") | (data["x"] > 0), "yes", "no")}
    with pytest.raises(ModelError, match="the response is 'yes', so that"):
        pp.glmm("ill ~ f + (1 | g)", table, family="binomial")


def test_separated_trials_are_all_successes(data):
    table = data | {"count": np.where(data["f"] == "b", 8, data["count"])}
    with pytest.raises(ModelError, match="the response is all successes"):
        pp.glmm("cbind(count, m - count) ~ f + (1 | g)", table, family="binomial")


def test_an_approximation_that_breaks_down_is_told_from_a_limit():
    # Two rows in each group, half of the counts set to zero: is it the group or the zeros?
    rng = np.random.default_rng(1001)
    n, levels = 150, 75
    g, x = rng.integers(0, levels, n), rng.normal(size=n)
    mu = np.exp(0.5 * x + 1.5 * rng.normal(size=levels)[g] + 1.5)
    table = {"x": x, "g": g, "y": np.where(rng.random(n) < 0.5, 0, rng.poisson(mu))}
    asked = {"family": "poisson", "zero_inflation": "~ x"}
    with pytest.warns(ConvergenceWarning, match=r"more than one mode.*Use quadrature=15"):
        fit = pp.glmm("y ~ x + (1 | g)", table, **asked)
    assert "ran off" not in str(fit)
    better = pp.glmm("y ~ x + (1 | g)", table, **asked, quadrature=15)
    assert better.converged


@pytest.mark.parametrize(("family", "end"), [("nbinom2", np.inf), ("nbinom1", 0.0)])
def test_tables_and_predictions_have_the_end_of_the_range_too(data, family, end):
    fit = pp.glmm("count ~ x + (1 | g)", data, family=family)
    table = fit.tidy(conf_int=True)
    (row,) = np.flatnonzero(np.asarray(table["component"]) == "dispersion")
    assert table["estimate"][row] == (np.inf if end else -np.inf)
    others = ("std_error", "statistic", "p_value", "conf_low", "conf_high")
    assert all(np.isnan(table[name][row]) for name in others)
    assert np.isinf(fit.coefficients["estimate"][row])
    assert (fit.predict(type="dispersion") == end).all()
    said = fit.predict({"x": [0.0], "g": [1]}, type="dispersion", se=True)
    assert said["estimate"][0] == end
    assert np.isnan(said["std_error"][0])
