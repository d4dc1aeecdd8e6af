"""Tables of any library: read as named columns, and made again in the same library."""

from __future__ import annotations

from partialpool.frames.coding import Coding, encode
from partialpool.frames.column import Column, label
from partialpool.frames.making import make_frame
from partialpool.frames.sources import collect
from partialpool.frames.table import (
    FrameKind,
    Schema,
    Table,
    read_column,
    read_schema,
    read_table,
    row_index,
)

__all__ = [
    "Coding",
    "Column",
    "FrameKind",
    "Schema",
    "Table",
    "collect",
    "encode",
    "label",
    "make_frame",
    "read_column",
    "read_schema",
    "read_table",
    "row_index",
]
