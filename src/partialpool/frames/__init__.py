"""Tables of any library: read as named columns, and made again in the same library."""

from __future__ import annotations

from partialpool.frames.coding import Coding, encode
from partialpool.frames.column import Column, concat_columns, label
from partialpool.frames.making import make_frame
from partialpool.frames.reading import read_column, read_schema, read_table, row_index
from partialpool.frames.sources import collect, open_source
from partialpool.frames.table import FrameKind, Schema, Table

__all__ = [
    "Coding",
    "Column",
    "FrameKind",
    "Schema",
    "Table",
    "collect",
    "concat_columns",
    "encode",
    "label",
    "make_frame",
    "open_source",
    "read_column",
    "read_schema",
    "read_table",
    "row_index",
]
