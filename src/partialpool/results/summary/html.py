"""A summary for a notebook: small tables without scripts, every word escaped."""

from __future__ import annotations

from html import escape

from partialpool.results.summary.grid import Blocks, Grid

__all__ = ["render_html"]

# Inline styles, because notebooks strip <style>; colours are left to the theme.
_NUMBER = "text-align:right;padding:1px 10px;font-variant-numeric:tabular-nums"
_WORD = "text-align:left;padding:1px 10px"
_TITLE = "text-align:left;font-weight:600;padding:8px 0 2px"
_NOTE = "max-width:44em;margin:2px 0;opacity:.75;font-size:90%"


def render_html(blocks: Blocks) -> str:
    """Write a summary as HTML."""
    facts = "".join(
        f"<div><b>{escape(name)}:</b> {escape(text)}</div>" for name, text in blocks.facts
    )
    sentences = "".join(
        f'<p style="max-width:44em;margin:4px 0">{escape(s)}</p>' for s in blocks.sentences
    )
    tables = "".join(_table(grid) for grid in blocks.grids)
    title = f'<div style="font-size:115%;font-weight:600">{escape(blocks.title)}</div>'
    return f'<div class="partialpool-summary">{title}{facts}{tables}{sentences}</div>'


def _table(grid: Grid) -> str:
    header = "".join(_cell("th", name, i < grid.labels) for i, name in enumerate(grid.header))
    rows = "".join(
        "<tr>" + "".join(_cell("td", cell, i < grid.labels) for i, cell in enumerate(row)) + "</tr>"
        for row in grid.rows
    )
    caption = f'<caption style="{_TITLE}">{escape(grid.title)}</caption>' if grid.title else ""
    note = f'<p style="{_NOTE}">{escape(grid.note)}</p>' if grid.note else ""
    return (
        '<table style="border-collapse:collapse;margin:8px 0 2px">'
        f"{caption}<thead><tr>{header}</tr></thead><tbody>{rows}</tbody></table>{note}"
    )


def _cell(tag: str, text: str, is_word: bool) -> str:
    return f'<{tag} style="{_WORD if is_word else _NUMBER}">{escape(text)}</{tag}>'
