"""Where tables go: to a file, or to standard output."""

from __future__ import annotations

import sys
from typing import Any

from partialpool.frames.files import write_file

__all__ = ["write"]


def write(frame: Any, path: str | None, what: str) -> None:
    """Write a pandas frame to a file, and say so; or as CSV to standard output.

    Parameters
    ----------
    frame
        A pandas frame.
    path
        A file, whose name says its format; None for standard output.
    what
        What its rows are, in the plural.
    """
    if not path:
        frame.to_csv(sys.stdout, index=False)
        return
    write_file(frame, path)
    print(f"{len(frame):,} {what} written to {path}", file=sys.stderr)
