"""The stored form of a data set: arrays in one compressed file, nothing pickled.

A number column is one array. A factor is two: codes under its name, and its levels
under ``name:levels``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.datasets.catalogue import DATA, ColumnInfo, DatasetInfo

__all__ = ["Column", "Factor", "read_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A column of labels.

    Attributes
    ----------
    codes : (n,) array of int32
        Position of each row's label in ``levels``; no label is missing.
    levels : (J,) array of str
        The labels in R's order, so that the first is the baseline of treatment contrasts.
    ordered
        Whether the order means something.
    """

    codes: NDArray[np.int32]
    levels: NDArray[np.str_]
    ordered: bool


Column = NDArray[np.float64] | NDArray[np.int64] | Factor


def read_columns(dataset: DatasetInfo) -> dict[str, Column]:
    """Read all columns of a data set.

    Returns
    -------
    dict
        Factors, and arrays of float64 (missing values are NaN) and int64, by name.
    """
    with (DATA / f"{dataset.name}.npz").open("rb") as file, np.load(file) as arrays:
        return {column.name: _read_column(arrays, column) for column in dataset.columns}


def _read_column(arrays: Mapping[str, NDArray[Any]], column: ColumnInfo) -> Column:
    values = arrays[column.name]
    if column.type == "float":
        return values.astype(np.float64)
    if column.type == "int":
        return values.astype(np.int64)
    levels = arrays[f"{column.name}:levels"]
    return Factor(values.astype(np.int32), levels, column.type == "ordered")
