"""What stands round a picture of conditional effects: heading, key, names of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from partialpool.frames.column import label
from partialpool.inference import ConditionalEffects
from partialpool.plots.effect_layout import Layout
from partialpool.plots.effect_points import Points
from partialpool.plots.effect_words import axis_of, subtitle_of, title_of, wrapped
from partialpool.plots.style import INK, heading

__all__ = ["STEPS", "default_size", "frame"]

# An axis has ticks at 1, 2, 5 or 10 times a power of ten.
STEPS = (1, 2, 5, 10)
_LEFT, _RIGHT, _BELOW = 0.78, 0.18, 0.52


def default_size(
    fit: Any, found: ConditionalEffects, layout: Layout, points: Points | None
) -> tuple[float, float]:
    """Choose a figure's width and height in inches, with room for what stands above."""
    rows, columns = layout.grid
    width = 6.4 if columns == 1 else max(6.4, 1.0 + 2.6 * columns)
    lines = _words(fit, found, points, width)[1].count("\n")
    key = _key(layout, found.rows.curve)
    above = 0.175 * lines + 0.20 * -(-len(key) // (_key_columns(key, width) or 1))
    below = 0.0 if found.rows.curve else _slant(_level_names(found), width / columns)
    return width, 1.35 + above + below + (3.0 if rows * columns == 1 else 2.2 * rows)


def frame(
    figure: Figure,
    fit: Any,
    found: ConditionalEffects,
    layout: Layout,
    points: Points | None,
) -> None:
    """Write heading, key and names of the axes, and leave the panels the room between."""
    width, height = (float(inches) for inches in figure.get_size_inches())
    key = _key(layout, found.rows.curve)
    title, subtitle = _words(fit, found, points, width)
    top = heading(figure, title, subtitle, key, _key_columns(key, width)) + 0.18
    top += 0.16 if len(layout.panels) > 1 else 0.0
    axes = figure.axes[: len(layout.panels)]
    bottom = _BELOW
    if found.rows.curve:
        axes[0].xaxis.set_major_locator(MaxNLocator(7, steps=STEPS))
    else:
        bottom += _slant(_level_names(found), width / layout.grid[1])
        _name_levels(axes, _level_names(found), bottom > _BELOW)
    figure.subplots_adjust(
        left=_LEFT / width,
        right=1 - _RIGHT / width,
        top=1 - top / height,
        bottom=bottom / height,
        wspace=0.12,
        hspace=0.28,
    )
    across = (_LEFT + width - _RIGHT) / 2 / width
    figure.text(across, 0.10 / height, found.rows.x, ha="center", va="bottom", size=10, color=INK)
    up = (bottom + height - top) / 2 / height
    name = axis_of(fit, found)
    # Letters of size 10 are some 0.085 inches wide.
    size = 10.0 * min(1.0, (height - 0.3) / (0.085 * len(name)))
    figure.text(0.14 / width, up, name, rotation=90, va="center", size=size, color=INK)


def _words(
    fit: Any, found: ConditionalEffects, points: Points | None, width: float
) -> tuple[str, str]:
    """Return title and subtitle, broken to fit."""
    title, *more = title_of(fit, found, width - 0.3)
    return title, wrapped([*more, *subtitle_of(fit, found, points)], width - 0.3)


def _level_names(found: ConditionalEffects) -> list[str]:
    return [label(v) for v in dict.fromkeys(found.rows.varying[found.rows.x].tolist())]


def _slant(names: Sequence[str], width: float) -> float:
    """Return the inches more that names need which are slanted, since level ones don't fit."""
    longest = max(map(len, names))
    return 0.036 * longest if len(names) * (longest + 2) * 0.075 > width - 0.5 else 0.0


def _name_levels(axes: Sequence[Axes], names: Sequence[str], slanted: bool) -> None:
    for ax in axes:
        ax.set_xticks(range(len(names)), names)
        ax.set_xlim(-0.55, len(names) - 0.45)
        ax.grid(axis="x", visible=False)
        if slanted:
            ax.tick_params(axis="x", rotation=35)
            for text in ax.get_xticklabels():
                text.set(horizontalalignment="right", rotation_mode="anchor")


def _key(layout: Layout, curve: bool) -> list[Line2D]:
    first = layout.panels[0].series
    if len(first) == 1 and not first[0].label:
        return []
    if curve:
        return [Line2D([], [], color=one.colour, lw=2.2, label=one.label) for one in first]
    return [
        Line2D([], [], color=one.colour, marker="o", ms=5, lw=1.6, label=one.label) for one in first
    ]


def _key_columns(key: Sequence[Line2D], width: float) -> int | None:
    """Say how many labels fit beside each other."""
    if not key:
        return None
    widest = 0.55 + 0.078 * max(len(str(one.get_label())) for one in key)
    return max(1, min(len(key), int((width - 0.2) / widest)))
