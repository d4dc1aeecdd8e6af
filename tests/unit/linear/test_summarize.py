"""Summaries of real fits."""

import re

import numpy as np
import pytest

import partialpool as pp
from partialpool.linear.summary import summarize

SLEEP_TEXT = """\
Linear mixed model fitted by REML
Formula: Reaction ~ Days + (Days | Subject)
Rows:    180
Groups:  Subject 18

  REML criterion     logLik        AIC        BIC  Parameters  Residual df
       1743.6283  -871.8141  1755.6283  1774.7860           6          174

Scaled residuals
      Min       1Q  Median      3Q     Max
  -3.9536  -0.4634  0.0231  0.4634  5.1793

Random effects
  Group     Effect     Variance      SD  Corr
  Subject   Intercept    612.09  24.740
            Days          35.07   5.922  0.07
  Residual               654.94  25.592
  SD in units of Reaction; of a slope, per unit of its column.

Fixed effects
             Estimate  Std. error      t    df  P(>|t|)
  Intercept   251.405       6.825  36.84  17.0  <0.0001
  Days         10.467       1.546   6.77  17.0  <0.0001
  t = estimate / std. error; degrees of freedom by Satterthwaite.

Correlation of fixed effects
        Intercept
  Days      -0.14

"""


@pytest.fixture(scope="module")
def sleep():
    return pp.load_dataset("sleepstudy")


def test_the_whole_summary_of_sleepstudy(sleep):
    text = str(pp.lmm("Reaction ~ Days + (Days | Subject)", sleep))
    numbers, optimum = text[: len(SLEEP_TEXT)], text[len(SLEEP_TEXT) :]
    assert numbers == SLEEP_TEXT
    assert re.fullmatch(
        r"Interior optimum: gradient at most \S+, curvature at least \S+, \d+ evaluations\.",
        " ".join(optimum.split()),
    )


def test_r_squared_is_the_share_of_variance_that_the_line_explains(sleep):
    explained = summarize(pp.lmm("Reaction ~ Days", sleep)).explained
    share = np.corrcoef(sleep["Days"], sleep["Reaction"])[0, 1] ** 2
    assert explained.r_squared == pytest.approx(share)
    assert explained.adjusted == pytest.approx(1 - (1 - share) * 179 / 178)
    assert explained.centred


def test_r_squared_does_not_depend_on_how_the_intercept_is_written(sleep):
    data = sleep.assign(late=np.where(sleep["Days"] > 4, "late", "early"))
    one = summarize(pp.lmm("Reaction ~ late", data)).explained
    other = summarize(pp.lmm("Reaction ~ 0 + late", data)).explained
    assert other.centred
    assert other.r_squared == pytest.approx(one.r_squared)


def test_r_squared_without_an_intercept_is_measured_from_zero(sleep):
    explained = summarize(pp.lmm("Reaction ~ 0 + Days", sleep)).explained
    x, y = sleep["Days"], sleep["Reaction"]
    slope = (x @ y) / (x @ x)
    assert not explained.centred
    assert explained.r_squared == pytest.approx(1 - ((y - slope * x) ** 2).sum() / (y @ y))


def test_r_squared_ignores_rows_without_weight_and_what_the_offset_explains(sleep):
    data = sleep.assign(w=np.tile([0.0, 1.0, 1.0], 60), shift=1000.0 * sleep["Days"])
    data["shifted"] = data["Reaction"] + data["shift"]
    with_both = pp.lmm("shifted ~ Days", data, weights="w", offset="shift")
    without = pp.lmm("Reaction ~ Days", data[data["w"] > 0])
    assert summarize(with_both).explained.r_squared == pytest.approx(
        summarize(without).explained.r_squared
    )


def test_r_squared_does_not_depend_on_units(sleep):
    data = sleep.assign(Reaction=1e-9 * sleep["Reaction"], Days=1e9 + 1e4 * sleep["Days"])
    assert summarize(pp.lmm("Reaction ~ Days", data)).explained.r_squared == pytest.approx(
        0.2864714
    )


def test_scaled_residuals_leave_out_rows_without_weight(sleep):
    data = sleep.assign(w=1.0)
    data.loc[0, ["Reaction", "w"]] = 1e6, 0.0
    summary = summarize(pp.lmm("Reaction ~ Days + (1 | Subject)", data, weights="w"))
    assert summary.scaled_residuals[-1] < 6


def test_a_singular_fit_is_explained():
    data = pp.load_dataset("Dyestuff2")
    text = " ".join(str(pp.lmm("Yield ~ 1 + (1 | Batch)", data)).split())
    assert "Optimum on the boundary" in text
    assert "the variance of Intercept between levels of Batch is estimated as zero." in text


def test_rows_and_columns_left_out_are_reported(sleep):
    data = sleep.astype({"Days": float}).assign(Twice=2.0 * sleep["Days"])
    data.loc[[3, 9], ["Days", "Twice"]] = np.nan
    fit = pp.lmm("Reaction ~ Days + Twice + (1 | Subject)", data, missing="drop")
    text = " ".join(str(fit).split())
    assert "2 rows of 180 left out for missing values: Days in 2 and Twice in 2." in text
    assert "Twice is left out: it equals 2 * Days." in text


def test_coefficients_that_no_row_identifies_are_shown_as_such(sleep):
    data = sleep.assign(late=np.where(sleep["Days"] > 4, "late", "early"))
    data["coffee"] = np.where(data["late"] == "late", np.sin(np.arange(180)), np.nan)
    fit = pp.lmm("Reaction ~ late + late:coffee + (1 | Subject)", data, applicable="auto")
    absent = [c.name for c in summarize(fit).coefficients if c.state == "not applicable"]
    assert absent == ["late[early]:coffee"]
    assert "coffee is missing in all 90 rows of late 'early'" in " ".join(str(fit).split())


def test_a_notebook_gets_the_same_numbers(sleep):
    html = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep).summary()._repr_html_()
    assert ">251.405<" in html
    assert "Interior optimum" in html


@pytest.mark.parametrize(
    ("ddf", "words"),
    [
        ("kenward-roger", "degrees of freedom by Kenward-Roger"),
        ("z", "taken for a z value"),
        ("residual", "on 315 degrees of freedom"),
    ],
)
def test_a_summary_shows_the_degrees_of_freedom_that_are_asked_for(ddf, words):
    rats = pp.load_dataset("ratpup")
    fit = pp.lmm("weight ~ treatment * sex + litsize + (1 | litter)", rats)
    shown = fit.summary(ddf=ddf)
    table = fit.tidy(ddf=ddf)
    fixed = table[table["effect"] == "fixed"]
    for name in ("std_error", "statistic", "df", "p_value"):
        told = [getattr(line, name) for line in shown.coefficients]
        np.testing.assert_allclose(told, fixed[name], rtol=1e-12)
    assert words in " ".join(str(shown).split())
