"""How the expected response goes with one column, the others held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.inference import ConditionalEffects, Interval, Scale, find_effects
from partialpool.inference.seeds import Seed
from partialpool.plots.effect_frame import STEPS, default_size, frame
from partialpool.plots.effect_layout import Layout, Panel, Series, lay_out
from partialpool.plots.effect_points import Points, data_points
from partialpool.plots.style import DATA, Picture, styled

__all__ = ["effects"]

Vector = NDArray[np.float64]

# How far apart, in all, the series of a factor's level stand.
_SPREAD = 0.5


def effects(
    fit: Any,
    x: str,
    by: str | Sequence[str] | None = None,
    *,
    at: Mapping[str, Any] | None = None,
    scale: Scale = "response",
    level: float = 0.95,
    offset: float = 0.0,
    interval: Interval = "confidence",
    seed: Seed = None,
    points: Any = False,
    figure: Figure | None = None,
) -> Figure:
    """Draw how the expected response goes with one column, the others held.

    A curve with a band over a covariate's range, points with intervals for the levels of a
    factor; the numbers are those of ``fit.effects(...)``. The values at which other columns are
    held stand above.

    Parameters
    ----------
    fit
        A fit of ``lmm``, ``stream_lmm``, ``glmm`` or ``bmm``.
    x, by, at, scale, level, offset, interval, seed
        As for :func:`partialpool.inference.conditional_effects`. The first column of ``by`` gets
        colours, the second panels; in an ordinal model the categories have the colours and all of
        ``by`` is in panels.
    points
        Draw the data: True, or the table that was fitted where the fit can't tell a column, such
        as that of a spline. A row stands at the nearest of a covariate's values in ``by``.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. It is not shown.

    Raises
    ------
    DataError
        If a column isn't in the fixed effects, ``by`` has more than 7 colours or 12 panels, or
        the points can't be told.
    ModelError
        If it is another kind of fit.
    NotAvailableError
        If points have no place on the scale, or the model has no prediction intervals.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("distance ~ age * Sex + (age | Subject)", pp.load_dataset("Orthodont"))
    >>> figure = pp.plots.effects(fit, "age", by="Sex", points=True)
    >>> figure.savefig("effects.png")  # doctest: +SKIP
    """
    if not hasattr(fit, "expectation"):
        raise ModelError(
            f"effects are drawn of fits of lmm, stream_lmm, glmm and bmm, found "
            f"{type(fit).__name__}."
        )
    found = find_effects(
        fit, x, by, at=at, scale=scale, level=level, offset=offset, interval=interval, seed=seed
    )
    layout = lay_out(found)
    shown = None if points is False or points is None else data_points(fit, found, points)
    with styled():
        rows, columns = layout.grid
        figure = figure or Picture(figsize=default_size(fit, found, layout, shown))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for ax, panel in zip(axes.flat, layout.panels, strict=False):
            _panel(ax, found, layout, panel, shown)
        for ax in axes.flat[len(layout.panels) :]:
            ax.set_axis_off()
            axes[-2, list(axes[-1]).index(ax)].xaxis.set_tick_params(labelbottom=True)
        frame(figure, fit, found, layout, shown)
    return figure


def _panel(
    ax: Axes, found: ConditionalEffects, layout: Layout, panel: Panel, points: Points | None
) -> None:
    if points is not None:
        _draw_points(ax, found, layout, panel, points)
    for one in panel.series:
        (_curve if found.rows.curve else _levels)(ax, found, layout, one)
    ax.set_title(panel.title)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))


def _numbers(found: ConditionalEffects, one: Series) -> tuple[Vector, Vector, Vector]:
    expected = found.expected
    values = (expected.estimate, expected.low, expected.high)
    if one.category is None:
        estimate, low, high = (v[one.rows] for v in values)
    else:
        estimate, low, high = (v[one.rows, one.category] for v in values)
    return estimate, low, high


def _curve(ax: Axes, found: ConditionalEffects, layout: Layout, one: Series) -> None:
    x = np.asarray(found.rows.varying[found.rows.x][one.rows], dtype=np.float64)
    order = np.argsort(x, kind="stable")
    estimate, low, high = (v[order] for v in _numbers(found, one))
    ax.fill_between(x[order], low, high, color=one.colour, alpha=0.16, linewidth=0, zorder=2)
    ax.plot(x[order], estimate, color=one.colour, lw=1.9, zorder=4)


def _levels(ax: Axes, found: ConditionalEffects, layout: Layout, one: Series) -> None:
    estimate, low, high = _numbers(found, one)
    place = np.arange(len(estimate)) + _dodge(one.place, layout.n_series)
    # A white rim, so that an interval is seen among points of its colour.
    bars = ax.vlines(place, low, high, color=one.colour, lw=1.8, zorder=3)
    bars.set_path_effects([withStroke(linewidth=3.4, foreground="white")])
    ax.plot(place, estimate, "o", color=one.colour, ms=6.5, mec="white", mew=0.9, zorder=4)


def _dodge(place: int, n: int) -> float:
    return 0.0 if n == 1 else _SPREAD * (place / (n - 1) - 0.5)


def _draw_points(
    ax: Axes, found: ConditionalEffects, layout: Layout, panel: Panel, points: Points
) -> None:
    inside = np.isfinite(points.x) & np.isfinite(points.y)
    for name, i in panel.values.items():
        inside &= points.nearest[name] == i
    # The more points, the fainter each, so that the lines stay in sight.
    faint = min(0.65, 3.0 / max(int(inside.sum()), 1) ** 0.35)
    for one in panel.series:
        own = inside
        if layout.coloured is not None:
            own = inside & (points.nearest[layout.coloured] == one.value)
        x = points.x[own]
        if not found.rows.curve:
            # Jittered, by the same numbers every time, so that equal rows are seen to be several.
            noise = np.random.default_rng(0).uniform(-0.07, 0.07, len(x))
            x = x + _dodge(one.place, layout.n_series) + noise
        y = points.y[own]
        if points.binary:
            # Away from the curves, which lie between.
            y = y + (2.0 * y - 1.0) * np.random.default_rng(1).uniform(0.0, 0.06, len(y))
        colour = DATA if layout.coloured is None else one.colour
        ax.plot(x, y, "o", color=colour, ms=3.2, mew=0, alpha=faint, zorder=1)
