"""Some rows of a table of any library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

__all__ = ["take_rows", "without_columns"]


def take_rows(data: Any, rows: NDArray[Any]) -> Any:
    """Return some rows of a table, in its own library.

    Parameters
    ----------
    data
        A pandas or polars frame, a pyarrow table, or a dict of arrays.
    rows
        Their positions.

    Examples
    --------
    >>> take_rows({"x": [1, 2, 3]}, np.array([2, 0]))
    {'x': array([3, 1])}
    """
    if isinstance(data, Mapping):
        return {name: _take(values, rows) for name, values in data.items()}
    if hasattr(data, "iloc"):
        return data.iloc[rows]
    return nw.from_native(data, eager_only=True)[rows].to_native()


def _take(values: Any, rows: NDArray[Any]) -> Any:
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    if isinstance(values, list | tuple):
        return np.array(values, dtype=object if _is_mixed(values) else None)[rows]
    return values[rows]


def _is_mixed(values: Any) -> bool:
    return any(value is None for value in values)


def without_columns(data: Any, names: tuple[str, ...]) -> Any:
    """Return a table without some columns, as scikit-learn reads it."""
    if isinstance(data, Mapping):
        import pandas as pd

        return pd.DataFrame({k: v for k, v in data.items() if k not in names})
    frame = nw.from_native(data, eager_only=True)
    left = frame.drop([name for name in names if name in frame.columns])
    return left.to_pandas() if left.implementation.is_pyarrow() else left.to_native()
