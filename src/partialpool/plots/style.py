"""One look for all pictures: light grid, few colours, words where they are needed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from typing import Any, Final

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure

__all__ = ["COMPLETE", "DATA", "INK", "NONE", "PARTIAL", "QUIET", "Picture", "heading", "styled"]

# Okabe and Ito's colours: told apart by readers who see red and green alike.
PARTIAL: Final = "#0072B2"
NONE: Final = "#E69F00"
COMPLETE: Final = "#999999"
DATA: Final = "#4D4D4D"
INK: Final = "#222222"
QUIET: Final = "#6B6B6B"

# Inches of one line of a subtitle, and of a key.
_LINE: Final = 0.175
_KEY: Final = 0.20

_RC: Final[Any] = {
    "font.size": 9.0,
    "font.family": ["sans-serif"],
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "axes.facecolor": "white",
    "axes.edgecolor": "#BBBBBB",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 3.0,
    "grid.color": "#ECECEC",
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,  # a label with two dollar signs is not a formula
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


class Picture(Figure):
    """A figure that a notebook shows, though it has no window and no pyplot."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def styled() -> AbstractContextManager[None]:
    """Draw in the house's style and leave the user's settings alone."""
    return mpl.rc_context(_RC)


def heading(
    figure: Figure,
    title: str,
    subtitle: str,
    key: Sequence[Artist] = (),
    columns: int | None = None,
) -> float:
    """Write a title, quieter lines and the key below them, in inches from the top left.

    Returns how many inches these take. The key is in one line, or in several of some columns.
    """
    width, height = figure.get_size_inches()
    left = 0.14 / width
    figure.text(left, 1 - 0.12 / height, title, size=13, weight="bold", va="top")
    figure.text(left, 1 - 0.41 / height, subtitle, size=9.5, color=QUIET, va="top", linespacing=1.3)
    below = 0.60 + _LINE * subtitle.count("\n")
    side = columns or max(len(key), 1)
    if key:
        figure.legend(
            handles=list(key),
            loc="upper left",
            bbox_to_anchor=(left, 1 - below / height),
            ncols=side,
            borderaxespad=0.0,
            borderpad=0.2,
            columnspacing=1.6,
            handletextpad=0.6,
            handlelength=1.8,
        )
    return below + _KEY * -(-len(key) // side)
