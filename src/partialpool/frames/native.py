"""Series of any library, read as columns through narwhals.

Where narwhals has no word for something (codes of a categorical), the library's own methods
are called on its own objects: no library is imported here.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames.arrays import coded_column, number_column, read_objects, text_column
from partialpool.frames.column import Column, ColumnKind

__all__ = ["read_categorical", "read_pandas", "read_series"]


def read_series(name: str, series: nw.Series[Any]) -> Column:
    """Read one series.

    Raises
    ------
    DataError
        If it holds lists or other things that no model can use.
    """
    dtype = series.dtype
    if (dtype.is_numeric() and dtype != nw.Decimal) or dtype == nw.Boolean:
        return _read_numbers(name, series)
    if isinstance(dtype, (nw.Categorical, nw.Enum)):
        return _read_categorical(name, series)
    if dtype == nw.String:
        return _read_text(name, series)
    if dtype in (nw.Datetime, nw.Date, nw.Duration):
        return number_column(name, series.to_numpy())
    if dtype.is_nested():
        raise DataError(
            f"column {name!r} holds values of type {dtype}, but a column holds one number or label "
            "per row. Spread them over several columns, or several rows."
        )
    if dtype in (nw.Object, nw.Binary, nw.Decimal, nw.Time):
        return read_objects(name, series.to_list())
    # Whatever narwhals doesn't know: sparse, periods, a column of nothing but nulls.
    values = series.to_numpy()
    return number_column(name, values) if values.dtype != object else read_objects(name, values)


def read_pandas(name: str, series: Any) -> Column:
    """Read a pandas series, by its own arrays where these are plain."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufMm":
        return number_column(name, series.to_numpy())
    if hasattr(dtype, "ordered"):
        return read_categorical(name, series.array)
    return read_series(name, nw.from_native(series, series_only=True))


def _read_numbers(name: str, series: nw.Series[Any]) -> Column:
    values = series.to_numpy()
    exact = "b" if series.dtype == nw.Boolean else "f" if series.dtype.is_float() else "iu"
    if values.dtype.kind in exact:
        return number_column(name, values)
    # Nullable: as floats, whole numbers above 2**53 would be rounded.
    filler = False if series.dtype == nw.Boolean else 0
    missing = series.is_null().to_numpy()
    return number_column(name, _plain(series.fill_null(filler).to_numpy(), exact), missing)


def _plain(values: NDArray[Any], kinds: str) -> NDArray[Any]:
    wanted = {"b": np.bool_, "f": np.float64, "iu": np.int64}[kinds]
    return values if values.dtype.kind in kinds else values.astype(wanted)


def _read_text(name: str, series: nw.Series[Any]) -> Column:
    if series.implementation.is_pandas_like():
        codes, uniques = series.to_native().factorize()
        return text_column(name, list(uniques), codes.astype(np.int32))
    # As a categorical of sorted levels: the library's own hash table does the work.
    levels = sorted(series.drop_nulls().unique().to_list())
    return _coded_by_library(name, series, levels)


def _coded_by_library(name: str, series: nw.Series[Any], levels: list[str]) -> Column:
    if series.implementation.is_polars():
        codes = _codes(series.cast(nw.Enum(levels)).to_native().to_physical())
        return coded_column(name, "text", levels, codes)
    column = read_categorical(name, series.to_native().dictionary_encode(), "text")
    assert column.codes is not None
    assert column.levels is not None
    return text_column(name, column.levels.tolist(), column.codes)


def _read_categorical(name: str, series: nw.Series[Any]) -> Column:
    dtype = series.dtype
    if series.implementation.is_polars() and isinstance(dtype, nw.Enum):
        # An Enum's order is only an order to show: polars has no ordered factors.
        codes = _codes(series.to_native().to_physical())
        return coded_column(name, "categorical", list(dtype.categories), codes)
    if series.implementation.is_polars():
        # A Categorical's numbering is shared with every other column, and means nothing.
        return _read_text(name, series)
    native = series.to_native()
    return read_categorical(name, native.array if hasattr(native, "array") else native)


def read_categorical(name: str, native: Any, kind: ColumnKind = "categorical") -> Column:
    """Read a pandas ``Categorical``, or a dictionary array or chunked array of pyarrow."""
    if hasattr(native, "categories"):
        codes = np.array(native.codes, dtype=np.int32)
        levels, ordered = list(native.categories), bool(native.ordered)
    else:
        if hasattr(native, "unify_dictionaries"):
            native = native.unify_dictionaries().combine_chunks()
        codes = _codes(native.indices)
        levels, ordered = native.dictionary.to_pylist(), bool(native.type.ordered)
    return coded_column(name, kind, levels, codes, ordered=ordered)


def _codes(native: Any) -> NDArray[np.int32]:
    """Return a polars series or an arrow array of codes as int32, -1 where there is a null."""
    nulls = native.null_count
    if callable(nulls):
        # polars' codes are unsigned: they have no room for -1.
        values = np.asarray(native.to_numpy())
        return (np.nan_to_num(values, nan=-1) if nulls() else values).astype(np.int32)
    filled = native.fill_null(-1) if nulls else native
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int32)
