"""Tables that are read only when they are asked for: files, queries, lazy frames.

They may be larger than memory: a model reads the columns that its formula names, all of them
at once, so that their rows are in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

import narwhals as nw
import numpy as np

from partialpool.errors import DataError
from partialpool.extras import require
from partialpool.frames.files import file_names, is_text, read_files

__all__ = ["FrameKind", "Source", "collect", "open_source"]

FrameKind = Literal["pandas", "polars", "pyarrow", "dict"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A table that isn't read yet.

    Attributes
    ----------
    names
        Names of the columns.
    kind
        The library that tables made from it are of.
    collect
        Reads some columns, as a table in memory.
    """

    names: tuple[str, ...]
    kind: FrameKind
    collect: Callable[[Sequence[str]], Any]


def open_source(data: Any) -> Source | None:
    """See whether something is a table that isn't read yet.

    Parameters
    ----------
    data
        The name of a file (.csv, .tsv, .parquet, .feather, .arrow), a pattern of names
        (``"2025-*.parquet"``), a folder of Parquet files, whose folders' names
        (``year=2025``) are columns; a pyarrow Dataset; a polars LazyFrame, a DuckDB relation
        or another lazy table that narwhals knows.

    Returns
    -------
    Source or None
        None for everything else.

    Raises
    ------
    DataError
        If a file isn't there, or its name doesn't say what it holds.
    """
    if isinstance(data, str | PathLike):
        return _of_path(fspath(data))
    if hasattr(data, "to_table") and type(data).__module__.startswith("pyarrow"):
        return _of_dataset(data)
    if _in_memory(data):
        return None
    frame = nw.from_native(data, pass_through=True)
    return _of_query(frame) if isinstance(frame, nw.LazyFrame) else None


def collect(data: Any) -> Any:
    """Read all of a table that isn't read yet, and return any other as it is."""
    source = open_source(data)
    return data if source is None else source.collect(source.names)


def _in_memory(data: Any) -> bool:
    """Say which tables need no look by narwhals, which is slow, and short with what it refuses."""
    return (
        isinstance(data, Mapping | np.ndarray)
        or nw.dependencies.is_pandas_dataframe(data)
        or isinstance(getattr(data, "column_names", None), list)
    )


def _of_path(path: str) -> Source:
    if Path(path).is_dir():
        return _of_folder(path)
    paths = [path] if Path(path).is_file() or not has_magic(path) else sorted(glob(path))
    if not paths:
        raise DataError(f"no file is named like {path!r}. Check the pattern, or the folder.")
    return Source(
        names=file_names(paths),
        kind="pandas" if is_text(paths[0]) else "pyarrow",
        collect=lambda columns: read_files(paths, columns),
    )


def _of_folder(path: str) -> Source:
    if not any(Path(path).rglob("*.parquet")):
        raise DataError(
            f"the folder {path!r} holds no Parquet files. Name a file, or a pattern of names such "
            "as 'folder/*.csv'."
        )
    require("pyarrow", extra="parquet")
    from pyarrow import dataset

    return _of_dataset(dataset.dataset(path, format="parquet", partitioning="hive"))


def _of_dataset(data: Any) -> Source:
    return Source(
        names=tuple(map(str, data.schema.names)),
        kind="pyarrow",
        collect=lambda columns: data.to_table(list(columns)),
    )


def _of_query(frame: nw.LazyFrame[Any]) -> Source:
    kinds: dict[str, FrameKind] = {"polars": "polars", "dask": "pandas"}
    return Source(
        names=tuple(frame.collect_schema().names()),
        kind=kinds.get(frame.implementation.value, "pyarrow"),
        collect=lambda columns: frame.select(list(columns)).collect().to_native(),
    )
