"""What lmerTest, pbkrtest, emmeans and performance say of the stored fits, computed here.

Files in `inference/`; made with R 4.2.2, lmerTest 3.1-3, pbkrtest 0.5.2, emmeans 1.8.4-1 and
performance 0.10.2. Tolerances are the issue's: degrees of freedom to 1e-3, covariances to 1e-5.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import partialpool as pp
from partialpool.inference import calibrate
from tests.reference.cases import fit, r_name, read, squeeze
from tests.reference.generalized_cases import fit as generalized_fit

FILES = Path(__file__).parent / "inference"
STORED = {path.stem: json.loads(path.read_text()) for path in sorted(FILES.glob("*.json"))}


def having(key):
    return pytest.mark.parametrize("name", [name for name in STORED if key in STORED[name]])


def column(table, name):
    """A column of an R table; infinite values are stored as null."""
    return np.array([np.inf if x is None else x for x in table[name]], dtype=float)


def kept(ours):
    return np.isfinite(ours.fixef.values)


@having("satterthwaite")
def test_satterthwaite_degrees_of_freedom_agree(name):
    theirs, ours = STORED[name]["satterthwaite"], fit(name)
    table = ours.tidy()[: len(kept(ours))][kept(ours)]
    # lmerTest differences the deviance numerically: 1e-5, at boundaries 1e-3.
    np.testing.assert_allclose(table["df"], column(theirs, "df"), rtol=1e-3)
    np.testing.assert_allclose(table["std_error"], column(theirs, "SE"), rtol=1e-5)
    np.testing.assert_allclose(table["p_value"], column(theirs, "p"), rtol=2e-2, atol=1e-12)


@having("kenward_roger")
def test_kenward_roger_degrees_of_freedom_and_standard_errors_agree(name):
    theirs, ours = STORED[name]["kenward_roger"], fit(name)
    table = ours.tidy(ddf="kenward-roger")[: len(kept(ours))]
    np.testing.assert_allclose(table["df"], column(theirs, "df"), rtol=1e-3)
    np.testing.assert_allclose(table["std_error"], column(theirs, "SE"), rtol=1e-5)


@having("vcov_kenward_roger")
def test_the_kenward_roger_covariance_agrees(name):
    theirs = np.array(STORED[name]["vcov_kenward_roger"]["matrix"])
    size = np.sqrt(np.diag(theirs))
    ours = calibrate(fit(name), "kenward-roger").vcov
    np.testing.assert_allclose(
        ours / np.outer(size, size), theirs / np.outer(size, size), atol=1e-5
    )


@having("ci_wald_95")
def test_normal_wald_intervals_agree(name):
    theirs = STORED[name]["ci_wald_95"]
    if name.startswith("glmm"):
        table = generalized_fit(name).confint()
    else:
        table = fit(name).confint(ddf="z")[kept(fit(name))]
    width = column(theirs, "97.5 %") - column(theirs, "2.5 %")
    low = (table["conf_low"] - column(theirs, "2.5 %")) / width
    high = (table["conf_high"] - column(theirs, "97.5 %")) / width
    # glmer's standard errors come from differences, good to about 1 per cent.
    close = 1e-2 if name.startswith("glmm") else 1e-5
    assert max(np.abs(low).max(), np.abs(high).max()) < close


ANOVAS = [("I", "satterthwaite"), ("II", "satterthwaite"), ("III", "satterthwaite")]
ANOVAS += [("III", "kenward_roger")]
ANOVA_CASES = [
    (name, kind, ddf)
    for kind, ddf in ANOVAS
    for name in STORED
    if f"anova_{kind}_{ddf}" in STORED[name]
]


@pytest.mark.parametrize(("name", "kind", "ddf"), ANOVA_CASES)
def test_tests_of_terms_agree(name, kind, ddf):
    theirs = STORED[name][f"anova_{kind}_{ddf}"]
    ours = fit(name).anova(kind, ddf.replace("_", "-"))
    # A term whose columns were all left out has no test: R puts it last, and null for its df.
    tested = [i for i, df in enumerate(theirs["NumDF"]) if df]
    theirs = {key: [values[i] for i in tested] for key, values in theirs.items()}
    ours = ours[ours["num_df"] > 0]
    assert [r_name(term) for term in ours["term"]] == [squeeze(row) for row in theirs["rows"]]
    np.testing.assert_array_equal(ours["num_df"], column(theirs, "NumDF"))
    np.testing.assert_allclose(ours["den_df"], column(theirs, "DenDF"), rtol=1e-3)
    np.testing.assert_allclose(ours["statistic"], column(theirs, "F"), rtol=1e-4)
    np.testing.assert_allclose(ours["sum_sq"], column(theirs, "SumSq"), rtol=1e-4)


@having("rePCA")
def test_principal_effects_agree(name):
    theirs = STORED[name]["rePCA"]
    for ours in fit(name).principal_effects():
        key = next(k for k in theirs if set(k.split(":")) == set(ours.group.split(":")))
        sdev = column(theirs[key], "sdev")
        np.testing.assert_allclose(ours.sd, sdev, rtol=1e-4, atol=1e-4 * sdev[0])


@having("lr_test")
def test_likelihood_ratios_agree(name):
    theirs = STORED[name]["lr_test"]
    case = read(name)
    fits = [
        pp.lmm(theirs[key], case.data, weights=case.weights, offset=case.offset)
        for key in ("model0", "model1")
    ]
    last = pp.compare(*fits).models[-1]
    assert last.df == theirs["Df"][1]
    # Each log-likelihood is at its optimum to about 1e-8, R's to 1e-6 or so.
    assert last.statistic == pytest.approx(theirs["Chisq"][1], abs=1e-5)


def test_the_test_of_a_slope_s_variance_agrees():
    name = "lmm_sleepstudy_slope_reml"
    theirs = STORED[name]["ranova"]
    ours = fit(name).variance_tests()["statistic"][1]
    assert ours == pytest.approx(theirs["LRT"][1], abs=1e-6)


MEANS = [
    (name, ddf)
    for name in STORED
    for ddf in ("kenward_roger", "satterthwaite", "asymptotic")
    if f"emmeans_{ddf}" in STORED[name]
]


def method_of(ddf):
    return "z" if ddf == "asymptotic" else ddf.replace("_", "-")


@pytest.mark.parametrize(("name", "ddf"), MEANS)
def test_marginal_means_agree(name, ddf):
    theirs = STORED[name][f"emmeans_{ddf}"]
    target, _, by = STORED[name]["emmeans_spec"].removeprefix("~ ").partition(" | ")
    ours = fit(name).means(target, by=by or None, ddf=method_of(ddf))
    assert ours[target].tolist() == theirs[target]
    compare_tables(ours, theirs, "emmean", "asymp.LCL" if ddf == "asymptotic" else "lower.CL")


@pytest.mark.parametrize(("name", "ddf"), MEANS)
def test_pairwise_contrasts_agree(name, ddf):
    theirs = STORED[name][f"pairs_{ddf}"]
    target, _, by = STORED[name]["emmeans_spec"].removeprefix("~ ").partition(" | ")
    ours = fit(name).means(target, by=by or None, contrasts="pairwise", ddf=method_of(ddf))
    assert ours["contrast"].tolist() == theirs["contrast"]
    compare_tables(ours, theirs, "estimate", "asymp.LCL" if ddf == "asymptotic" else "lower.CL")
    # The studentised range is an integral: both programs stop at about 1e-6 of the probability,
    # and the fits' own t values agree to 1e-5.
    np.testing.assert_allclose(ours["p_value"], column(theirs, "p.value"), rtol=1e-3, atol=2e-6)


def compare_tables(ours, theirs, estimate, low):
    size = column(theirs, "SE")
    np.testing.assert_allclose(ours["estimate"] / size, column(theirs, estimate) / size, atol=1e-4)
    np.testing.assert_allclose(ours["std_error"], size, rtol=1e-5)
    np.testing.assert_allclose(ours["df"], column(theirs, "df"), rtol=1e-3)
    gap = (ours["conf_low"] - column(theirs, low)) / size
    assert np.abs(gap).max() < 1e-4


def test_marginal_means_of_a_generalized_fit_agree_on_both_scales():
    theirs = STORED["glmm_cbpp_laplace"]
    formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    ours = pp.glmm(formula, pp.load_dataset("cbpp"), family="binomial")
    for scale, key, name in (
        ("link", "emmeans_link", "emmean"),
        ("response", "emmeans_response", "prob"),
    ):
        table = ours.means("period", scale=scale)
        # emmeans stood on a default glmer fit, up to 1e-3 from its optimum, whose standard errors
        # come from differences; both sets agree to 1 per cent of a standard error or so.
        size = column(theirs[key], "SE")
        gap = (table["estimate"] - column(theirs[key], name)) / size
        assert np.abs(gap).max() < 5e-3
        np.testing.assert_allclose(table["std_error"], size, rtol=2e-2)


# performance 0.10.2 matches random slopes to columns of the fixed effects by name and leaves out
# what it doesn't find there (slopes on Days beside a spline of Days, several terms of a factor),
# and gives nothing for singular fits. test_checks.py shows that ours are the rows' own variances.
R2_UNMATCHED = {
    "lmm_machines_vector",
    "lmm_orthodont_sex",
    "lmm_pastes_crossed_singular",
    "lmm_sleepstudy_ns",
    "lmm_sleepstudy_poly",
    "lmm_sleepstudy_uncor",
}


@having("r2")
def test_explained_variance_agrees(name):
    if name in R2_UNMATCHED:
        pytest.skip("performance leaves random slopes out here")
    theirs = STORED[name]["r2"]
    generalized = name.startswith("glmm")
    ours = (generalized_fit(name) if generalized else fit(name)).explained_variance
    # performance stood on default glmer fits, which stop up to 1e-3 from their optimum.
    close = 2e-4 if generalized else 1e-5
    pairs = [
        (ours.r2_marginal, theirs["r2_marginal"]),
        (ours.r2_conditional, theirs["r2_conditional"]),
        (ours.icc_adjusted, theirs["icc_adjusted"]),
        (ours.icc, theirs["icc_unadjusted"]),
    ]
    for mine, other in pairs:
        assert mine == pytest.approx(other or 0.0, abs=close)


def test_the_influence_of_rows_agrees():
    name = "lmm_sleepstudy_slope_reml"
    theirs, ours = STORED[name], fit(name).row_influence()
    np.testing.assert_allclose(ours["cooks"], theirs["cooks_distance"], rtol=1e-5)
    np.testing.assert_allclose(ours["studentized"], theirs["rstudent"], atol=1e-6)


def test_the_influence_of_groups_agrees():
    name = "lmm_sleepstudy_slope_reml"
    theirs, ours = STORED[name]["influence_by_group"], fit(name).group_influence(refit=True)
    assert ours["Subject"].tolist() == theirs["levels"]
    dfbetas = np.array(theirs["dfbetas"]["matrix"])
    # lme4's refits stop at 1e-4 or so; it multiplies Cook's distance by (J - p) / J.
    np.testing.assert_allclose(ours.filter(like="dfbetas"), dfbetas, atol=1e-4)
    np.testing.assert_allclose(ours["cooks"] * (18 - 2) / 18, theirs["cooks"], rtol=2e-3)
