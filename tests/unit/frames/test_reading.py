from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from partialpool.errors import DataError
from partialpool.frames import read_table

MAKERS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "dict": lambda columns: {name: np.array(values) for name, values in columns.items()},
}
every_kind = pytest.mark.parametrize("kind", MAKERS)


@every_kind
def test_a_table_of_any_library_has_names_and_rows(kind):
    table = read_table(MAKERS[kind]({"x": [1.5, 2.5], "g": ["b", "a"]}))
    assert (table.kind, table.n, table.names) == (kind, 2, ("x", "g"))


@every_kind
def test_numbers_and_text_read_the_same_from_any_library(kind):
    table = read_table(MAKERS[kind]({"x": [1.5, 2.5, 0.5], "g": ["b", "a", "b"]}))
    np.testing.assert_array_equal(table.column("x").numbers, [1.5, 2.5, 0.5])
    assert table.column("g").levels.tolist() == ["a", "b"]
    np.testing.assert_array_equal(table.column("g").codes, [1, 0, 1])


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_missing_numbers_text_and_conditions_are_found(kind):
    table = read_table(
        MAKERS[kind]({"x": [1.5, None], "i": [None, 7], "g": ["b", None], "t": [True, None]})
    )
    for name, where in {"x": [0, 1], "i": [1, 0], "g": [0, 1], "t": [0, 1]}.items():
        np.testing.assert_array_equal(table.column(name).missing, np.array(where, dtype=bool))
    assert table.column("g").values.tolist() == ["b", None]


def test_an_index_is_not_looked_at():
    data = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=[7, 0, 7])
    np.testing.assert_array_equal(read_table(data).column("x").numbers, [1.0, 2.0, 3.0])


def test_a_table_read_is_read_no_more():
    table = read_table({"x": [1]})
    assert read_table(table) is table


def test_pandas_columns_may_be_named_by_numbers():
    table = read_table(pd.DataFrame({0: [1.0], 1: [2.0]}))
    np.testing.assert_array_equal(table.column("1").numbers, [2.0])


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(DataError, match=r"no column 'day' .* Did you mean 'Day'\? .* 'Day', 'y'"):
        read_table({"Day": [1], "y": [2]}).column("day")


def test_columns_of_one_name_are_refused():
    data = pd.DataFrame([[1.0, 2.0]], columns=["x", "x"])
    with pytest.raises(DataError, match="more than one column named 'x'"):
        read_table(data)
    arrow = pa.table([pa.array([1]), pa.array([2])], names=["x", "x"])
    with pytest.raises(DataError, match="more than one column named 'x'"):
        read_table(arrow)


@pytest.mark.parametrize(
    ("data", "advice"),
    [
        (np.zeros((3, 2)), "Pass a dict that names its columns"),
        (np.zeros(3, dtype=[("x", float)]), "data.dtype.names"),
        (pd.Series([1.0]), "pandas.*Series"),
        ([1, 2], "found list"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(data, advice):
    with pytest.raises(DataError, match=advice):
        read_table(data)


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="'x' has 2, 'y' has 3"):
        read_table({"x": [1, 2], "y": [1, 2, 3]})


def test_a_single_value_is_no_column():
    with pytest.raises(DataError, match="'x' is the single value 1"):
        read_table({"x": 1})
