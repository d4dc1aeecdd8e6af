"""Whatever holds the numbers or the labels, the column is the same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from partialpool.errors import DataError
from partialpool.frames import label, read_column, read_table

VALUES = [3.0, 1.5, 2.0, 1.5]
_STRUCTURED = np.array([(v, 0) for v in VALUES], dtype=[("x", "f8"), ("other", "i4")])
_READONLY = np.array(VALUES)
_READONLY.flags.writeable = False

NUMBERS = {
    "float32": np.array(VALUES, dtype="f4"),
    "float16": np.array(VALUES, dtype="f2"),
    "big-endian": np.array(VALUES, dtype=">f8"),
    "read-only": _READONLY,
    "field of a structured array": _STRUCTURED["x"],
    "column of a matrix": np.array([VALUES, VALUES]).T[:, 0],
    "list": VALUES,
    "tuple": tuple(VALUES),
    "objects": np.array(VALUES, dtype=object),
    "decimals": [Decimal(str(v)) for v in VALUES],
    "pandas": pd.Series(VALUES, index=[3, 3, 1, 0]),
    "nullable": pd.Series(VALUES, dtype="Float64"),
    "arrow in pandas": pd.Series(VALUES, dtype="double[pyarrow]"),
    "sparse": pd.Series(pd.arrays.SparseArray(VALUES)),
    "polars": pl.Series(VALUES),
    "polars decimal": pl.Series(VALUES).cast(pl.Decimal(10, 2)),
    "chunked": pa.chunked_array([VALUES[:1], VALUES[1:]]),
    "masked array": np.ma.MaskedArray(VALUES, mask=[False] * 4),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_any_holder_of_numbers_gives_the_plain_float64_column(kind):
    column = read_column("x", NUMBERS[kind])
    assert column.kind == "number"
    assert column.missing is None
    numbers = column.as_float("x")
    np.testing.assert_array_equal(numbers, VALUES)
    assert numbers.dtype == np.float64
    assert numbers.dtype.isnative
    assert numbers.flags.c_contiguous


KEYS = ["b", "a", "b", "c"]
LABELS = {
    "text": np.array(KEYS),
    "objects": np.array(KEYS, dtype=object),
    "bytes": np.array(KEYS, dtype="S1"),
    "list": KEYS,
    "pandas text": pd.Series(KEYS),
    "pandas objects": pd.Series(KEYS, dtype=object),
    "pandas arrow": pd.Series(KEYS, dtype="string[pyarrow]"),
    "categorical": pd.Series(pd.Categorical(KEYS)),
    "bare categorical": pd.Categorical(KEYS),
    "unused category": pd.Series(pd.Categorical(KEYS, categories=["a", "b", "q", "c"])),
    "polars": pl.Series(KEYS),
    "polars categorical": pl.Series(KEYS, dtype=pl.Categorical),
    "enum": pl.Series(KEYS, dtype=pl.Enum(["a", "b", "c", "q"])),
    "arrow": pa.chunked_array([KEYS[:2], KEYS[2:]]),
    "dictionary": pa.chunked_array([pa.array(["b", "a", "b", "c"]).dictionary_encode()]),
    "chunks with dictionaries of their own": pa.chunked_array(
        [pa.array(["b", "a"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()]
    ),
    "polars binary": pl.Series([key.encode() for key in KEYS]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_any_holder_of_labels_gives_the_same_groups(kind):
    coding = read_column("g", LABELS[kind]).coded()
    assert coding.levels[coding.codes].tolist() == KEYS
    assert sorted(coding.levels) == ["a", "b", "c"]
    assert coding.codes.dtype == np.int32


@pytest.mark.parametrize(
    ("values", "levels"),
    [
        (np.array([1.5, 1.0, 1.5]), [1.0, 1.5]),
        (pd.Series([2, 1, 2], dtype="Int64"), [1, 2]),
        (np.array([3, 1, 2], dtype=np.uint8), [1, 2, 3]),
        (np.array([2**63 + 5, 1], dtype=np.uint64), [1, 2**63 + 5]),
        (np.array([10**15, 3, -(10**15)]), [-(10**15), 3, 10**15]),
        (pd.Series([True, False], dtype="boolean"), [False, True]),
        (np.array([7, "x", 5], dtype=object), [5, 7, "x"]),
        (pl.Series([2**60 + 1, 1]), [1, 2**60 + 1]),
    ],
)
def test_keys_stay_what_they_are_and_numbers_are_in_order(values, levels):
    coding = read_column("g", values).coded()
    assert coding.levels.tolist() == levels
    assert [*coding.levels[coding.codes].tolist()] == [*values]


def test_whole_numbers_beyond_a_float_survive_a_null():
    column = read_column("i", pl.Series([2**60 + 1, None]))
    assert column.numbers[0] == 2**60 + 1
    assert np.isnan(column.as_float("i")[1])


def test_categories_keep_their_order_and_text_is_sorted_by_code_point():
    assert read_column("g", pd.Categorical(["b", "a"], ["b", "a"])).levels.tolist() == ["b", "a"]
    assert read_column("g", ["é", "a", "Z"]).levels.tolist() == ["Z", "a", "é"]


def test_only_pandas_and_arrow_say_that_an_order_means_something():
    levels = ["lo", "hi"]
    assert read_column("o", pd.Categorical(levels, levels, ordered=True)).ordered
    assert read_column("o", pa.DictionaryArray.from_arrays([0, 1], levels, ordered=True)).ordered
    assert not read_column("o", pl.Series(levels, dtype=pl.Enum(levels))).ordered


@pytest.mark.parametrize(
    "values",
    [
        np.array(["2020-01-02", "NaT"], dtype="M8[D]"),
        pd.Series(pd.to_datetime(["2020-01-02", None])),
        [date(2020, 1, 2), None],
        pl.Series([date(2020, 1, 2), None]),
        pa.array([date(2020, 1, 2), None]),
    ],
    ids=["numpy", "pandas", "python", "polars", "arrow"],
)
def test_dates_are_days_since_1970(values):
    column = read_column("when", values)
    assert column.kind == "date"
    np.testing.assert_array_equal(column.as_float("when"), [18263.0, np.nan])


def test_a_span_of_time_is_a_number_of_days():
    assert read_column("t", np.array([36], dtype="m8[h]")).as_float("t")[0] == 1.5


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA, pd.NaT])
def test_any_sign_of_a_missing_label_is_one(gap):
    column = read_column("g", ["b", gap, "a"])
    np.testing.assert_array_equal(column.missing, [False, True, False])
    assert column.codes[1] == -1


def test_a_masked_array_s_mask_says_what_is_missing():
    column = read_column("x", np.ma.MaskedArray([1.0, 2.0], mask=[True, False]))
    np.testing.assert_array_equal(column.as_float("x"), [np.nan, 2.0])


def test_a_column_of_nothing_is_missing_everywhere():
    assert read_column("x", [None, None]).missing.all()
    assert read_column("x", pl.Series([None, None])).missing.all()


@pytest.mark.parametrize(
    "values",
    [[[1], [2]], [{"a": 1}], pl.Series([[1], [2]]), pa.array([[1], [2]]), pd.Series([[1], (2,)])],
    ids=["lists", "dicts", "polars", "arrow", "pandas"],
)
def test_a_column_of_lists_is_refused_by_name(values):
    with pytest.raises(DataError, match=r"'x' holds .*one number or label"):
        read_column("x", values)


def test_a_matrix_is_refused_by_name():
    with pytest.raises(DataError, match=r"'x' has shape \(2, 3\)"):
        read_column("x", np.zeros((2, 3)))


def test_a_structured_array_is_refused_with_its_fields():
    with pytest.raises(DataError, match="structured array with fields 'x', 'other'"):
        read_column("s", _STRUCTURED)


def test_complex_numbers_are_refused():
    with pytest.raises(DataError, match="type complex128, which no model can use"):
        read_column("x", np.array([1j]))


def test_a_number_and_its_text_in_one_column_are_refused():
    with pytest.raises(DataError, match="holds '1' both as text and as another type"):
        read_column("g", [1, "1"])


def test_whole_numbers_of_any_size_are_read_or_refused():
    assert read_column("x", [2**70, 1]).as_float("x")[0] == 2.0**70
    with pytest.raises(DataError, match="too large to compute with"):
        read_column("x", [10**400])


def test_text_where_numbers_are_needed_is_refused_by_name():
    with pytest.raises(DataError, match=r"'g' holds text \('a', 'b'\), but log\(g\) needs numbers"):
        read_column("g", ["b", "a"]).as_float("log(g)")


def test_rows_are_taken_with_their_gaps():
    column = read_column("g", ["b", None, "a"]).take(np.array([0, 2]))
    assert column.missing is None
    assert column.values.tolist() == ["b", "a"]


def test_zero_copy_of_a_plain_column():
    values = np.array(VALUES)
    assert read_table({"x": values}).column("x").numbers is values


@pytest.mark.parametrize(
    ("level", "text"),
    [(1.0, "1"), (np.float64(2.5), "2.5"), (np.int64(3), "3"), (True, "True"), ("é", "é"),
     (np.datetime64("2020-01-02"), "2020-01-02"), (1e300, "1e+300")],
)  # fmt: skip
def test_levels_are_written_as_r_writes_them(level, text):
    assert label(level) == text
