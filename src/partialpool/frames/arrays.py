"""Arrays and sequences of Python values, read as columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from numbers import Integral, Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames.coding import code_labels, renumber
from partialpool.frames.column import Column, ColumnKind

__all__ = ["coded_column", "number_column", "read_array", "read_objects", "text_column"]

_CONTAINERS = (list, tuple, dict, set, frozenset, np.ndarray)


def read_array(name: str, values: NDArray[Any]) -> Column:
    """Read one NumPy array.

    Raises
    ------
    DataError
        If it isn't one-dimensional, or holds what no model can use.
    """
    if values.dtype.names is not None:
        raise DataError(
            f"column {name!r} is a structured array with fields "
            f"{', '.join(map(repr, values.dtype.names))}. Pass each field as its own column."
        )
    if values.ndim != 1:
        raise DataError(
            f"column {name!r} has shape {values.shape}, but a column holds one number or label "
            "per row. Pass each of its columns under its own name."
        )
    if isinstance(values, np.ma.MaskedArray):
        return number_column(name, values.filled(), np.ma.getmaskarray(values))
    if values.dtype.kind in "biufMm":
        return number_column(name, values)
    if values.dtype.kind in "USO":
        return read_objects(name, values.tolist())
    raise DataError(
        f"column {name!r} holds values of type {values.dtype}, which no model can use. "
        "Convert it to numbers or text."
    )


def number_column(
    name: str, values: NDArray[Any], missing: NDArray[np.bool_] | None = None
) -> Column:
    """Read numbers, booleans or dates; ``missing`` says where ``values`` hold a filler."""
    if values.dtype.kind not in "biuf":
        return _date_column(name, values) if values.dtype.kind in "Mm" else read_array(name, values)
    numbers = np.ascontiguousarray(values, dtype=_plain_type(values))
    if numbers.dtype.kind == "f":
        missing = _nan_where(numbers, missing)
        if missing is not None and not np.isnan(numbers[missing]).all():
            numbers = np.where(missing, np.nan, numbers)
    if missing is not None and not missing.any():
        missing = None
    kind: ColumnKind = "boolean" if numbers.dtype.kind == "b" else "number"
    return Column(name, kind, numbers=numbers, missing=missing)


def _date_column(name: str, values: NDArray[Any]) -> Column:
    missing = np.isnat(values)
    return Column(
        name,
        "date",
        numbers=np.ascontiguousarray(values),
        missing=missing if missing.any() else None,
    )


def _plain_type(values: NDArray[Any]) -> type[np.generic]:
    """Return the native type that holds every value exactly."""
    if values.dtype.kind == "b":
        return np.bool_
    if values.dtype.kind == "f":
        return np.float64
    too_large = values.dtype == np.uint64 and len(values) and values.max() > np.iinfo(np.int64).max
    return np.uint64 if too_large else np.int64


def _nan_where(
    numbers: NDArray[np.float64], missing: NDArray[np.bool_] | None
) -> NDArray[np.bool_] | None:
    # A NaN anywhere makes the sum NaN: no array of booleans where there is none.
    with np.errstate(all="ignore"):
        if missing is None and np.isfinite(numbers.sum()):
            return None
    nan = np.isnan(numbers)
    return nan if missing is None else nan | missing


def read_objects(name: str, values: Iterable[Any]) -> Column:
    """Read Python values: text, numbers, booleans, dates or a mixture of labels."""
    try:
        uniques, codes = code_labels(values)
    except TypeError as error:
        raise _list_column(name) from error
    absent = np.array([_is_missing(value) for value in uniques], dtype=bool)
    if absent.any():
        # The last element is where all missing values go.
        position = np.append(np.where(absent, -1, np.cumsum(~absent) - 1), -1)
        codes = position[codes].astype(np.int32)
        uniques = [value for value, gone in zip(uniques, absent, strict=True) if not gone]
    return _from_uniques(name, uniques, codes)


def _from_uniques(name: str, uniques: list[Any], codes: NDArray[np.int32]) -> Column:
    kinds = {_kind(value) for value in uniques}
    missing = codes < 0 if (codes < 0).any() else None
    if "container" in kinds:
        raise _list_column(name)
    if not kinds:
        return Column(name, "number", numbers=np.full(len(codes), np.nan), missing=missing)
    if kinds == {"text"}:
        labels = [value.decode() if isinstance(value, bytes) else value for value in uniques]
        return text_column(name, labels, codes)
    if kinds == {"boolean"}:
        return _spread(name, np.array(uniques, dtype=bool), codes, missing)
    if kinds == {"number"}:
        return _spread(name, _numbers(name, uniques), codes, missing)
    if kinds == {"date"}:
        dates = np.array(uniques, dtype="datetime64[us]")
        return _date_column(name, np.append(dates, np.datetime64("NaT"))[codes])
    return _mixed_column(name, uniques, codes)


def _kind(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return "text"
    if isinstance(value, (bool, np.bool_)):
        return "boolean"
    if isinstance(value, (Number, np.number)) and not isinstance(value, complex):
        return "number"
    if isinstance(value, (date, np.datetime64)) and getattr(value, "tzinfo", None) is None:
        return "date"
    return "container" if isinstance(value, _CONTAINERS) else "other"


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas' NA refuses to be compared.
        return True


def _numbers(name: str, uniques: list[Any]) -> NDArray[Any]:
    # Decimal is a Number, but no Real.
    if all(isinstance(value, (Integral, np.integer)) for value in uniques):
        try:
            return np.array(uniques, dtype=np.int64)
        except OverflowError:
            pass
    try:
        return np.array(uniques, dtype=np.float64)
    except OverflowError as error:
        raise DataError(
            f"column {name!r} holds whole numbers too large to compute with."
        ) from error


def _spread(
    name: str,
    uniques: NDArray[Any],
    codes: NDArray[np.int32],
    missing: NDArray[np.bool_] | None,
) -> Column:
    filler = np.append(uniques, np.zeros(1, uniques.dtype))
    return number_column(name, filler[codes], missing)


def _mixed_column(name: str, uniques: list[Any], codes: NDArray[np.int32]) -> Column:
    """Code labels of several types by their text, as R does: numbers before text."""
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in uniques]
    if len(set(texts)) < len(texts):
        twice = next(text for text in texts if texts.count(text) > 1)
        raise DataError(
            f"column {name!r} holds {twice!r} both as text and as another type, so that it isn't "
            "clear whether they are one level. Convert the column to one type."
        )
    numeric = [isinstance(value, (Number, np.number)) for value in uniques]
    keys = [
        (0, float(value), "") if number else (1, 0.0, text)
        for value, number, text in zip(uniques, numeric, texts, strict=True)
    ]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__))
    return coded_column(name, "text", uniques, codes, order)


def text_column(name: str, labels: list[str], codes: NDArray[np.int32]) -> Column:
    """Make a column of text from its distinct labels; they are put in code point order."""
    order = np.array(sorted(range(len(labels)), key=labels.__getitem__), dtype=np.intp)
    return coded_column(name, "text", labels, codes, order)


def coded_column(
    name: str,
    kind: ColumnKind,
    levels: list[Any],
    codes: NDArray[np.int32],
    order: NDArray[Any] | None = None,
    *,
    ordered: bool = False,
) -> Column:
    """Make a column of labels from its levels and codes, the levels put in another order."""
    array = np.empty(len(levels), dtype=object)
    array[:] = levels
    if order is not None:
        coding = renumber(array, codes, order)
        array, codes = coding.levels, coding.codes
    missing = codes < 0
    return Column(
        name,
        kind,
        codes=codes,
        levels=array,
        missing=missing if missing.any() else None,
        ordered=ordered,
    )


def _list_column(name: str) -> DataError:
    return DataError(
        f"column {name!r} holds lists or arrays, but a column holds one number or label per row. "
        "Spread them over several columns, or several rows."
    )
