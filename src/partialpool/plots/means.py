"""Marginal means, slopes or contrasts with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import Table, read_table
from partialpool.frames.column import label
from partialpool.plots.style import COMPLETE, PARTIAL, Picture, heading, styled

__all__ = ["means"]

Vector = NDArray[np.float64]
_ROW = 0.26
_NUMBERS = ("estimate", "conf_low", "conf_high")


def means(table: Any, title: str = "", figure: Figure | None = None) -> Figure:
    """Draw a table of marginal means, slopes or contrasts.

    Parameters
    ----------
    table
        From ``fit.means(...)`` or ``fit.slopes(...)``.
    title
        Stands above; by default what the table holds.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        One line for each row: the estimate and its interval; contrasts with a line at zero.
        It is not shown.

    Raises
    ------
    DataError
        If the table has no estimates with intervals.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("score ~ Machine + (1 | Worker)", pp.load_dataset("Machines"))
    >>> figure = pp.plots.means(fit.means("Machine"))
    >>> figure.savefig("means.png")  # doctest: +SKIP
    """
    rows = read_table(table)
    absent = [name for name in _NUMBERS if name not in rows.names]
    if absent:
        raise DataError(
            f"the table has no column {absent[0]!r}. Pass what fit.means(...) or fit.slopes(...) "
            "returned."
        )
    estimate, low, high = (rows.column(name).as_float("a picture") for name in _NUMBERS)
    words = rows.names[: rows.names.index("estimate")]
    labels = _labels(rows, words)
    with styled():
        if figure is None:
            figure = Picture(figsize=(6.4, 1.25 + _ROW * len(labels)))
        axes = figure.subplots()
        places = np.arange(len(labels))[::-1]
        if "contrast" in words:
            axes.axvline(0.0 if not _ratios(rows) else 1.0, color=COMPLETE, linewidth=0.9)
        axes.hlines(places, low, high, color=PARTIAL, linewidth=1.6)
        axes.plot(estimate, places, "o", color=PARTIAL, markersize=5)
        axes.set_yticks(places, labels)
        axes.set_ylim(-0.7, len(labels) - 0.3)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("contrast" if "contrast" in words else "estimate")
        kind = "Contrasts" if "contrast" in words else "Estimates"
        heading(figure, title or kind, f"with intervals, by {', '.join(words) or 'nothing'}")
        height = figure.get_size_inches()[1]
        longest = max(map(len, labels))
        left = min(0.5, 0.06 + 0.012 * longest)
        figure.subplots_adjust(left=left, right=0.97, bottom=0.5 / height, top=1 - 0.72 / height)
    return figure


def _labels(rows: Table, words: tuple[str, ...]) -> list[str]:
    columns = [rows.column(name).values for name in words]
    n = len(rows.column("estimate"))
    return ["  ".join(label(column[i]) for column in columns) for i in range(n)]


def _ratios(rows: Table) -> bool:
    """Whether contrasts are ratios, whose name has a slash where a difference has a minus."""
    names = rows.column("contrast").values
    return all(" / " in str(name) for name in names)
