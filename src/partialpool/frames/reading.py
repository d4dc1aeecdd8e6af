"""Tables of any library, and what is read only when it is asked for, as named columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np

from partialpool.errors import DataError
from partialpool.frames.arrays import read_array, read_objects
from partialpool.frames.column import Column
from partialpool.frames.native import read_categorical, read_pandas, read_series
from partialpool.frames.sources import Source, open_source
from partialpool.frames.table import FrameKind, Schema, Table

__all__ = ["read_column", "read_schema", "read_table", "row_index"]

Choice = Callable[[tuple[str, ...]], Collection[str]]

_TABLES = (
    "a pandas or polars DataFrame, a pyarrow Table, a dict of arrays, the name of a file, or a "
    "lazy table such as a polars LazyFrame"
)


def read_table(data: Any, choose: Choice | None = None) -> Table:
    """See a table of any library as named columns.

    Parameters
    ----------
    data
        A pandas or polars frame, a pyarrow table, or a dict of arrays. Rows are taken in
        the order they stand in; an index is not looked at. Or what is read only now: see
        :func:`partialpool.frames.sources.open_source`.
    choose
        Says, given their names, which columns of what is read only now will be asked for;
        None for all.

    Raises
    ------
    DataError
        If it is no table, two columns share a name, or columns differ in length.

    Examples
    --------
    >>> table = read_table({"x": [1.5, 2.5], "g": ["b", "a"]})
    >>> table.n, table.names, table.column("g").levels.tolist()
    (2, ('x', 'g'), ['a', 'b'])
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping):
        return _read_dict(data)
    if isinstance(data, np.ndarray):
        raise _no_table(data)
    if nw.dependencies.is_pandas_dataframe(data):
        return _read_pandas(data)
    if (source := open_source(data)) is not None:
        return _collected(source, choose)
    frame = _narwhals_frame(data)
    return Table(
        n=len(frame),
        names=tuple(frame.columns),
        kind=_kind(frame),
        read=lambda name: read_series(name, frame.get_column(name)),
    )


def read_schema(data: Any) -> Schema:
    """Say how a table's columns are called and what library it is of, reading no rows.

    Raises
    ------
    DataError
        As :func:`read_table`.

    Examples
    --------
    >>> read_schema({"x": [1.5, 2.5], "g": ["b", "a"]})
    Schema(names=('x', 'g'), kind='dict')
    """
    if (source := open_source(data)) is not None:
        _check_names(source.names)
        return Schema(source.names, source.kind)
    table = read_table(data)
    return Schema(table.names, table.kind)


def row_index(data: Any) -> Any:
    """Return the index of a pandas frame, None for any other table."""
    return data.index if nw.dependencies.is_pandas_dataframe(data) else None


def _collected(source: Source, choose: Choice | None) -> Table:
    _check_names(source.names)
    chosen = source.names if choose is None else choose(source.names)
    wanted = [name for name in source.names if name in chosen]
    # Whoever misspells every name is to hear that of the names, not of a table without columns.
    table = read_table(source.collect(wanted or list(source.names[:1])))
    return replace(table, names=source.names)


def _kind(frame: nw.DataFrame[Any]) -> FrameKind:
    kind = frame.implementation.value
    return kind if kind in ("polars", "pyarrow") else "pandas"


def _read_pandas(data: Any) -> Table:
    # Most columns are plain NumPy inside, and narwhals' care would cost more than a small fit.
    originals = data.columns.tolist()
    names = tuple(map(str, originals))
    _check_names(names)
    positions = {name: i for i, name in enumerate(names)}
    return Table(
        n=len(data),
        names=names,
        kind="pandas",
        read=lambda name: read_pandas(name, data[originals[positions[name]]]),
    )


def _narwhals_frame(data: Any) -> nw.DataFrame[Any]:
    # narwhals refuses duplicates too, but doesn't say what to do.
    names = getattr(data, "column_names", ())
    if isinstance(names, list):
        _check_names(names)
    try:
        return nw.from_native(data, eager_only=True)
    except TypeError as error:
        raise _no_table(data) from error


def _no_table(data: Any) -> DataError:
    found = f"{type(data).__module__}.{type(data).__qualname__}".removeprefix("builtins.")
    advice = ""
    if isinstance(data, np.ndarray) and data.dtype.names:
        advice = " Pass {name: data[name] for name in data.dtype.names}."
    elif isinstance(data, np.ndarray):
        advice = " Pass a dict that names its columns, such as {'y': data[:, 0]}."
    return DataError(f"data must be {_TABLES}, found {found}.{advice}")


def _check_names(names: Collection[str]) -> None:
    if len(set(names)) == len(names):
        return
    twice = [name for name, count in Counter(names).items() if count > 1]
    raise DataError(
        f"the data have more than one column named {', '.join(map(repr, twice))}, so that it "
        "isn't clear which is meant. Rename or drop the others."
    )


def _read_dict(data: Mapping[Any, Any]) -> Table:
    names = [str(name) for name in data]
    _check_names(names)
    values = dict(zip(names, data.values(), strict=True))
    lengths = {name: _length(name, value) for name, value in values.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
        raise DataError(f"the columns differ in length: {listed}. Each needs one value per row.")
    return Table(
        n=next(iter(lengths.values()), 0),
        names=tuple(names),
        kind="dict",
        read=lambda name: read_column(name, values[name]),
    )


def _length(name: str, values: Any) -> int:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__len__") or np.ndim(values) == 0:
        raise DataError(
            f"column {name!r} is the single value {values!r}. Pass an array with one value per row."
        )
    return len(values)


def read_column(name: str, values: Any) -> Column:
    """Read an array, a sequence of values, or a series of any library as a column.

    Parameters
    ----------
    name
        Its name, for messages.
    values
        One value per row. An index is not looked at.

    Examples
    --------
    >>> read_column("x", [1, None, 3]).numbers
    array([1, 0, 3])
    """
    if isinstance(values, np.ndarray):
        return read_array(name, values)
    if hasattr(values, "codes") or hasattr(values, "dictionary"):
        return read_categorical(name, values)
    if isinstance(values, (list, tuple)):
        return read_objects(name, values)
    series = nw.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return read_series(name, series)
    if getattr(values, "null_count", 0) and hasattr(values, "to_pylist"):
        # An arrow array with nulls, which NumPy would round to floats.
        return read_objects(name, values.to_pylist())
    return read_array(name, np.asarray(values))
