"""A small table of finished cells, and a summary as tables and sentences."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Blocks", "Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table of finished cells.

    Attributes
    ----------
    title
        Stands above; empty for none.
    header, rows
        Cells as text.
    labels
        Number of leading columns that hold words, not numbers.
    note
        Stands below; empty for none.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A summary in reading order.

    Attributes
    ----------
    title
        What kind of model this is and how it was fitted.
    facts
        Pairs of a word and what stands behind it.
    grids
        The tables.
    sentences
        What is to be said in words.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    grids: tuple[Grid, ...]
    sentences: tuple[str, ...]
