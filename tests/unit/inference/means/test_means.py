import numpy as np
import pandas as pd
import pytest

import partialpool as pp
from partialpool.errors import DataError, NotAvailableError
from partialpool.inference.means.adjust import adjust_p
from partialpool.inference.means.contrasts import make_contrasts
from tests.unit.inference import models


def table():
    return models.table().assign(k2=lambda d: np.where(d["k"] > 2, "late", "early"))


@pytest.fixture(scope="module")
def fit():
    return pp.lmm("y ~ f * k2 + x + (x | g)", table())


@pytest.fixture(scope="module")
def counts():
    ticks = pp.load_dataset("grouseticks")
    return pp.glmm("TICKS ~ YEAR + cHEIGHT + (1 | BROOD)", ticks, family="poisson")


def test_a_mean_is_the_average_of_predictions_over_the_grid(fit):
    new = pd.DataFrame(
        [(f, k2, table()["x"].mean()) for f in "uvw" for k2 in ("early", "late")],
        columns=["f", "k2", "x"],
    )
    expected = fit.predict(new, random="none").reshape(3, 2).mean(axis=1)
    means = fit.means("f")
    np.testing.assert_allclose(means["estimate"], expected)
    assert means["f"].tolist() == ["u", "v", "w"]
    assert list(means.columns) == ["f", "estimate", "std_error", "df", "conf_low", "conf_high"]


def test_several_targets_make_every_combination_the_first_fastest(fit):
    means = fit.means(["f", "k2"])
    assert means["f"].tolist() == ["u", "v", "w"] * 2
    assert means["k2"].tolist() == ["early"] * 3 + ["late"] * 3


def test_values_can_be_chosen(fit):
    near, far = (fit.means("f", at={"x": x})["estimate"] for x in (0.0, 2.0))
    np.testing.assert_allclose(far - near, 2 * fit.fixef["x"])
    assert fit.means("x", at={"x": [0, 1]})["x"].tolist() == [0, 1]


def test_contrasts_stay_within_each_level_of_by(fit):
    apart = fit.means("f", by="k2", contrasts="pairwise", adjust="none")
    assert apart["k2"].tolist() == ["early"] * 3 + ["late"] * 3
    means = fit.means("f", by="k2")["estimate"].to_numpy()
    np.testing.assert_allclose(apart["estimate"][:2], means[0] - means[1:3])


def test_contrasts_of_each_kind_have_their_names():
    labels = ["a", "b", "c"]
    assert make_contrasts("reference", labels).names == ("b - a", "c - a")
    assert make_contrasts("consecutive", labels).names == ("b - a", "c - b")
    assert make_contrasts("mean", labels).names == ("a - mean", "b - mean", "c - mean")
    np.testing.assert_allclose(make_contrasts("mean", labels).weights.sum(axis=1), 0, atol=1e-15)
    given = make_contrasts({"ends": [1, 0, -1]}, labels)
    assert given.weights.tolist() == [[1, 0, -1]]


def test_adjustments_are_the_textbook_s():
    p = np.array([0.01, 0.04, 0.03, np.nan])
    t, df = np.full(4, 2.0), np.full(4, 10.0)

    def adjusted(how):
        return adjust_p(p, t, df, how, 3)

    np.testing.assert_allclose(adjusted("bonferroni"), [0.03, 0.12, 0.09, np.nan])
    np.testing.assert_allclose(adjusted("holm"), [0.03, 0.06, 0.06, np.nan])
    np.testing.assert_allclose(adjusted("fdr"), [0.03, 0.04, 0.04, np.nan])
    np.testing.assert_allclose(adjusted("sidak"), 1 - (1 - p) ** 3)
    # R: ptukey(2 * sqrt(2), 3, 10, lower.tail = FALSE).
    np.testing.assert_allclose(adjusted("tukey")[0], 0.1625737, atol=1e-6)


@pytest.mark.parametrize("adjust", ["tukey", "sidak", "bonferroni", "none"])
def test_an_interval_and_its_p_value_say_the_same(adjust):
    fit = pp.lmm("score ~ Machine + (0 + Machine | Worker)", pp.load_dataset("Machines"))
    p = float(fit.means("Machine", contrasts="pairwise", adjust=adjust)["p_value"][2])
    table = fit.means("Machine", contrasts="pairwise", adjust=adjust, level=1 - p)
    row = table.iloc[2]
    # The studentised range is inverted to about 1e-6.
    assert row["conf_high"] == pytest.approx(0.0, abs=1e-4 * row["std_error"])


def test_ratios_and_means_on_the_response_scale(counts):
    link, response = (counts.means("YEAR", scale=s) for s in ("link", "response"))
    np.testing.assert_allclose(response["estimate"], np.exp(link["estimate"]))
    np.testing.assert_allclose(response["conf_low"], np.exp(link["conf_low"]))
    np.testing.assert_allclose(response["std_error"], response["estimate"] * link["std_error"])
    ratios = counts.means("YEAR", contrasts="pairwise", scale="response")
    assert ratios["contrast"].tolist() == ["95 / 96", "95 / 97", "96 / 97"]
    np.testing.assert_allclose(ratios["estimate"][0], np.exp(-counts.fixef["YEAR[T.96]"]))


def test_an_offset_moves_means_on_the_response_scale(counts):
    plain, moved = (counts.means("YEAR", scale="response", offset=o) for o in (0.0, np.log(2)))
    np.testing.assert_allclose(moved["estimate"], 2 * plain["estimate"])


def test_other_links_have_differences_of_the_response():
    data = pp.load_dataset("cbpp")
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    from partialpool.families import Binomial

    fit = pp.glmm(formula, data, family=Binomial(link="probit"))
    means = fit.means("period", scale="response")["estimate"].to_numpy()
    found = fit.means("period", contrasts="reference", scale="response")
    np.testing.assert_allclose(found["estimate"], means[1:] - means[0])
    assert found["contrast"].tolist() == ["2 - 1", "3 - 1", "4 - 1"]
    # Delta method against differences of the estimate in each coefficient.
    beta, V = fit.fixef.values, fit.vcov
    from scipy.stats import norm

    def difference(b):
        return norm.cdf(b[0] + b[1]) - norm.cdf(b[0])

    gradient = [(difference(beta + h) - difference(beta - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    assert found["std_error"][0] == pytest.approx(np.sqrt(gradient @ V @ gradient), rel=1e-6)


def test_a_slope_is_the_derivative_of_predictions():
    fit = pp.lmm("y ~ f * ns(x, df=3) + (1 | g)", table())
    at = 0.3
    slopes = fit.slopes("x", by="f", at={"x": at})
    new = [pd.DataFrame({"f": [*"uvw"], "x": at + h}) for h in (1e-5, -1e-5)]
    above, below = (fit.predict(d, random="none") for d in new)
    np.testing.assert_allclose(slopes["estimate"], (above - below) / 2e-5, rtol=1e-5)


def test_a_slope_on_the_response_scale_is_that_of_the_mean(counts):
    row = counts.slopes("cHEIGHT", scale="response").iloc[0]
    eta = counts.means("cHEIGHT")["estimate"][0]
    assert row["estimate"] == pytest.approx(np.exp(eta) * counts.fixef["cHEIGHT"])
    # Delta method by differences.
    beta, V = counts.fixef.values, counts.vcov
    L = np.array([1, 1 / 3, 1 / 3, pp.load_dataset("grouseticks")["cHEIGHT"].mean()])

    def slope(b):
        return np.exp(L @ b) * b[3]

    gradient = [(slope(beta + h) - slope(beta - h)) / 2e-6 for h in 1e-6 * np.eye(4)]
    assert row["std_error"] == pytest.approx(np.sqrt(gradient @ V @ gradient), rel=1e-5)


def test_slopes_compare_by_group(fit):
    other = pp.lmm("y ~ x * f + (1 | g)", table())
    found = other.slopes("x", by="f", contrasts="pairwise")
    assert found["contrast"].tolist() == ["u - v", "u - w", "v - w"]
    np.testing.assert_allclose(found["estimate"][0], -other.fixef["x:f[T.v]"], rtol=1e-6)


def test_a_mean_that_the_data_do_not_determine_is_nan():
    data = table()
    data = data[~((data["f"] == "w") & (data["k2"] == "late"))]
    fit = pp.lmm("y ~ f * k2 + (1 | g)", data)
    means = fit.means(["f", "k2"]).set_index(["f", "k2"])["estimate"]
    assert np.isnan(means["w", "late"])
    assert means.notna().sum() == 5


def test_numbers_used_as_a_factor_are_levels():
    fit = pp.lmm("y ~ factor(k) + (1 | g)", table())
    assert fit.means("k")["k"].tolist() == [0, 1, 2, 3, 4, 5]


def test_saved_fits_have_means_too(fit, tmp_path):
    fit.save(tmp_path / "fit.model")
    again = pp.load(tmp_path / "fit.model")
    pd.testing.assert_frame_equal(again.means("f"), fit.means("f"), rtol=1e-7)


def test_an_intercept_has_one_mean():
    fit = pp.lmm("y ~ 1 + (1 | g)", table())
    with pytest.raises(DataError, match="no fixed effects besides the intercept"):
        fit.means("g")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"specs": "F"}, "'F' is no column of the fixed effects.*Did you mean 'f'"),
        ({"specs": []}, "needs the name of at least one column"),
        ({"specs": "f", "by": "f"}, "'f' stands in by= too"),
        ({"specs": "f", "at": {"q": 1}}, "'q' is no column of the fixed effects"),
        ({"specs": "f", "at": {"x": []}}, "a column without values"),
        ({"specs": "f", "level": 95}, r"between 0 and 1, found 95. For 95 per cent write 0.95"),
        ({"specs": "f", "adjust": "holm"}, "adjust= is for contrasts"),
        ({"specs": "f", "contrasts": "pairs"}, "contrasts must be one of.*found 'pairs'"),
        ({"specs": "f", "contrasts": "pairwise", "adjust": "hochberg"}, "adjust must be one of"),
        ({"specs": "f", "contrasts": "mean", "adjust": "tukey"}, "for all pairwise differences"),
        ({"specs": "f", "contrasts": {"a": [1, 2]}}, r"needs 3 weights.*shape \(2,\)"),
        ({"specs": "f", "contrasts": {}}, "empty dict"),
        ({"specs": "x", "contrasts": "pairwise"}, "need two or more means, and there is 1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(fit, arguments, message):
    with pytest.raises(DataError, match=message):
        fit.means(**arguments)


def test_slopes_of_factors_and_of_nothing_are_refused(fit, counts):
    with pytest.raises(DataError, match="'f' is a factor and has no slope"):
        fit.slopes("f")
    with pytest.raises(DataError, match="'z' is no column of the fixed effects"):
        fit.slopes("z")
    with pytest.raises(DataError, match="contrasts of slopes need by="):
        fit.slopes("x", contrasts="pairwise")
    with pytest.raises(DataError, match="contrasts of slopes are on the link scale"):
        counts.slopes("cHEIGHT", by="YEAR", contrasts="pairwise", scale="response")
    with pytest.raises(DataError, match="scale must be 'link' or 'response'"):
        counts.means("YEAR", scale="log")


def test_ordinal_models_have_odds_ratios_but_no_mean():
    data = table().assign(o=lambda d: pd.cut(d["y"], 4, labels=False))
    fit = pp.glmm("o ~ f + x + (1 | g)", data, family="ordinal")
    assert fit.means("f")["estimate"].notna().all()
    ratios = fit.means("f", contrasts="reference", scale="response")
    assert ratios["contrast"].tolist() == ["v / u", "w / u"]
    np.testing.assert_allclose(ratios["estimate"][0], np.exp(fit.fixef["f[T.v]"]))
    for call in (fit.means, fit.slopes):
        with pytest.raises(NotAvailableError, match="no mean on the response scale"):
            call("x", scale="response")


def test_a_covariate_counts_where_it_applies():
    data = table().assign(z=lambda d: d["z"].where(d["f"] == "u"))
    fit = pp.lmm("y ~ f + z + (1 | g)", data, applicable={"z": "f == 'u'"})
    mean = data["z"].mean()
    expected = fit.fixef["Intercept"] + fit.fixef["z"] * mean
    means = fit.means("f")["estimate"]
    assert means[0] == pytest.approx(expected)
    assert means[1] == pytest.approx(fit.fixef["Intercept"] + fit.fixef["f[T.v]"])


def test_a_condition_on_a_number_is_taken_at_its_mean():
    fit = pp.lmm("y ~ I(x > 0) + f + (1 | g)", table())
    up, down = (fit.means("f", at={"x": x})["estimate"] for x in (1.0, -1.0))
    np.testing.assert_allclose(up - down, fit.fixef["I(x > 0)[T.True]"])
    assert fit.means("x").shape[0] == 1
    other = pp.lmm("y ~ I(f == 'u') + (1 | g)", table())
    assert other.means("f")["f"].tolist() == ["u", "v", "w"]


def test_a_covariate_applies_on_a_grid_that_does_not_hold_the_condition():
    data = pp.load_dataset("manufacturing")
    fit = pp.lmm(
        "production_speed ~ feed_speed + pull_acceleration + cutting_wait_time"
        " + (1 | product_group)",
        data,
        applicable="auto",
    )
    slope = fit.slopes("feed_speed")["estimate"]
    np.testing.assert_allclose(slope, fit.fixef["feed_speed"])
    near, far = fit.means("feed_speed", at={"feed_speed": [0.0, 1.0]})["estimate"]
    np.testing.assert_allclose(far - near, fit.fixef["feed_speed"])
    assert np.isfinite(near)


@pytest.mark.parametrize("terms", ["x", "poly(x, 2)", "x + I(x**2)"])
def test_slopes_at_values_of_their_own_covariate(terms):
    fit = pp.lmm(f"y ~ {terms} + (1 | g)", table())
    found = fit.slopes("x", by="x", at={"x": [0.0, 1.0]})
    assert found["x"].tolist() == [0.0, 1.0]
    step = 1e-4
    new = pd.DataFrame({"x": [-step, step, 1 - step, 1 + step]})
    low0, high0, low1, high1 = fit.predict(new, random="none")
    expected = [(high0 - low0) / (2 * step), (high1 - low1) / (2 * step)]
    np.testing.assert_allclose(found["estimate"], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda fit: fit.means("f", at=[0, 9]), r"at must give values by column.*found \[0, 9\]"),
        (lambda fit: fit.means(3), r"a list of names .*found 3"),
        (lambda fit: fit.means("f", by=[3]), r"a list of names .*found \[3\]"),
        (lambda fit: fit.slopes(["x"]), r"the name of one covariate, found \['x'\]"),
    ],
)
def test_arguments_of_another_type_are_refused_by_name(fit, ask, message):
    with pytest.raises(DataError, match=message):
        ask(fit)
