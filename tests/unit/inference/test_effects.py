from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError
from tests.unit.inference import models

MIXED = {name: f for name, f in models.FORMULAS.items() if name != "least squares"}
formulas = pytest.mark.parametrize("formula", MIXED.values(), ids=MIXED)
weights = pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weights"])


@weights
@formulas
def test_random_effects_are_those_of_the_dense_twin(formula, weighted):
    fit = models.fit(formula, weighted)
    _, solution = models.twin(fit)
    parts = zip(fit.design.random, solution.b, solution.cond_sd(), strict=True)
    for effects, b, sd in parts:
        table = fit.ranef(effects.factor.name, cond_sd=True)
        assert_allclose(table[list(effects.columns)], b, rtol=1e-6, atol=1e-7)
        assert_allclose(table[[f"{c}_sd" for c in effects.columns]], sd, rtol=1e-6, atol=1e-7)


def test_there_is_a_row_for_each_level_in_the_order_of_the_levels():
    table = models.fit(MIXED["crossed"]).ranef("g")
    assert list(table.columns) == ["g", "Intercept", "x"]
    assert table["g"].tolist() == [f"g{i}" for i in range(8)]


def test_conditional_deviations_come_after_the_effects():
    table = models.fit(MIXED["two terms"]).ranef(cond_sd=True)
    assert list(table.columns) == ["g", "Intercept", "z", "Intercept_sd", "z_sd"]


def test_coefficients_are_fixed_plus_random_effects():
    fit = models.fit(MIXED["two terms"])
    b, coef = fit.ranef(), fit.coef()
    assert list(coef.columns) == ["g", "Intercept", "x", "z"]
    assert_allclose(coef["Intercept"], fit.fixef["Intercept"] + b["Intercept"])
    assert_allclose(coef["x"], fit.fixef["x"])
    assert_allclose(coef["z"], b["z"])


def test_effects_of_several_terms_on_one_column_are_added():
    fit = models.fit("y ~ x + (1 | g) + (0 + x | g)")
    assert_allclose(fit.coef()["x"], fit.fixef["x"] + fit.ranef()["x"])


@pytest.mark.parametrize(
    ("convert", "kind"),
    [
        (lambda d: d, pd.DataFrame),
        (pl.from_pandas, pl.DataFrame),
        (lambda d: pa.Table.from_pandas(d, preserve_index=False), pa.Table),
        (lambda d: {name: d[name].to_numpy() for name in d}, dict),
    ],
    ids=["pandas", "polars", "pyarrow", "dict"],
)
def test_tables_come_back_in_the_kind_that_came_in(convert, kind):
    fit = pp.lmm(MIXED["slope"], convert(models.table()))
    tables = fit.ranef(), fit.coef(), fit.predict(convert(models.table()), se=True)
    assert all(isinstance(table, kind) for table in tables)
    assert_allclose(np.asarray(fit.ranef()["x"]), models.fit(MIXED["slope"]).ranef()["x"])


@pytest.mark.parametrize("call", ["ranef", "coef"])
def test_of_several_factors_each_has_a_table(call):
    fit = models.fit(MIXED["crossed"])
    tables = getattr(fit, call)()
    assert list(tables) == ["g", "h"]
    for name, table in tables.items():
        assert table.equals(getattr(fit, call)(name))


@pytest.mark.parametrize("call", ["ranef", "coef"])
def test_an_unknown_factor_is_refused_with_those_there_are(call):
    fit = models.fit("y ~ x + (1 | g) + (1 | g:h)")
    with pytest.raises(DataError, match="no grouping factor 'G', but g, g:h"):
        getattr(fit, call)("G")


@pytest.mark.parametrize("call", ["ranef", "coef"])
def test_least_squares_has_no_effects_by_group(call):
    with pytest.raises(DataError, match="no random term"):
        getattr(models.fit("y ~ x"), call)()


def test_an_effect_that_does_not_apply_to_a_level_is_not_a_number():
    data = models.table()
    data.loc[data["g"] == "g3", "x"] = np.nan
    fit = pp.lmm("y ~ x + (x | g)", data, applicable="auto")
    table = fit.ranef(cond_sd=True).set_index("g")
    gone = table.isna().any(axis=1)
    assert gone[gone].index.tolist() == ["g3"]
    assert table.loc["g3"].isna().tolist() == [False, True, False, True]
    assert np.isnan(fit.coef().set_index("g").loc["g3", "x"])


def test_deviations_survive_a_response_whose_variances_overflow():
    fit = models.fit(MIXED["slope"])
    large = fit.refit(fit.design.y * 1e200)
    ours, plain = large.ranef(cond_sd=True), fit.ranef(cond_sd=True)
    assert_allclose(ours["x_sd"] / 1e200, plain["x_sd"], rtol=1e-6)
    assert_allclose(large.varcorr.terms[0].sd / 1e200, fit.varcorr.terms[0].sd, rtol=1e-6)
    assert_allclose(large.varcorr.terms[0].corr, fit.varcorr.terms[0].corr, rtol=1e-5)
    assert np.isinf(large.varcorr.terms[0].cov[0, 0])
    assert np.isinf(large.vcov[0, 0])


def test_effects_of_two_terms_on_one_column_keep_names_of_their_own():
    fit = models.fit("y ~ x + (1 | g) + homdiag(x | g)")
    table = fit.ranef(cond_sd=True)
    names = ["Intercept", "Intercept homdiag(x | g)", "x"]
    assert list(table.columns) == ["g", *names, *(f"{name}_sd" for name in names)]
    both = table["Intercept"] + table["Intercept homdiag(x | g)"]
    assert_allclose(fit.coef()["Intercept"], fit.fixef["Intercept"] + both)


def test_a_factor_that_is_also_a_covariate_keeps_its_levels():
    rng = np.random.default_rng(1)
    year = np.repeat(np.arange(2000, 2012), 6)
    y = 0.1 * (year - 2000) + rng.normal(size=12)[year - 2000] + rng.normal(size=72)
    coef = pp.lmm("y ~ year + (1 | year)", {"y": y, "year": year}).coef()
    assert list(coef) == ["year", "Intercept", "year_"]
    assert list(coef["year"]) == list(range(2000, 2012))
