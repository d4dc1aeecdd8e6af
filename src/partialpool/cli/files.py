"""Tables from and to files.

pandas and pyarrow are imported inside functions: a message about a misspelt file
name should not wait for them.
"""

from __future__ import annotations

import warnings
import zlib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from partialpool.errors import DataError
from partialpool.extras import require

__all__ = ["read_file", "write_file"]

_SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
_PACKED: Final = ".gz"
_PARQUET: Final = (".parquet", ".pq")
_FEATHER: Final = (".feather", ".arrow")
# Missing among numbers. Among words "NA" may be a label: Namibia's, or a treatment's.
_MISSING: Final = ["", "NA", "NaN", "nan", "null"]


def read_file(path: str) -> Any:
    """Read a table, by the ending of its file's name.

    Parameters
    ----------
    path
        A .csv, .tsv (also .gz), .parquet, .feather or .arrow file.

    Returns
    -------
    pandas.DataFrame or pyarrow.Table
        The whole table.

    Raises
    ------
    DataError
        If the file is missing or unreadable, or the ending unknown.
    NotAvailableError
        If the format needs pyarrow and that isn't installed.
    """
    ending = _ending(path)
    if not Path(path).is_file():
        raise DataError(f"there is no file {path!r}. Check the name, or the folder you are in.")
    if ending in _SEPARATORS:
        return _read_text(path, _SEPARATORS[ending])
    require("pyarrow", extra="parquet")
    return _read_arrow(path, ending)


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


def _read_text(path: str, separator: str) -> Any:
    import pandas as pd

    options: dict[str, Any] = {
        "sep": separator,
        "keep_default_na": False,
        "na_values": [""],
        "encoding": "utf-8-sig",
        "low_memory": False,
        # Else a row longer than the header turns the first column into an index.
        "index_col": False,
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            _check_names(pd.read_csv(path, header=None, nrows=1, dtype=str, **options), path)
            return _with_missing_numbers(pd.read_csv(path, **options), path, options)
    except (ValueError, OSError, EOFError, zlib.error, pd.errors.ParserWarning) as error:
        # pandas' parser errors are ValueErrors; so is text that is not UTF-8.
        raise DataError(f"can't read {path!r} as a table: {str(error).strip()}") from error


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


def _read_arrow(path: str, ending: str) -> Any:
    import pyarrow as pa

    try:
        if ending in _PARQUET:
            from pyarrow import parquet

            return parquet.read_table(path)
        from pyarrow import feather

        return feather.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"can't read {path!r} as a table: {error}") from error
