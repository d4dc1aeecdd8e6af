"""Tables from and to files, by the ending of their names.

pandas and pyarrow are imported inside functions: a message about a misspelt file
name should not wait for them.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from partialpool.errors import DataError
from partialpool.extras import require
from partialpool.frames.text import SEPARATORS, column_names, read_text

__all__ = [
    "file_names",
    "has_table_ending",
    "is_text",
    "naming_files",
    "open_files",
    "read_file",
    "read_files",
    "write_file",
]

_PACKED: Final = ".gz"
_PARQUET: Final = (".parquet", ".pq")
_FEATHER: Final = (".feather", ".arrow")


def is_text(path: str) -> bool:
    """Say whether a file is read as text, and so becomes a pandas frame.

    Raises
    ------
    DataError
        If its name doesn't say what it is.
    """
    return _ending(path) in SEPARATORS


def has_table_ending(path: str) -> bool:
    """Say whether a name ends as a table's does, or as something packed."""
    return Path(path).suffix.lower() in (*SEPARATORS, *_PARQUET, *_FEATHER, _PACKED)


def file_names(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of some files of one format, which all have the same.

    Raises
    ------
    DataError, NotAvailableError
        As :func:`read_files`.
    """
    ending = _known_files(paths)
    if ending not in SEPARATORS:
        with naming_files(paths):
            return tuple(_dataset(paths, ending).schema.names)
    names = _text_names(paths[0], ending)
    for path in paths[1:]:
        if _text_names(path, ending) != names:
            raise DataError(
                f"{path!r} has other columns than {paths[0]!r}. Read them apart, and join them."
            )
    return names


def open_files(paths: Sequence[str]) -> Any:
    """Open files of one binary format as a pyarrow Dataset.

    Raises
    ------
    DataError, NotAvailableError
        As :func:`read_files`.
    """
    ending = _known_files(paths)
    with naming_files(paths):
        return _dataset(paths, ending)


def read_file(path: str) -> Any:
    """Read a whole table; as :func:`read_files` of one file."""
    return read_files([path])


def read_files(paths: Sequence[str], columns: Collection[str] | None = None) -> Any:
    """Read the rows of some files of one format, one file after the other.

    Parameters
    ----------
    paths
        .csv or .tsv (also .gz), .parquet, .feather or .arrow files.
    columns
        Which columns to keep; None for all. Of the binary formats, no other is read.

    Returns
    -------
    pandas.DataFrame or pyarrow.Table
        Text gives the one, the other formats the other.

    Raises
    ------
    DataError
        If a file is missing or unreadable, or the ending unknown.
    NotAvailableError
        If the format needs pyarrow and that isn't installed.
    """
    ending = _known_files(paths)
    if ending not in SEPARATORS:
        with naming_files(paths):
            return _dataset(paths, ending).to_table(None if columns is None else list(columns))
    import pandas as pd

    frames = [_read_text(path, ending) for path in paths]
    if columns is not None:
        frames = [frame[list(columns)] for frame in frames]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def write_file(frame: Any, path: str) -> None:
    """Write a pandas frame, in the format that the ending of the name says.

    Parameters
    ----------
    frame
        A pandas frame.
    path
        A .csv, .tsv (also .gz), .parquet, .feather or .arrow file.

    Raises
    ------
    DataError
        If the file can't be written, or the ending is unknown.
    NotAvailableError
        If the format needs pyarrow and that isn't installed.
    """
    ending = _ending(path)
    if ending not in SEPARATORS:
        require("pyarrow", extra="parquet")
    try:
        if ending in SEPARATORS:
            frame.to_csv(path, sep=SEPARATORS[ending], index=False)
        elif ending in _PARQUET:
            frame.to_parquet(path, index=False)
        else:
            frame.to_feather(path)
    except OSError as error:
        raise DataError(f"can't write {path!r}: {error.strerror or error}.") from error


def _ending(path: str) -> str:
    endings = [suffix.lower() for suffix in Path(path).suffixes]
    known = (*SEPARATORS, *_PARQUET, *_FEATHER)
    plain = endings[:-1] if endings[-1:] == [_PACKED] else endings
    if not plain or plain[-1] not in known or (plain != endings and plain[-1] not in SEPARATORS):
        raise DataError(
            f"can't tell the format of {path!r} from its name. "
            f"A table's name ends in {', '.join(known)}."
        )
    return plain[-1]


def _known_files(paths: Sequence[str]) -> str:
    """Return the ending that files have in common, if they are there and can be read here."""
    endings = {_ending(path) for path in paths}
    if len(endings) > 1:
        raise DataError(
            f"files of several formats, {', '.join(sorted(endings))}, are no table. Name those of "
            "one format."
        )
    for path in paths:
        if not Path(path).is_file():
            raise DataError(f"there is no file {path!r}. Check the name, or the folder you are in.")
    (ending,) = endings
    if ending not in SEPARATORS:
        require("pyarrow", extra="parquet")
    return ending


def _text_names(path: str, ending: str) -> tuple[str, ...]:
    with naming_files([path]):
        return column_names(path, ending)


def _read_text(path: str, ending: str) -> Any:
    with naming_files([path]):
        return read_text(path, ending)


@contextmanager
def naming_files(paths: Sequence[str]) -> Iterator[None]:
    """Turn a reader's complaint into one that names the file."""
    shown = repr(paths[0]) if len(paths) == 1 else f"{len(paths)} files such as {paths[0]!r}"
    try:
        yield
    except DataError:
        raise
    # The parsers' errors are ValueErrors, of pandas and pyarrow; so is text that is not UTF-8.
    except (ValueError, OSError, EOFError, NotImplementedError, zlib.error, Warning) as error:
        raise DataError(f"can't read {shown} as a table: {str(error).strip()}") from error


def _dataset(paths: Sequence[str], ending: str) -> Any:
    from pyarrow import dataset

    return dataset.dataset(list(paths), format="parquet" if ending in _PARQUET else "feather")
