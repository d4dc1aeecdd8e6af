"""Tables from and to files, by the ending of their names.

pandas and pyarrow are imported inside functions: a message about a misspelt file
name should not wait for them.
"""

from __future__ import annotations

import warnings
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from partialpool.errors import DataError
from partialpool.extras import require

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

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
_PACKED: Final = ".gz"
_PARQUET: Final = (".parquet", ".pq")
_FEATHER: Final = (".feather", ".arrow")
# Missing among numbers. Among words "NA" may be a label: Namibia's, or a treatment's.
_MISSING: Final = ["", "NA", "NaN", "nan", "null"]


def is_text(path: str) -> bool:
    """Say whether a file is read as text, and so becomes a pandas frame.

    Raises
    ------
    DataError
        If its name doesn't say what it is.
    """
    return _ending(path) in _SEPARATORS


def has_table_ending(path: str) -> bool:
    """Say whether a name ends as a table's does, or as something packed."""
    return Path(path).suffix.lower() in (*_SEPARATORS, *_PARQUET, *_FEATHER, _PACKED)


def file_names(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns of some files of one format, which all have the same.

    Raises
    ------
    DataError, NotAvailableError
        As :func:`read_files`.
    """
    ending = _known_files(paths)
    if ending not in _SEPARATORS:
        with naming_files(paths):
            return tuple(_dataset(paths, ending).schema.names)
    names = _text_names(paths[0], _options(ending))
    for path in paths[1:]:
        if _text_names(path, _options(ending)) != names:
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
    if ending not in _SEPARATORS:
        with naming_files(paths):
            return _dataset(paths, ending).to_table(None if columns is None else list(columns))
    import pandas as pd

    frames = [_read_text(path, _options(ending)) for path in paths]
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
    """
    ending = _ending(path)
    if ending not in _SEPARATORS:
        require("pyarrow", extra="parquet")
    try:
        if ending in _SEPARATORS:
            frame.to_csv(path, sep=_SEPARATORS[ending], index=False)
        elif ending in _PARQUET:
            frame.to_parquet(path, index=False)
        else:
            frame.to_feather(path)
    except OSError as error:
        raise DataError(f"can't write {path!r}: {error.strerror or error}.") from error


def _ending(path: str) -> str:
    endings = [suffix.lower() for suffix in Path(path).suffixes]
    known = (*_SEPARATORS, *_PARQUET, *_FEATHER)
    plain = endings[:-1] if endings[-1:] == [_PACKED] else endings
    if not plain or plain[-1] not in known or (plain != endings and plain[-1] not in _SEPARATORS):
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
    if ending not in _SEPARATORS:
        require("pyarrow", extra="parquet")
    return ending


def _options(ending: str) -> dict[str, Any]:
    """Return how pandas is to read text."""
    return {
        "sep": _SEPARATORS[ending],
        "keep_default_na": False,
        "na_values": [""],
        "encoding": "utf-8-sig",
        "low_memory": False,
        # Else a row longer than the header turns the first column into an index.
        "index_col": False,
    }


def _text_names(path: str, options: dict[str, Any]) -> tuple[str, ...]:
    import pandas as pd

    with naming_files([path]):
        _check_names(pd.read_csv(path, header=None, nrows=1, dtype=str, **options), path)
        return tuple(pd.read_csv(path, nrows=0, **options).columns)


def _read_text(path: str, options: dict[str, Any]) -> Any:
    import pandas as pd

    _text_names(path, options)
    with naming_files([path]), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return _with_missing_numbers(pd.read_csv(path, **options), path, options)


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


def _with_missing_numbers(frame: Any, path: str, options: dict[str, Any]) -> Any:
    """Read columns again as numbers that only words for "missing" turned into text."""
    import pandas as pd

    doubtful = [
        name for name in frame.columns if _is_text(frame[name]) and frame[name].isin(_MISSING).any()
    ]
    if not doubtful:
        return frame
    again: Any = pd.read_csv(path, **(options | {"na_values": _MISSING, "usecols": doubtful}))
    numbers = [name for name in doubtful if not _is_text(again[name])]
    return frame.assign(**{name: again[name] for name in numbers})


def _is_text(column: Any) -> bool:
    # Object columns may also hold truth values beside missing ones.
    return column.dtype.kind == "O" and any(isinstance(v, str) for v in column.dropna().unique())


def _check_names(first_line: Any, path: str) -> None:
    names = first_line.iloc[0].dropna()
    other = [mark for mark in ";\t|" if len(names) == 1 and mark in names.iloc[0]]
    if other:
        raise DataError(
            f"the first line of {path!r} is {names.iloc[0]!r}: its columns seem to be separated "
            f"by {other[0]!r}. Save it with commas, or with tabs under a name that ends in .tsv."
        )
    # pandas would call the second x "x.1" without a word.
    counts = Counter(names)
    if repeated := [name for name, n in counts.items() if n > 1]:
        raise DataError(
            f"{path!r} has {counts[repeated[0]]} columns named {repeated[0]!r}. "
            "Give each column a name of its own."
        )


def _dataset(paths: Sequence[str], ending: str) -> Any:
    from pyarrow import dataset

    return dataset.dataset(list(paths), format="parquet" if ending in _PARQUET else "feather")
