"""What a command writes: tables, to a file or to standard output, and where it may."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from partialpool.errors import DataError
from partialpool.frames.files import has_table_ending, write_file
from partialpool.frames.sources import paths_of

__all__ = ["check_model_file", "check_output", "write"]


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


def check_output(path: str | None, option: str, inputs: Iterable[str]) -> None:
    """Refuse to write over a file that is read.

    Parameters
    ----------
    path
        The file to write; None for none.
    option
        The option that names it.
    inputs
        What is read: files, patterns of names, folders.

    Raises
    ------
    DataError
        If the file is one of the inputs, or lies in no folder that can be written to.
    """
    if path is None:
        return
    file = Path(path)
    read = [name for given in inputs for name in paths_of(given)]
    if same := [name for name in read if _is_same(file, Path(name))]:
        raise DataError(
            f"{option} {path!r} would replace {same[0]!r}, which is read. Give it another name."
        )
    folder = file.parent
    if not folder.is_dir():
        raise DataError(f"can't write {path!r}: there is no folder {str(folder)!r}. Make it first.")
    if file.is_dir():
        raise DataError(f"can't write {path!r}: it is a folder. Name a file in it.")
    if not os.access(folder, os.W_OK):
        raise DataError(f"can't write {path!r}: nothing can be written to {str(folder)!r}.")


def check_model_file(path: str | None) -> None:
    """Refuse to save a model under the name of a table.

    Raises
    ------
    DataError
        If the name ends as a table's does.
    """
    if path is not None and has_table_ending(path):
        raise DataError(
            f"--save {path!r} has the name of a table, and a model is none. "
            "Give it another ending, such as .model."
        )


def _is_same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
