from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from partialpool.errors import DataError, ModelError, PartialPoolWarning
from tests.unit.design.tables import N, design, dummies, table


def test_columns_are_named_and_ordered_as_formulaic_and_r_have_them():
    assert design("y ~ f * x + g").columns == (
        "Intercept", "f[T.v]", "x", "g[T.b]", "g[T.c]", "f[T.v]:x",
    )  # fmt: skip


def test_values_stand_in_their_columns():
    data = table()
    X = design("y ~ x + f + f:z", data).X
    v = data["f"] == "v"
    wanted = np.column_stack([np.ones(N), data["x"], v, ~v * data["z"], v * data["z"]])
    np.testing.assert_array_equal(X, wanted)


def test_without_an_intercept_the_first_factor_has_all_its_levels():
    data = table()
    built = design("y ~ 0 + g + f", data)
    assert built.columns == ("g[a]", "g[b]", "g[c]", "f[T.v]")
    np.testing.assert_array_equal(built.X[:, :3], dummies(data["g"], "a", "b", "c"))


def test_a_condition_is_a_factor_of_false_and_true():
    assert design("y ~ I(z > 6)").columns == ("Intercept", "I(z > 6)[T.True]")
    late = table()["z"] > 6
    assert design("y ~ late", table(late=late)).columns == ("Intercept", "late[T.True]")
    np.testing.assert_array_equal(design("y ~ late", table(late=late)).X[:, 1], late)


def test_levels_are_in_order_and_unused_categories_are_left_out():
    f = pd.Categorical(["q", "p"] * 6, categories=["unused", "q", "p"])
    assert design("y ~ f", table(f=f)).columns == ("Intercept", "f[T.p]")


def test_ordered_categoricals_get_polynomial_contrasts():
    dose = pd.Categorical(["lo", "mid", "hi"] * 4, ["lo", "mid", "hi"], ordered=True)
    built = design("y ~ dose", table(dose=dose))
    assert built.columns == ("Intercept", "dose[.L]", "dose[.Q]")
    wanted = np.array([[-(0.5**0.5), 1 / 6**0.5], [0, -2 / 6**0.5], [0.5**0.5, 1 / 6**0.5]])
    np.testing.assert_allclose(built.X[:3, 1:], wanted, atol=1e-15)


def test_a_number_made_a_factor_shows_its_levels_as_r_does():
    wanted = ("Intercept", "factor(h)[T.20]", "factor(h)[T.30]")
    assert design("y ~ factor(h)").columns == wanted
    assert design("y ~ factor(h)", table(h=table()["h"] * 1.0)).columns == wanted


def test_names_with_spaces_and_dots_are_plain_in_the_columns():
    data = table(**{"litter size": np.arange(N) * 1.0, "größe": np.arange(N) % 5})
    built = design("y ~ `litter size` + log(`litter size` + 1) + größe", data)
    wanted = ("Intercept", "litter size", "log(`litter size` + 1)", "größe")
    assert built.columns == wanted


def test_the_response_may_be_an_expression():
    data = table(y=np.exp(np.arange(N)))
    np.testing.assert_allclose(design("log(y) ~ x", data).y, np.arange(N))


def test_a_random_term_has_codes_levels_and_a_basis():
    data = table()
    (effects,) = design("y ~ x + (x | g)", data).random
    assert effects.columns == ("Intercept", "x")
    assert effects.factor.name == "g"
    assert effects.factor.levels.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(effects.factor.codes, np.repeat([0, 1, 2], 4))
    np.testing.assert_array_equal(effects.basis, np.column_stack([np.ones(N), data["x"]]))
    assert effects.applicable is None


def test_terms_on_one_factor_share_it():
    first, second = design("y ~ x + (1 | g) + (0 + x | g)").random
    assert first.factor is second.factor


def test_a_basis_equal_to_the_fixed_part_shares_its_memory():
    built = design("y ~ x + (x | g) + (1 | h)")
    assert np.shares_memory(built.X, built.random[0].basis)
    assert not np.shares_memory(built.X, built.random[1].basis)


def test_joint_levels_are_in_r_s_order_and_only_those_that_occur():
    data = table(g=["b", "b", "a"] * 4, h=[2, 10, 2] * 4)
    factor = design("y ~ x + (1 | g:h)", data).random[0].factor
    assert factor.levels.tolist() == ["a:2", "b:2", "b:10"]
    assert (factor.name, factor.columns) == ("g:h", ("g", "h"))
    np.testing.assert_array_equal(factor.codes, [1, 2, 0] * 4)


def test_levels_of_numbers_stay_numbers():
    assert design("y ~ x + (1 | h)").random[0].factor.levels.tolist() == [10, 20, 30]


def test_float_keys_are_not_cut_off():
    factor = design("y ~ x + (1 | k)", table(k=[1.0, 1.5, 2.0] * 4)).random[0].factor
    assert factor.levels.tolist() == [1.0, 1.5, 2.0]


def test_a_formula_without_a_random_term_is_a_design_too():
    assert design("y ~ x").random == ()


def test_everything_is_read_only_and_of_the_promised_layout():
    built = design("y ~ x + f + (f | g)", weights="z", offset="z")
    basis, codes = built.random[0].basis, built.random[0].factor.codes
    for array in (built.y, built.X, built.weights, built.offset, basis):
        assert not array.flags.writeable
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
    assert codes.dtype == np.int32
    assert not codes.flags.writeable


def test_the_user_s_arrays_stay_the_user_s():
    data = table(h=np.arange(N), w=np.ones(N))
    built = design("y ~ x + (1 | g) + (0 + x | h)", data, weights=data["w"], offset=data["z"])
    wanted = built.y.copy(), built.X.copy(), built.weights.copy(), built.offset.copy()
    for values in data.values():
        assert values.flags.writeable
    data["y"][:], data["x"][:], data["w"][:], data["z"][:] = 0, 0, 0, 0
    for array, copy in zip((built.y, built.X, built.weights, built.offset), wanted, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    "make",
    [
        pd.DataFrame,
        pl.DataFrame,
        pa.table,
        lambda d: pd.DataFrame(d, index=np.arange(N)[::-1]),
        lambda d: pd.DataFrame(d).astype({"y": "f4", "x": "f4"}),
        lambda d: pd.DataFrame(d).convert_dtypes(),
        lambda d: pd.DataFrame(d).astype({"g": "category", "f": "category"}),
        lambda d: pl.DataFrame(d).cast({"g": pl.Categorical}),
        lambda d: {**d, "x": d["x"].astype(">f8"), "g": d["g"].astype("S")},
        lambda d: {**d, "x": np.array([d["x"], d["y"]]).T[:, 0], "g": d["g"].astype(object)},
    ],
    ids=["pandas", "polars", "arrow", "index", "float32", "nullable", "categories",
         "polars categories", "big-endian and bytes", "strided and objects"],
)  # fmt: skip
def test_any_table_gives_the_design_of_plain_arrays(make):
    text = "y ~ x * f + poly(z, 2) + (x | g) + (1 | h)"
    plain, other = design(text), design(text, make(table()))
    assert other.columns == plain.columns
    np.testing.assert_allclose(other.X, plain.X, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(other.y, plain.y, rtol=1e-6)
    for mine, theirs in zip(plain.random, other.random, strict=True):
        np.testing.assert_array_equal(mine.factor.codes, theirs.factor.codes)
        assert mine.factor.levels.tolist() == theirs.factor.levels.tolist()


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match=r"no column 'X' in the data. Did you mean 'x'"):
        design("y ~ X")


def test_text_where_a_number_is_needed_is_refused_by_name():
    with pytest.raises(DataError, match=r"'g' holds text \('a', 'b', 'c'\), but log\(g\)"):
        design("y ~ log(g)")


def test_infinite_predictors_are_refused_with_their_rows():
    x = table()["x"]
    x[[3, 5]] = np.inf, -np.inf
    with pytest.raises(DataError, match=r"column 'x' is infinite in 2 row\(s\): rows 3 and 5"):
        design("y ~ x", table(x=x))


def test_rows_are_numbered_as_in_the_table_when_others_were_dropped():
    x, z = table()["x"], table()["z"]
    x[0], z[5] = np.nan, np.inf
    with pytest.raises(DataError, match=r"'z' is infinite in 1 .* row 5, counted from 0"):
        design("y ~ x + z", table(x=x, z=z), missing="drop")


def test_an_expression_that_is_no_number_is_refused_with_its_rows():
    x = np.ones(N)
    x[4] = -1
    with pytest.raises(DataError, match=r"log\(x\) is not a number .* in 1 row\(s\): row 4"):
        design("y ~ log(x)", table(x=x))


def test_a_fixed_factor_of_one_level_is_named():
    with pytest.raises(DataError, match="factor 'f' has only the level 'u'"):
        design("y ~ f", table(f=["u"] * N))


def test_a_grouping_factor_of_one_level_is_named():
    with pytest.raises(DataError, match=r"'school' has 1 level \('s'\), but a random effect needs"):
        design("y ~ x + (1 | school)", table(school=["s"] * N))


def test_a_random_slope_of_zeros_is_named():
    with pytest.raises(ModelError, match=r"slope 'q' of \(q \| g\) is zero in every row"):
        design("y ~ x + (q | g)", table(q=np.zeros(N)))


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (["a", "b"] * 6, DataError, r"y must be numeric, found text with 2 level\(s\)"),
        (pd.Categorical(["a", "b", "c"] * 4), DataError, r"found categorical with 3 level\(s\)"),
        (np.ones(N), ModelError, "response is constant: y is 1 in all 12 rows"),
        ([np.inf] + [0.0] * 11, DataError, r"column 'y' is infinite in 1 row\(s\): row 0"),
        (np.zeros((N, 2)), DataError, r"'y' has shape \(12, 2\)"),
    ],
    ids=["text", "factor", "constant", "infinite", "matrix"],
)
def test_a_response_that_is_none_is_refused(y, error, message):
    with pytest.raises(error, match=message):
        design("y ~ x", table(y=y))


def test_a_response_whose_digits_are_lost_says_so():
    y = table()["y"]
    with pytest.raises(DataError, match=r"varies by 2.* around 1e\+15, .* are 0.125 apart"):
        design("y ~ x", table(y=y + 1e15))
    assert design("y ~ x", table(y=y + 1e9)).y[0] == y[0] + 1e9


def test_two_columns_are_no_response_of_a_linear_model():
    with pytest.raises(ModelError, match=r"cbind\(x, z\) has two columns"):
        design("cbind(x, z) ~ f")


def test_several_columns_are_no_response():
    with pytest.raises(DataError, match="has several columns, but a model needs one"):
        design("poly(z, 2) ~ f")


def test_true_and_false_as_response_are_numbers_with_a_warning():
    with pytest.warns(PartialPoolWarning, match=r"y holds True and False.*A binomial model"):
        built = design("y ~ x", table(y=[True, False] * 6))
    np.testing.assert_array_equal(built.y, [1.0, 0.0] * 6)
