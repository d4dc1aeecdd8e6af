"""A summary for a terminal: plain text, aligned."""

from __future__ import annotations

from textwrap import fill

from partialpool.results.summary.grid import Blocks, Grid

__all__ = ["render_text"]

_LONGEST_HEADING = 12


def render_text(blocks: Blocks, width: int = 80) -> str:
    """Write a summary as plain text.

    Parameters
    ----------
    blocks
        The summary, laid out.
    width
        Where sentences wrap. Tables keep the width that they need.
    """
    label = max(len(name) for name, _ in blocks.facts) + 2
    facts = [
        _wrapped(text, width, f"{name + ':':<{label}}", " " * label) for name, text in blocks.facts
    ]
    head = "\n".join([blocks.title, *facts])
    sentences = "\n".join(_wrapped(sentence, width) for sentence in blocks.sentences)
    tables = (_table(grid, width) for grid in blocks.grids)
    return "\n\n".join(part for part in (head, *tables, sentences) if part)


def _table(grid: Grid, width: int) -> str:
    lines = (_shortened(grid.header, grid.labels), *grid.rows)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    body = [
        "  ".join(
            cell.ljust(size) if i < grid.labels else cell.rjust(size)
            for i, (cell, size) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    note = [_wrapped(grid.note, width, "  ")] if grid.note else []
    return "\n".join([*([grid.title] if grid.title else []), *(f"  {b}" for b in body), *note])


def _shortened(header: tuple[str, ...], labels: int) -> tuple[str, ...]:
    """Cut the names that head columns of short numbers."""
    return tuple(
        name
        if len(name) <= _LONGEST_HEADING or i < labels or " " in name
        else name[: _LONGEST_HEADING - 1] + "…"
        for i, name in enumerate(header)
    )


def _wrapped(sentence: str, width: int, first: str = "", rest: str = "  ") -> str:
    return fill(
        sentence,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
