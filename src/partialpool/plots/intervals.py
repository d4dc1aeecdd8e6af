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
    from partialpool.bayes import BayesFit
    from partialpool.plots.pooling import MixedFit

__all__ = ["caterpillar"]

# Inches for one level: as many as look well, fewer where the picture would grow too tall.
_ROW = 0.19
_TALLEST = 9.0
_SMALLEST_LABELLED = 0.11
_MUTED = "#9DB4C4"

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Effects:
    """One column's random effects in increasing order, with intervals."""

    name: str
    labels: list[str]
    values: Vector
    low: Vector
    high: Vector


def caterpillar(
    fit: MixedFit,
    group: str | None = None,
    level: float = 0.95,
    figure: Figure | None = None,
) -> Figure:
    """Draw the random effects of a grouping factor, sorted, with intervals.

    An interval is the conditional mode plus and minus a normal quantile times its
    conditional standard deviation: given the estimated variances, the level's own
    effect lies in it with this probability. Of a posterior it is cut off equally at both
    ends of the draws, about their mean. Effects whose interval covers zero are drawn paler.

    Parameters
    ----------
    fit
        A fitted mixed model, linear or generalized, or a posterior.
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
    panels = _effects(fit, factor, level)
    tallest = max(len(panel.values) for panel in panels)
    row = min(_ROW, _TALLEST / tallest)
    unit = fit.effect_unit
    with styled():
        size = (max(1.0 + 3.1 * len(panels), 6.2), 2.0 + max(row * tallest, 0.6))
        figure = figure or Picture(figsize=size)
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for panel, effects in zip(axes, panels, strict=True):
            _panel(panel, effects, row)
            panel.set_xlabel(_unit(unit, effects.name))
        heading(
            figure,
            f"Random effects of {factor}",
            f"{_estimates(fit)} with {100 * level:g} % intervals; paler where they cover zero",
        )
        _frame(figure, _label_inches(panels) if row >= _SMALLEST_LABELLED else 0.0)
    return figure


def _estimates(fit: MixedFit) -> str:
    posterior = _posterior(fit)
    if posterior is None:
        return "Conditional modes"
    return "Prior means" if posterior.engine == "prior" else "Posterior means"


def _posterior(fit: object) -> BayesFit | None:
    from partialpool.bayes import BayesFit

    return fit if isinstance(fit, BayesFit) else None


def _effects(fit: MixedFit, factor: str, level: float) -> list[_Effects]:
    table = read_table(fit.ranef(factor, cond_sd=True))
    terms = [(i, e) for i, e in enumerate(fit.design.random) if e.factor.name == factor]
    levels = terms[0][1].factor.levels
    # First the level, then the effects, then their deviations.
    places = [(i, c) for i, effects in terms for c in range(len(effects.columns))]
    names = table.names[1 : 1 + len(places)]
    posterior, found = _posterior(fit), []
    for name, (i, c) in zip(names, places, strict=True):
        values = table.column(name).values
        if posterior is None:
            half = NormalDist().inv_cdf(0.5 + level / 2) * table.column(f"{name}_sd").values
            low, high = values - half, values + half
        else:
            drawn = posterior.draws.parts["mean"].effects[i][:, :, :, c]
            low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=(0, 1))
        found.append(_in_order(name, levels, values, low, high))
    return found


def _in_order(
    name: str, levels: NDArray[Any], values: Vector, low: Vector, high: Vector
) -> _Effects:
    """Sort one column's effects; NaN stands where it doesn't apply to a level."""
    applies = np.flatnonzero(np.isfinite(values))
    order = applies[np.argsort(values[applies], kind="stable")]
    labels = [str(label) for label in levels[order]]
    return _Effects(name, labels, values[order], low[order], high[order])


def _panel(axes: Axes, effects: _Effects, row: float) -> None:
    places = np.arange(len(effects.values))
    low, high = effects.low, effects.high
    covers_zero = (low <= 0.0) & (high >= 0.0)
    colors = np.where(covers_zero, _MUTED, PARTIAL).tolist()
    size = row / _ROW
    axes.axvline(0, color=QUIET, lw=0.9, zorder=1)
    axes.hlines(places, low, high, colors=colors, lw=max(1.6 * size, 0.4), zorder=2)
    axes.scatter(effects.values, places, s=max(18 * size, 2), c=colors, lw=0, zorder=3)
    axes.set_title(effects.name, size=10, color=INK, pad=5)
    axes.set_ylim(-0.7, len(places) - 0.3)
    labelled = row >= _SMALLEST_LABELLED
    axes.set_yticks(places if labelled else [], effects.labels if labelled else [])
    axes.tick_params(axis="y", labelsize=min(9.0, 60 * row))
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _unit(unit: str, name: str) -> str:
    """Say what an effect is measured in: a dummy column has no unit of its own."""
    dummy = name == "Intercept" or all(part.endswith("]") for part in name.split(":"))
    return unit if dummy else f"{unit} per unit of {name}"


def _label_inches(panels: list[_Effects]) -> float:
    longest = max((len(text) for panel in panels for text in panel.labels), default=0)
    return 0.072 * min(longest, 40)


def _frame(figure: Figure, label_inches: float) -> None:
    width, height = figure.get_size_inches()
    panels = len(figure.axes)
    left, right, between = 0.25 + label_inches, 0.15, 0.25 + label_inches
    inside = max((width - left - right - between * (panels - 1)) / panels, 0.5)
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        top=1 - 0.96 / height,
        bottom=0.56 / height,
        wspace=between / inside,
    )
