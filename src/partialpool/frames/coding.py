"""Number the distinct values of a column."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coding", "code_labels", "encode", "renumber"]

# Above this many rows a hash table beats sorting, and pandas has the hash table.
_MANY_ROWS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Coding:
    """Distinct values and where each row's stands among them.

    Attributes
    ----------
    levels : (J,) array
        Distinct values, in ascending order where they were numbers.
    codes : (n,) array of int32
        Position of each row's value in ``levels``.
    """

    levels: NDArray[Any]
    codes: NDArray[np.int32]


def encode(values: NDArray[Any]) -> Coding:
    """Number the distinct values of an array of numbers, booleans or dates, none missing.

    Examples
    --------
    >>> coding = encode(np.array([20, 10, 20]))
    >>> coding.levels, coding.codes
    (array([10, 20]), array([1, 0, 1], dtype=int32))
    """
    integers = _as_integers(values)
    if integers is not None and len(integers):
        lowest, highest = int(integers.min()), int(integers.max())
        if highest - lowest < 4 * len(integers) + 1024:
            return _encode_range(integers, lowest, highest - lowest + 1, values.dtype)
    if len(values) > _MANY_ROWS:
        return _encode_by_hash(values)
    return _encode_by_sort(values)


def _encode_by_sort(values: NDArray[Any]) -> Coding:
    levels, codes = np.unique(values, return_inverse=True)
    return Coding(levels, codes.reshape(-1).astype(np.int32))


def _as_integers(values: NDArray[Any]) -> NDArray[np.int64] | None:
    if values.dtype.kind in "ib":
        return values.astype(np.int64, copy=False)
    if values.dtype.kind != "f" or not len(values):
        return None
    # 1.0 and 1.5 are two groups: only floats that are whole numbers may be counted as such.
    if not np.abs(values).max() < 2**52 or (values[:1000] % 1 != 0).any():
        return None
    integers = values.astype(np.int64)
    return integers if (integers == values).all() else None


def _encode_range(
    integers: NDArray[np.int64], lowest: int, size: int, dtype: np.dtype[Any]
) -> Coding:
    # Counting needs no sort and no hash table: 1e6 rows take milliseconds.
    shifted = integers - lowest if lowest else integers
    counts = np.bincount(shifted, minlength=size)
    positions = np.flatnonzero(counts)
    lookup = np.empty(size, np.int32)
    lookup[positions] = np.arange(len(positions), dtype=np.int32)
    return Coding((positions + lowest).astype(dtype), lookup[shifted])


def _encode_by_hash(values: NDArray[Any]) -> Coding:
    try:
        # Imported here: pandas takes half a second to load, and small tables never need it.
        import pandas as pd
    except ImportError:
        return _encode_by_sort(values)
    codes, levels = pd.factorize(values)
    return renumber(np.asarray(levels), codes.astype(np.int32), np.argsort(levels, kind="stable"))


def renumber(
    levels: NDArray[Any], codes: NDArray[np.int32], order: NDArray[np.integer[Any]]
) -> Coding:
    """Put levels into another order; code -1 stays -1.

    Examples
    --------
    >>> levels, codes = np.array(["b", "a"]), np.array([0, 1, -1], dtype=np.int32)
    >>> renumber(levels, codes, np.array([1, 0])).codes
    array([ 1,  0, -1], dtype=int32)
    """
    # The last element is what a code of -1 picks.
    position = np.full(len(order) + 1, -1, np.int32)
    position[order] = np.arange(len(order), dtype=np.int32)
    return Coding(levels[order], position[codes])


def code_labels(values: Iterable[Hashable]) -> tuple[list[Any], NDArray[np.int32]]:
    """Number hashable values in order of appearance.

    Examples
    --------
    >>> code_labels(["b", "a", "b"])
    (['b', 'a'], array([0, 1, 0], dtype=int32))
    """
    seen: dict[Any, int] = {}
    codes = [seen.setdefault(value, len(seen)) for value in values]
    return list(seen), np.array(codes, dtype=np.int32)
