"""Fitted lines per group over the data: what pooling does to them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit
from partialpool.plots.curves import group_curves, response_name
from partialpool.plots.pooling import GroupLines, covariate, group_lines, random_term
from partialpool.plots.style import COMPLETE, DATA, INK, NONE, PARTIAL, Picture, heading, styled

__all__ = ["fitted_lines"]

_MOST_PANELS = 24


def fitted_lines(
    fit: LmmFit | GlmmFit,
    x: str | None = None,
    group: str | None = None,
    n_groups: int | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw each group's data and its fitted lines, one small panel per group.

    No pooling is least squares on the group's own rows, complete pooling is least
    squares on all rows, and partial pooling is the mixed model. Of a generalized model
    there are two curves of the mean, on the scale of the response: that of the group,
    and that of a group whose random effects are zero. Panels stand in the order of the
    partially pooled slope or, where all slopes are the same, height.

    Parameters
    ----------
    fit
        A fitted mixed model, linear or generalized.
    x
        Numeric column for the horizontal axis; may be left out when only one
        varies within groups.
    group
        Grouping factor; by default the one whose term has the most columns.
    n_groups
        Number of panels, spread evenly over the order; by default at most 24.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. It is not shown.

    Raises
    ------
    ModelError
        If the model has no groups, its fitted values are not lines over ``x``, or it is
        ordinal.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> figure = pp.plots.fitted_lines(fit)
    >>> figure.savefig("lines.png")  # doctest: +SKIP
    """
    effects = random_term(fit, group)
    name, values = covariate(fit, effects, x)
    if isinstance(fit, GlmmFit):
        lines, response = group_curves(fit, effects, name, values), response_name(fit)
    else:
        lines, response = group_lines(fit, effects, name, values), fit.design.formula.response
    order, every = _in_order(lines, name in effects.columns)
    shown = _spread(every, n_groups)
    with styled():
        rows, columns = _grid(len(shown))
        figure = figure or Picture(figsize=(max(0.85 + 1.5 * columns, 6.6), 1.75 + 1.45 * rows))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for panel, one in zip(axes.flat, shown, strict=False):
            _panel(panel, one)
        for panel in axes.flat[len(shown) :]:
            _bare(panel, axes)
        which = f"{len(shown)} of {len(every):,}" if len(shown) < len(every) else f"{len(every)}"
        heading(
            figure,
            f"{response} over {name}, by {effects.factor.name}",
            f"{which} levels of {effects.factor.name}, ordered by their partially pooled {order}",
            _key(shown[0].none is None),
        )
        _frame(figure, name, response)
    return figure


def _in_order(
    every: list[GroupLines], has_own_slopes: bool
) -> tuple[Literal["slope", "height"], list[GroupLines]]:
    if has_own_slopes:
        return "slope", sorted(every, key=lambda lines: lines.slope)
    return "height", sorted(every, key=lambda lines: lines.height)


def _spread(every: list[GroupLines], n_groups: int | None) -> list[GroupLines]:
    """Take groups evenly from the whole order, so that both ends are seen."""
    wanted = max(1, min(len(every), _MOST_PANELS if n_groups is None else n_groups))
    places = np.linspace(0, len(every) - 1, wanted).round().astype(int)
    return [every[i] for i in places]


def _grid(panels: int) -> tuple[int, int]:
    columns = min(panels, 6 if panels > 8 else 4)
    return -(-panels // columns), columns


def _panel(axes: Axes, lines: GroupLines) -> None:
    # The more points, the fainter each, so that the lines stay in sight.
    faint = min(1.0, (25 / len(lines.x)) ** 0.5)
    axes.plot(lines.x, lines.y, "o", color=DATA, ms=3.2, mew=0, alpha=0.75 * faint, zorder=2)
    axes.plot(lines.at, lines.complete, color=COMPLETE, lw=1.2, zorder=3)
    axes.plot(lines.at, lines.partial, color=PARTIAL, lw=1.9, zorder=4)
    if lines.none is not None:
        axes.plot(lines.at, lines.none, color=NONE, lw=1.5, ls=(0, (3, 1.8)), zorder=5)
    axes.set_title(lines.label)
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=bool(np.all(lines.x % 1 == 0))))
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _bare(axes: Axes, grid: NDArray[np.object_]) -> None:
    """Empty a panel of the last row, and number the axis of the panel above it."""
    axes.set_axis_off()
    column = list(grid[-1]).index(axes)
    if len(grid) > 1:
        grid[-2][column].xaxis.set_tick_params(labelbottom=True)


def _key(curved: bool) -> list[Line2D]:
    data = Line2D([], [], color=DATA, marker="o", ms=4, mew=0, ls="", alpha=0.75, label="data")
    partial = Line2D([], [], color=PARTIAL, lw=2.2, label="partial pooling (this model)")
    if curved:
        return [data, partial, Line2D([], [], color=COMPLETE, lw=1.5, label="random effects zero")]
    none = Line2D([], [], color=NONE, lw=1.7, ls=(0, (3, 1.8)), label="no pooling")
    return [data, partial, none, Line2D([], [], color=COMPLETE, lw=1.5, label="complete pooling")]


def _frame(figure: Figure, name: str, response: str) -> None:
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=0.72 / width,
        right=1 - 0.15 / width,
        top=1 - 1.06 / height,
        bottom=0.52 / height,
        wspace=0.14,
        hspace=0.30,
    )
    middle = (0.72 + width - 0.15) / 2 / width
    figure.text(middle, 0.10 / height, name, ha="center", va="bottom", size=10, color=INK)
    across = (0.52 + height - 1.06) / 2 / height
    figure.text(0.14 / width, across, response, rotation=90, va="center", size=10, color=INK)
