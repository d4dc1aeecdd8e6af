"""Stored columns as a table of the library that the user works with.

pandas, polars and pyarrow are imported where they are used: importing the package
must not load them, and two of them need not be installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.datasets.storage import Column, Factor
from partialpool.extras import require

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa

__all__ = ["to_dict", "to_pandas", "to_polars", "to_pyarrow"]


def to_pandas(columns: Mapping[str, Column]) -> pd.DataFrame:
    """Factors become categoricals with their levels in order."""
    import pandas as pd

    def convert(column: Column) -> Any:
        if not isinstance(column, Factor):
            return column
        return pd.Categorical.from_codes(
            column.codes, categories=column.levels.tolist(), ordered=column.ordered
        )

    return pd.DataFrame({name: convert(column) for name, column in columns.items()})


def to_polars(columns: Mapping[str, Column]) -> pl.DataFrame:
    """Factors become enumerations, the only polars type that keeps an order of levels."""
    require("polars", extra="polars")
    import polars as pl

    def convert(column: Column) -> pl.Series:
        if isinstance(column, Factor):
            levels = column.levels.tolist()
            return pl.Series(levels, dtype=pl.Enum(levels)).gather(column.codes)
        return pl.Series(column, nan_to_null=True)

    return pl.DataFrame({name: convert(column) for name, column in columns.items()})


def to_pyarrow(columns: Mapping[str, Column]) -> pa.Table:
    """Factors become dictionaries with their levels in order."""
    require("pyarrow", extra="parquet")
    import pyarrow as pa

    def convert(column: Column) -> Any:
        if isinstance(column, Factor):
            return pa.DictionaryArray.from_arrays(
                column.codes, column.levels.tolist(), ordered=column.ordered
            )
        return pa.array(column, from_pandas=True)

    return pa.table({name: convert(column) for name, column in columns.items()})


def to_dict(columns: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
    """Factors become arrays of str: the order of their levels is lost."""
    return {
        name: np.take(column.levels, column.codes) if isinstance(column, Factor) else column
        for name, column in columns.items()
    }
