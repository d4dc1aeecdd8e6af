from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

import partialpool as pp
from tests.unit.inference import models


def aliased(formula, **columns):
    return pp.lmm(formula, models.table().assign(**columns)).aliased


x, z = models.table()["x"].to_numpy(), models.table()["z"].to_numpy()


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (2 * x, "2 * x"),
        (x, "x"),
        (-x, "-x"),
        (x + z, "x + z"),
        (x - z, "x - z"),
        (0.5 * x - 3 * z + 7, "7 * Intercept + 0.5 * x - 3 * z"),
        (np.full(96, 4.0), "4 * Intercept"),
        (np.ones(96), "Intercept"),
        (np.zeros(96), "0"),
        (1e6 * x + 1e6, "1e+06 * Intercept + 1e+06 * x"),
        (1e-12 * x, "1e-12 * x"),
        (x + 1e-4, "0.0001 * Intercept + x"),
    ],
)
@pytest.mark.parametrize("random", ["", " + (1 | g)"], ids=["least squares", "mixed"])
def test_a_column_left_out_is_said_to_equal_its_combination(column, wanted, random):
    assert aliased(f"y ~ x + z + extra{random}", extra=column) == {"extra": wanted}


def test_the_column_to_the_right_is_the_one_left_out():
    assert aliased("y ~ extra + x", extra=2 * x) == {"x": "0.5 * extra"}


def test_every_column_left_out_is_told():
    found = aliased("y ~ x + a + z + b", a=3 * x, b=x + 2 * z)
    assert found == {"a": "3 * x", "b": "x + 2 * z"}


def test_columns_of_a_factor_that_sum_to_another_are_named_as_the_design_names_them():
    f = np.array(["u", "v", "w"])[np.arange(96) % 3]
    assert aliased("y ~ f + late", f=f, late=(f == "w") * 1.0) == {"late": "f[T.w]"}


def test_where_nothing_is_dependent_nothing_is_left_out():
    assert models.fit("y ~ x + z").aliased == {}


def test_almost_dependent_columns_are_kept():
    noise = np.random.default_rng(0).normal(size=96)
    fit = pp.lmm("y ~ x + near", models.table().assign(near=x + 1e-5 * noise))
    assert fit.aliased == {}
    wanted = np.linalg.lstsq(fit.design.X, fit.design.y, rcond=None)[0]
    assert_allclose(fit.fixef.values, wanted, rtol=1e-6)


def test_a_far_zero_does_not_make_a_column_dependent():
    fit = pp.lmm("y ~ x", models.table().assign(x=x + 1e8))
    assert fit.aliased == {}
