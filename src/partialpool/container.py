r"""One file that holds a JSON header and arrays, and can't run code when read.

Layout, all numbers little-endian::

    b"PARTPOOL"   8 bytes
    version       uint32, the layout described here is 1
    checksum      uint32, CRC-32 of everything after it
    length        uint64, bytes of the JSON text
    JSON text     {"header": ..., "arrays": {name: {"dtype", "shape", "offset"}}}
    arrays        raw values in C order, each at a multiple of 64 bytes in the file

Arrays of Python objects (labels of mixed type) stand in the JSON text as lists.
"""

from __future__ import annotations

import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import SavedModelError

__all__ = ["Parcel", "pack", "unpack"]

_MAGIC: Final = b"PARTPOOL"
_VERSION: Final = 1
_START: Final = struct.Struct("<8sIIQ")
_CHECKED_FROM: Final = 16
_ALIGNMENT: Final = 64
# Plain values only. "O" is absent on purpose: such an array could only be pickled.
_KINDS: Final = frozenset("biufUSmM")

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """What a file held.

    Attributes
    ----------
    header
        The JSON object that was saved.
    arrays
        The arrays by name, read-only.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, Array]


def pack(header: Mapping[str, Any], arrays: Mapping[str, Array], path: str | PathLike[str]) -> None:
    """Write a header and arrays to one file, replacing it in one step.

    Parameters
    ----------
    header
        Anything that JSON can hold.
    arrays
        Arrays of numbers, booleans, strings, dates or plain Python labels.
    path
        File to write. An interrupted save leaves an older file as it was.

    Raises
    ------
    SavedModelError
        If a label is not text, a number, a boolean or None, or the file can't be written.

    Examples
    --------
    >>> import tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "a.model")
    ...     pack({"n": 2}, {"x": np.array([1.0, 2.0])}, path)
    ...     unpack(path).arrays["x"]
    array([1., 2.])
    """
    entries: dict[str, Any] = {}
    chunks: list[Array] = []
    offset = 0
    for name, values in arrays.items():
        if values.dtype == object:
            entries[name] = {"values": _labels(name, values)}
            continue
        plain = _plain(name, values)
        entries[name] = {"dtype": plain.dtype.str, "shape": plain.shape, "offset": offset}
        chunks.append(plain)
        offset += _padded(plain.nbytes)
    text = json.dumps({"header": header, "arrays": entries}).encode()
    # Trailing blanks, so that the arrays begin where their type wants to stand in memory.
    text += b" " * (_padded(_START.size + len(text)) - _START.size - len(text))
    _write_whole(Path(path), text, chunks)


def unpack(path: str | PathLike[str]) -> Parcel:
    """Read what :func:`pack` wrote. Never runs code from the file.

    Parameters
    ----------
    path
        File to read.

    Raises
    ------
    SavedModelError
        If the file is missing, foreign, cut short, damaged, or of a newer layout.
    """
    raw = _read(Path(path))
    text_length = _check_start(raw, path)
    try:
        content = json.loads(raw[_START.size : _START.size + text_length].decode())
        body = memoryview(raw)[_START.size + text_length :]
        arrays = {name: _array(entry, body) for name, entry in content["arrays"].items()}
        return Parcel(dict(content["header"]), arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SavedModelError(
            f"{str(path)!r} is damaged: {error}. Save the model again."
        ) from error


def _plain(name: str, values: Array) -> Array:
    if values.dtype.kind not in _KINDS:
        raise SavedModelError(f"{name!r} holds {values.dtype} values, which can't be saved.")
    little = values.dtype.newbyteorder("<")
    return np.ascontiguousarray(values, dtype=little).reshape(values.shape)


def _labels(name: str, values: Array) -> list[Any]:
    plain = [value.item() if isinstance(value, np.generic) else value for value in values.tolist()]
    for value in plain:
        if not (value is None or isinstance(value, str | int | float | bool)):
            raise SavedModelError(
                f"{name!r} holds {value!r} ({type(value).__name__}). A saved model can hold "
                "text, numbers, booleans and dates as labels: convert the column and fit again."
            )
    return plain


def _padded(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _write_whole(path: Path, text: bytes, chunks: list[Array]) -> None:
    length = struct.pack("<Q", len(text))
    parts = [length, text, *(part for chunk in chunks for part in _bytes(chunk))]
    checksum = 0
    for part in parts:
        checksum = zlib.crc32(part, checksum)
    # Written beside its place, then renamed: nobody ever sees half a model.
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(struct.pack("<8sII", _MAGIC, _VERSION, checksum))
            file.writelines(parts)
        beside.replace(path)
    except OSError as error:
        raise SavedModelError(f"can't write {str(path)!r}: {error.strerror}.") from error
    finally:
        beside.unlink(missing_ok=True)


def _bytes(chunk: Array) -> tuple[bytes, bytes]:
    raw = chunk.tobytes()
    return raw, bytes(_padded(len(raw)) - len(raw))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SavedModelError(f"can't read {str(path)!r}: {error.strerror or error}.") from error


def _check_start(raw: bytes, path: str | PathLike[str]) -> int:
    if not raw.startswith(_MAGIC) or len(raw) < _START.size:
        raise SavedModelError(
            f"{str(path)!r} is not a model saved by partialpool. "
            "Give a file that fit.save(path) or `partialpool fit --save` wrote."
        )
    _, version, checksum, length = _START.unpack_from(raw)
    if version > _VERSION:
        raise SavedModelError(
            f"{str(path)!r} has file layout {version}, and this partialpool reads up to "
            f"{_VERSION}. Upgrade with: pip install --upgrade partialpool"
        )
    if zlib.crc32(memoryview(raw)[_CHECKED_FROM:]) != checksum:
        raise SavedModelError(
            f"{str(path)!r} is cut short or damaged: its checksum does not match. "
            "Copy it again, or save the model again."
        )
    return int(length)


def _array(entry: Mapping[str, Any], body: memoryview) -> Array:
    if "values" in entry:
        labels = np.empty(len(entry["values"]), dtype=object)
        labels[:] = entry["values"]
        labels.flags.writeable = False
        return labels
    dtype = np.dtype(str(entry["dtype"]))
    if dtype.kind not in _KINDS:
        raise ValueError(f"it holds values of type {entry['dtype']!r}")
    shape = tuple(int(size) for size in entry["shape"])
    count = math.prod(shape)
    if min(shape, default=0) < 0 or int(entry["offset"]) < 0:
        raise ValueError(f"it holds an array of shape {shape}")
    values = np.frombuffer(body, dtype=dtype, count=count, offset=int(entry["offset"]))
    native = values.astype(dtype.newbyteorder("="), copy=False).reshape(shape)
    native.flags.writeable = False
    return native
