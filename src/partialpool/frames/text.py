"""Tables that are text: columns between commas or tabs.

pandas is imported inside functions: a message about a misspelt file name should not wait for it.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any, Final

from partialpool.errors import DataError

__all__ = ["SEPARATORS", "column_names", "read_text"]

SEPARATORS: Final = {".csv": ",", ".tsv": "\t"}
# Missing among numbers. Among words "NA" may be a label: Namibia's, or a treatment's.
_MISSING: Final = ["", "NA", "NaN", "nan", "null"]


def column_names(path: str, ending: str) -> tuple[str, ...]:
    """Return the names in the first line of a file.

    Raises
    ------
    DataError
        If two columns share a name, or another separator than the ending's is between them.
    """
    import pandas as pd

    options = _options(ending)
    _check_names(pd.read_csv(path, header=None, nrows=1, dtype=str, **options), path)
    return tuple(pd.read_csv(path, nrows=0, **options).columns)


def read_text(path: str, ending: str) -> Any:
    """Read a file as a pandas frame; columns of numbers may have words for "missing".

    Raises
    ------
    DataError
        As :func:`column_names`.
    """
    import pandas as pd

    column_names(path, ending)
    options = _options(ending)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return _with_missing_numbers(pd.read_csv(path, **options), path, options)


def _options(ending: str) -> dict[str, Any]:
    """Return how pandas is to read text."""
    return {
        "sep": SEPARATORS[ending],
        "keep_default_na": False,
        "na_values": [""],
        "encoding": "utf-8-sig",
        "low_memory": False,
        # Else a row longer than the header turns the first column into an index.
        "index_col": False,
    }


def _with_missing_numbers(frame: Any, path: str, options: dict[str, Any]) -> Any:
    """Read columns again as numbers that only words for "missing" turned into text."""
    import pandas as pd

    doubtful = [
        name
        for name in frame.columns
        if _holds_words(frame[name]) and frame[name].isin(_MISSING).any()
    ]
    if not doubtful:
        return frame
    again: Any = pd.read_csv(path, **(options | {"na_values": _MISSING, "usecols": doubtful}))
    numbers = [name for name in doubtful if not _holds_words(again[name])]
    return frame.assign(**{name: again[name] for name in numbers})


def _holds_words(column: Any) -> bool:
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
