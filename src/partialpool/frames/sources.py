"""Tables that are read only when they are asked for: files, queries, lazy frames.

They may be larger than memory: a model reads the columns that its formula names, all of them
at once, so that their rows are in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from glob import glob, has_magic
from os import PathLike, fspath
from os.path import abspath
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np

from partialpool.errors import DataError
from partialpool.extras import require
from partialpool.frames.files import (
    file_names,
    is_text,
    naming_files,
    open_files,
    read_files,
)
from partialpool.frames.table import FrameKind

__all__ = ["Source", "collect", "open_source", "paths_of"]


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
    batches
        Reads some columns as tables of a number of rows or fewer, one after the other; None if
        it can't.
    """

    names: tuple[str, ...]
    kind: FrameKind
    collect: Callable[[Sequence[str]], Any]
    batches: Callable[[Sequence[str], int], Iterator[Any]] | None = None


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


def paths_of(path: str) -> list[str]:
    """List the files that a name of a file, a pattern of names or a folder stands for."""
    if Path(path).is_dir():
        return sorted(str(file) for file in Path(path).rglob("*.parquet") if _is_part(file, path))
    return [path] if Path(path).is_file() or not has_magic(path) else sorted(glob(path))


def _is_part(file: Path, folder: str) -> bool:
    # As Arrow and Spark have it, names below that begin with . or _ are no data.
    hidden = any(name.startswith((".", "_")) for name in file.relative_to(folder).parts)
    return file.is_file() and not hidden


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
    paths = paths_of(path)
    if not paths:
        raise DataError(f"no file is named like {path!r}. Check the pattern, or the folder.")
    if not is_text(paths[0]):
        return _of_dataset(open_files(paths), paths)
    return Source(file_names(paths), "pandas", lambda columns: read_files(paths, columns))


def _of_folder(path: str) -> Source:
    paths = paths_of(path)
    if not paths:
        raise DataError(
            f"the folder {path!r} holds no Parquet files. Name a file, or a pattern of names such "
            "as 'folder/*.csv'."
        )
    require("pyarrow", extra="parquet")
    from pyarrow import dataset, fs

    # Of the names of folders only those below this one are columns.
    options = dataset.FileSystemFactoryOptions(
        partitioning=dataset.HivePartitioning.discover(), partition_base_dir=_absolute(path)
    )
    # Other files may lie beside them: only these are named.
    with naming_files(paths):
        found = dataset.FileSystemDatasetFactory(
            fs.LocalFileSystem(), [*map(_absolute, paths)], dataset.ParquetFileFormat(), options
        )
        return _of_dataset(found.finish(), paths)


def _absolute(path: str) -> str:
    return Path(abspath(path)).as_posix()


def _of_dataset(data: Any, paths: Sequence[str] = ()) -> Source:
    def collect_columns(columns: Sequence[str]) -> Any:
        with naming_files(paths) if paths else nullcontext():
            return data.to_table(list(columns))

    return Source(
        names=tuple(map(str, data.schema.names)),
        kind="pyarrow",
        collect=collect_columns,
        batches=lambda columns, rows: _arrow_tables(
            # What Arrow reads ahead is in memory too.
            data.to_batches(
                columns=list(columns), batch_size=rows, batch_readahead=1, fragment_readahead=1
            )
        ),
    )


def _arrow_tables(batches: Iterable[Any]) -> Iterator[Any]:
    import pyarrow as pa

    return (pa.Table.from_batches([batch]) for batch in batches if batch.num_rows)


def _of_query(frame: nw.LazyFrame[Any]) -> Source:
    kinds: dict[str, FrameKind] = {"polars": "polars", "dask": "pandas"}
    native = frame.to_native()
    readers = {"polars": _polars_batches, "duckdb": _duckdb_batches}
    read = readers.get(frame.implementation.value)
    return Source(
        names=tuple(frame.collect_schema().names()),
        kind=kinds.get(frame.implementation.value, "pyarrow"),
        collect=lambda columns: frame.select(list(columns)).collect().to_native(),
        batches=None if read is None else partial(read, native),
    )


def _polars_batches(frame: Any, columns: Sequence[str], rows: int) -> Iterator[Any]:
    batches = frame.select(list(columns)).collect_batches(chunk_size=rows, maintain_order=True)
    return (batch for batch in batches if batch.height)


def _duckdb_batches(relation: Any, columns: Sequence[str], rows: int) -> Iterator[Any]:
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in columns)
    return _arrow_tables(relation.project(quoted).to_arrow_reader(rows))
