"""Caterpillar plot: the random effects in order, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.frames import read_table
from partialpool.plots.pooling import random_term
from partialpool.plots.style import INK, PARTIAL, QUIET, Picture, heading, styled

if TYPE_CHECKING:
    from partialpool.linear import LmmFit

__all__ = ["caterpillar"]

_MOST_LABELS = 60
_MUTED = "#9DB4C4"

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Effects:
    """One column's random effects in increasing order, with half-widths of intervals."""

    name: str
    labels: list[str]
    values: Vector
    half_widths: Vector


def caterpillar(
    fit: LmmFit,
    group: str | None = None,
    level: float = 0.95,
    figure: Figure | None = None,
) -> Figure:
    """Draw the random effects of a grouping factor, sorted, with intervals.

    An interval is the conditional mode plus and minus a normal quantile times its
    conditional standard deviation: given the estimated variances, the level's own
    effect lies in it with this probability. Effects whose interval covers zero are
    drawn paler.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    group
        Grouping factor; by default the one whose term has the most columns.
    level
        Probability of the intervals.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture, one panel per random effect of a level. It is not shown.

    Raises
    ------
    ModelError
        If the model has no such grouping factor, or ``level`` is no probability.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> figure = pp.plots.caterpillar(fit, "Subject")
    >>> figure.savefig("effects.png")  # doctest: +SKIP
    """
    if not 0 < level < 1:
        raise ModelError(f"level={level} is no probability between 0 and 1. Try level=0.95.")
    factor = random_term(fit, group).factor.name
    panels = _effects(fit, factor, NormalDist().inv_cdf(0.5 + level / 2))
    tallest = max(len(panel.values) for panel in panels)
    with styled():
        height = 1.35 + min(0.19 * tallest, 9.0) + 0.4
        figure = figure or Picture(figsize=(max(1.0 + 3.1 * len(panels), 5.6), height))
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for panel, effects in zip(axes, panels, strict=True):
            _panel(panel, effects)
        heading(
            figure,
            f"Random effects of {factor}",
            f"Conditional modes and {100 * level:g} % intervals, in units of "
            f"{fit.design.formula.response}; paler where the interval covers zero",
        )
        _frame(figure, _label_inches(panels))
    return figure


def _effects(fit: LmmFit, factor: str, quantile: float) -> list[_Effects]:
    table = read_table(fit.ranef(factor, cond_sd=True))
    terms = [effects for effects in fit.design.random if effects.factor.name == factor]
    levels = terms[0].factor.levels
    names = [name for effects in terms for name in effects.columns]
    values = {name: table.column(name).values for name in names}
    spread = {name: table.column(f"{name}_sd").values for name in names}
    return [_in_order(n, levels, values[n], quantile * spread[n]) for n in names]


def _in_order(name: str, levels: NDArray[Any], values: Vector, half_widths: Vector) -> _Effects:
    """Sort one column's effects; NaN stands where it doesn't apply to a level."""
    applies = np.flatnonzero(np.isfinite(values))
    order = applies[np.argsort(values[applies], kind="stable")]
    labels = [str(label) for label in levels[order]]
    return _Effects(name, labels, values[order], half_widths[order])


def _panel(axes: Axes, effects: _Effects) -> None:
    places = np.arange(len(effects.values))
    covers_zero = np.abs(effects.values) <= effects.half_widths
    colors = np.where(covers_zero, _MUTED, PARTIAL)
    few = len(places) <= _MOST_LABELS
    axes.axvline(0, color=QUIET, lw=0.9, zorder=1)
    low, high = effects.values - effects.half_widths, effects.values + effects.half_widths
    axes.hlines(places, low, high, colors=colors.tolist(), lw=1.6 if few else 0.6, zorder=2)
    axes.scatter(effects.values, places, s=17 if few else 3, c=colors.tolist(), lw=0, zorder=3)
    axes.set_title(effects.name, size=10, color=INK, pad=5)
    axes.set_ylim(-0.7, len(places) - 0.3)
    axes.set_yticks(places if few else [], effects.labels if few else [])
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _label_inches(panels: list[_Effects]) -> float:
    longest = max((len(text) for panel in panels for text in panel.labels), default=0)
    return 0.072 * min(longest, 40) if len(panels[0].values) <= _MOST_LABELS else 0.0


def _frame(figure: Figure, label_inches: float) -> None:
    width, height = figure.get_size_inches()
    panels = len(figure.axes)
    left, right, between = 0.25 + label_inches, 0.15, 0.25 + label_inches
    inside = max((width - left - right - between * (panels - 1)) / panels, 0.5)
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - 0.92 / height,
        bottom=0.36 / height,
        wspace=between / inside,
    )
