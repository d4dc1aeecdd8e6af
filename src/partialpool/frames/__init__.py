"""Tables of any library: read as named columns, and made again in the same library."""

from __future__ import annotations

from partialpool.frames.coding import Coding, encode
from partialpool.frames.column import Column, label
from partialpool.frames.making import make_frame
from partialpool.frames.table import FrameKind, Table, read_column, read_table

__all__ = [
    "Coding",
    "Column",
    "FrameKind",
    "Table",
    "encode",
    "label",
    "make_frame",
    "read_column",
    "read_table",
]
