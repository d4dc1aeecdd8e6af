import numpy as np
import polars as pl
import pytest
from scipy.stats import norm, t

import partialpool as pp
from partialpool.errors import DataError
from partialpool.inference.ddf import choose
from tests.unit.inference import models


def test_t_values_p_values_and_intervals_hang_together():
    fit = models.fit("y ~ x + (x | g)")
    table = fit.tidy(conf_int=True, level=0.9)[:2]
    np.testing.assert_allclose(table["statistic"], table["estimate"] / table["std_error"])
    np.testing.assert_allclose(table["p_value"], 2 * t.sf(abs(table["statistic"]), table["df"]))
    half = t.ppf(0.95, table["df"]) * table["std_error"]
    np.testing.assert_allclose(table["conf_low"], table["estimate"] - half)
    np.testing.assert_allclose(table["conf_high"], table["estimate"] + half)
    assert fit.tidy(conf_int=True)[2:][["df", "p_value", "conf_low"]].isna().all(axis=None)


def test_confint_is_the_same_interval():
    fit = models.fit("y ~ x + (x | g)")
    ours, table = fit.confint(0.8, ddf="kenward-roger"), fit.tidy(True, 0.8, "kenward-roger")[:2]
    np.testing.assert_allclose(ours["conf_low"], table["conf_low"])
    assert ours["term"].tolist() == ["Intercept", "x"]


def test_generalized_fits_have_normal_intervals():
    data = pp.load_dataset("grouseticks")
    fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", data, family="nbinom2")
    table = fit.tidy(conf_int=True, level=0.5)
    np.testing.assert_allclose(
        (table["conf_high"] - table["estimate"])[:4], norm.ppf(0.75) * table["std_error"][:4]
    )
    ours = fit.confint(0.5)
    np.testing.assert_allclose(ours["conf_low"], table["conf_low"][:3])


@pytest.mark.parametrize("level", [0, 1, 1.5, -0.1, np.nan, "0.9", True])
def test_levels_outside_zero_and_one_are_refused(level):
    fit = models.fit("y ~ x + (x | g)")
    for call in (fit.confint, fit.robust_tests, lambda level: fit.tidy(level=level)):
        with pytest.raises(DataError, match="level must lie between 0 and 1"):
            call(level=level)


def test_a_level_in_per_cent_is_told_how_to_be_written():
    with pytest.raises(DataError, match=r"found 95\. For 95 per cent write 0\.95"):
        models.fit("y ~ x + (x | g)").confint(95)


def test_an_unknown_method_is_refused():
    with pytest.raises(
        DataError, match="method must be 'wald', 'profile' or 'bootstrap', found 'exact'"
    ):
        models.fit("y ~ x + (x | g)").confint(method="exact")


def test_tables_come_in_the_data_s_library():
    data = models.table()
    polars = pp.lmm("y ~ f + x + (x | g)", pl.from_pandas(data))
    arrays = pp.lmm("y ~ f + x + (x | g)", {name: data[name].to_numpy() for name in data})
    for call in (
        lambda fit: fit.tidy(),
        lambda fit: fit.confint(),
        lambda fit: fit.anova(),
        lambda fit: fit.drop_tests(),
        lambda fit: fit.means("f"),
        lambda fit: fit.means("f", contrasts="pairwise"),
        lambda fit: fit.slopes("x", by="f"),
        lambda fit: fit.variance_tests(),
        lambda fit: fit.variance_parameters(),
        lambda fit: fit.robust_tests(),
        lambda fit: fit.row_influence(),
        lambda fit: fit.group_influence(),
    ):
        frame, columns = call(polars), call(arrays)
        assert isinstance(frame, pl.DataFrame)
        assert isinstance(columns, dict)
        assert list(columns) == frame.columns


def test_a_summary_leaves_dear_degrees_of_freedom_out(monkeypatch):
    fit = models.fit("y ~ x + (x | g) + (1 | h)")
    assert "P(>|t|)" in str(fit.summary())
    monkeypatch.setattr(choose, "_QUICK", 1)
    text = " ".join(str(fit.summary()).split())
    assert "P(>|t|)" not in text
    assert "fit.summary(ddf='satterthwaite') computes them" in text
