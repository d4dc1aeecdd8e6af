"""Example data, shipped with the package."""

from __future__ import annotations

from partialpool.datasets.catalogue import Catalogue, ColumnInfo, DatasetInfo, list_datasets
from partialpool.datasets.load import load_dataset

__all__ = ["Catalogue", "ColumnInfo", "DatasetInfo", "list_datasets", "load_dataset"]
