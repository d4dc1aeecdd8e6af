"""Fits side by side, and those that can't stand there."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from partialpool.errors import DataError, ModelError
from tests.unit.inference import models

SMALL, LARGE = "Reaction ~ Days + (1 | Subject)", "Reaction ~ Days + (Days | Subject)"


def sleep(formula, data=None, **options):
    data = pp.load_dataset("sleepstudy") if data is None else data
    return pp.lmm(formula, data, **({"reml": False} | options))


@pytest.fixture(scope="module")
def pair():
    return sleep(SMALL), sleep(LARGE)


def test_a_likelihood_ratio_is_lme4_s(pair):
    """lme4 1.1-31: anova(small, large) gives 42.1393 on 2 degrees of freedom, p = 7.072e-10."""
    first, second = pp.compare(*pair).models
    assert_allclose([second.statistic, second.df], [42.1393, 2], rtol=1e-5)
    assert_allclose(second.p_value, 7.072e-10, rtol=1e-3)
    assert np.isnan([first.statistic, first.df, first.p_value]).all()
    assert (first.npar, first.aic, first.bic) == (4, pair[0].aic, pair[0].bic)


def test_models_stand_in_the_order_of_their_parameters(pair):
    names = [model.name for model in pp.compare(pair[1], pair[0], names=["large", "small"]).models]
    assert names == ["small", "large"]


def test_akaike_weights_sum_to_one_and_follow_the_criterion(pair):
    weights = [model.weight for model in pp.compare(*pair).models]
    assert_allclose(sum(weights), 1.0)
    assert_allclose(weights[0] / weights[1], np.exp(-0.5 * (pair[0].aic - pair[1].aic)))


def test_models_of_one_size_have_no_ratio():
    data = models.table()
    first, second = (pp.lmm(f"y ~ {v} + (1 | g)", data, reml=False) for v in "xz")
    assert np.isnan(pp.compare(first, second).models[1].p_value)


def test_a_larger_model_that_fits_worse_is_told_to_be_no_extension():
    data = models.table()
    first = pp.lmm("y ~ x + (1 | g)", data, reml=False)
    second = pp.lmm("y ~ z + (1 | h) + (1 | k)", data, reml=False)
    comparison = pp.compare(first, second)
    assert np.isnan(comparison.models[1].p_value)
    assert "fit2 has more parameters and a lower likelihood" in " ".join(str(comparison).split())


def test_a_comparison_prints_as_text_and_as_html(pair):
    comparison = pp.compare(*pair)
    assert repr(comparison) == str(comparison)
    assert "fit2           6  -875.9697  1763.9393" in str(comparison)
    assert "<table" in comparison._repr_html_()


def test_a_comparison_is_a_frame_of_the_kind_that_came_in():
    data = pp.load_dataset("sleepstudy", as_="polars")
    frame = pp.compare(sleep(SMALL, data), sleep(LARGE, data)).to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame["model"].to_list() == ["fit1", "fit2"]
    assert frame["formula"].to_list() == [SMALL, LARGE]


def test_least_squares_compares_with_a_mixed_model():
    second = pp.compare(sleep("Reaction ~ Days"), sleep(SMALL)).models[1]
    assert second.df == 1
    assert second.p_value < 1e-10


def test_reml_fits_are_fitted_again_by_maximum_likelihood_and_it_says_so(pair):
    fits = sleep("Reaction ~ 1 + (1 | Subject)", reml=True), sleep(LARGE, reml=True), pair[0]
    comparison = pp.compare(*fits)
    assert comparison.refitted == ("fit1", "fit2")
    assert comparison.models[-1].loglik == pytest.approx(pair[1].loglik)
    words = " ".join(str(comparison).split())
    assert "fit1, fit2 were by REML and were fitted again by maximum likelihood" in words


def test_reml_fits_with_the_same_fixed_effects_compare_as_they_are_on_request():
    comparison = pp.compare(sleep(SMALL, reml=True), sleep(LARGE, reml=True), refit=False)
    assert comparison.criterion == "REML"
    assert comparison.refitted == ()


def test_without_refitting_reml_fits_with_different_fixed_effects_are_refused():
    fits = sleep(SMALL, reml=True), sleep("Reaction ~ 1 + (1 | Subject)", reml=True)
    with pytest.raises(ModelError, match=r"fit1 and fit2 were fitted by REML .* reml=False"):
        pp.compare(*fits, refit=False)


def test_without_refitting_reml_and_maximum_likelihood_do_not_mix(pair):
    with pytest.raises(ModelError, match="some fits are by REML and fit2 is by maximum"):
        pp.compare(sleep(SMALL, reml=True), pair[1], refit=False)


def test_other_rows_are_refused(pair):
    fewer = sleep(SMALL, pp.load_dataset("sleepstudy").iloc[:100])
    with pytest.raises(DataError, match="fit1 was fitted to 180 rows and fit2 to 100"):
        pp.compare(pair[0], fewer)


def test_as_many_other_rows_are_refused():
    data = pp.load_dataset("sleepstudy")
    with pytest.raises(DataError, match=r"responses differ in 100 row\(s\), such as row 0, where"):
        pp.compare(sleep(SMALL, data.iloc[:100]), sleep(SMALL, data.iloc[80:]))


def test_another_response_is_refused(pair):
    with pytest.raises(DataError, match=r"Reaction and log\(Reaction\)"):
        pp.compare(pair[0], sleep("log(Reaction) ~ Days + (1 | Subject)"))


def test_other_weights_are_refused(pair):
    with pytest.raises(
        DataError,
        match=r"their weights differ in 162 row\(s\), such as row 1, where they are 1 and 2",
    ):
        pp.compare(pair[0], sleep(SMALL, weights="Days + 1"))


def test_one_fit_is_no_comparison(pair):
    with pytest.raises(DataError, match="needs two or more fits, found 1"):
        pp.compare(pair[0])


def test_every_fit_needs_a_name(pair):
    with pytest.raises(DataError, match=r"names has 1 name\(s\), but there are 2 fits"):
        pp.compare(*pair, names=["a"])


def test_only_fits_compare(pair):
    with pytest.raises(DataError, match="needs fits, found str as fit2"):
        pp.compare(pair[0], "Reaction ~ Days")
