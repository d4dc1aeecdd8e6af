"""Pictures of how well a model fits: quantile residuals, influence of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from partialpool.frames import read_table
from partialpool.generalized import GlmmFit
from partialpool.inference import QuantileResiduals
from partialpool.plots.style import DATA, NONE, PARTIAL, QUIET, Picture, heading, styled

if TYPE_CHECKING:
    from partialpool.linear import LmmFit

__all__ = ["group_influence", "quantile_residuals"]

Vector = NDArray[np.float64]
# Beyond this many groups only the most influential are drawn.
_MOST_GROUPS = 40


def quantile_residuals(residuals: QuantileResiduals, figure: Figure | None = None) -> Figure:
    """Draw quantile residuals against the uniform distribution and against the mean.

    On the left, residuals in order against where they should lie, with a band that holds all of
    a right model's, rows being independent, with probability 0.95. On the right, residuals
    against the rank of the simulated mean, with their quartiles in tenths of the rows; those of
    a right model lie at the lines.

    Parameters
    ----------
    residuals
        From ``fit.quantile_residuals()``.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. It is not shown.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> figure = pp.plots.quantile_residuals(fit.quantile_residuals(seed=1))
    >>> figure.savefig("residuals.png")  # doctest: +SKIP
    """
    with styled():
        if figure is None:
            figure = Picture(figsize=(8.0, 4.3))
        axes = figure.subplots(1, 2)
        _against_uniform(axes[0], residuals)
        _against_mean(axes[1], residuals)
        test = residuals.uniformity
        words = f"uniformity p = {test.p_value:.3g}"
        words += f", dispersion {residuals.dispersion.statistic:.2f}"
        words += f" (p = {residuals.dispersion.p_value:.3g})"
        heading(figure, "Quantile residuals", words)
        figure.subplots_adjust(left=0.08, right=0.98, bottom=0.12, top=0.82, wspace=0.22)
    return figure


def _against_uniform(axes: Axes, residuals: QuantileResiduals) -> None:
    values = np.sort(residuals.values)
    n = len(values)
    expected = (np.arange(n) + 0.5) / n
    # Dvoretzky, Kiefer and Wolfowitz's band with Massart's constant.
    half = np.sqrt(np.log(2 / 0.05) / (2 * n))
    line = np.array([0.0, 1.0])
    axes.fill_between(line, line - half, line + half, color="#E4EEF4", linewidth=0)
    axes.plot(line, line, color=QUIET, linewidth=0.9)
    axes.plot(expected, values, ".", color=PARTIAL, markersize=4)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="uniform quantile", ylabel="residual")
    axes.set_title("in order")


def _against_mean(axes: Axes, residuals: QuantileResiduals) -> None:
    order = np.argsort(residuals.fitted, kind="stable")
    n = len(order)
    rank = (np.arange(n) + 0.5) / n
    axes.plot(rank, residuals.values[order], ".", color=DATA, markersize=3, alpha=0.6)
    for level in (0.25, 0.5, 0.75):
        axes.axhline(level, color=QUIET, linewidth=0.8, linestyle=":")
    tenths = np.array_split(residuals.values[order], min(10, max(n // 10, 1)))
    middle = (np.arange(len(tenths)) + 0.5) / len(tenths)
    quartiles = np.array([np.quantile(part, [0.25, 0.5, 0.75]) for part in tenths])
    axes.plot(middle, quartiles, color=NONE, linewidth=1.5)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="rank of the mean", ylabel="residual")
    axes.set_title("by size of the mean")


def group_influence(
    fit: LmmFit | GlmmFit,
    group: str | None = None,
    refit: bool = False,
    figure: Figure | None = None,
) -> Figure:
    """Draw Cook's distance of every group, largest first.

    Parameters
    ----------
    fit
        A fitted mixed model.
    group, refit
        As for :func:`partialpool.inference.group_influence`; a generalized model is always fitted
        again.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture, of the 40 groups with most influence. It is not shown.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> figure = pp.plots.group_influence(fit)
    >>> figure.savefig("influence.png")  # doctest: +SKIP
    """
    again = refit or isinstance(fit, GlmmFit)
    if isinstance(fit, GlmmFit):
        table = read_table(fit.group_influence(group))
    else:
        table = read_table(fit.group_influence(group, refit=refit))
    name = table.names[0]
    cooks = table.column("cooks").as_float("a picture")
    order = np.argsort(cooks)[-_MOST_GROUPS:]
    labels = [str(table.column(name).values[i]) for i in order]
    with styled():
        if figure is None:
            figure = Picture(figsize=(6.0, 1.3 + 0.2 * len(order)))
        axes = figure.subplots()
        places = np.arange(len(order))
        axes.hlines(places, 0, cooks[order], color="#9DB4C4", linewidth=1.2)
        axes.plot(cooks[order], places, "o", color=PARTIAL, markersize=4)
        axes.set_yticks(places, labels)
        axes.set_xlim(left=0)
        axes.set_ylim(-0.7, len(order) - 0.3)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel("Cook's distance of the fixed effects")
        held = "variances estimated again" if again else "variances held"
        heading(
            figure, f"Influence of {name}", f"how far the fixed effects move without each, {held}"
        )
        height = figure.get_size_inches()[1]
        figure.subplots_adjust(left=0.16, right=0.97, bottom=0.5 / height, top=1 - 0.75 / height)
    return figure
