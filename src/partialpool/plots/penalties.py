"""The path of penalties: how deviations grow as the penalty falls, and where to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from partialpool.errors import DataError
from partialpool.plots.style import COMPLETE, INK, NONE, PARTIAL, Picture, heading, styled

if TYPE_CHECKING:
    from partialpool.shrinkage.path import PenaltyPath

__all__ = ["penalty_path"]

# Okabe and Ito's again; more columns than these are drawn without names.
_COLOURS = (PARTIAL, NONE, "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_RULES = {"min": "folds", "one_se": "folds, one SE", "loo": "leave one out", "reml": "REML"}


def penalty_path(model: Any, figure: Figure | None = None) -> Figure:
    """Draw the deviations and the error along a path of penalties.

    The upper panel has the root mean square of each column's deviations over levels, in units of
    its coefficient as a share of the largest on the path; the lower one the error of rows left
    out, with a standard error over folds. Lines stand where each rule would stop.

    Parameters
    ----------
    model
        A fitted ``HierarchicalRegressorCV`` or ``HierarchicalClassifierCV``, or its ``path_``.
    figure
        Figure to draw in; a new one by default.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with ``savefig``.

    Raises
    ------
    DataError
        If there is no path.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> model = pp.HierarchicalRegressorCV(cv=5, weights="equal")
    >>> model = model.fit(sleep[["Days"]], sleep["Reaction"], groups=sleep["Subject"])
    >>> len(penalty_path(model).axes)
    2
    """
    path: PenaltyPath | None = getattr(model, "path_", model)
    if path is None or not hasattr(path, "spread"):
        raise DataError(
            f"there is no path of penalties in a {type(model).__name__}. Pass a fitted "
            "HierarchicalRegressorCV or HierarchicalClassifierCV."
        )
    with styled():
        figure = Picture(figsize=(7.0, 5.6)) if figure is None else figure
        upper, lower = figure.subplots(2, 1, sharex=True)
        figure.subplots_adjust(left=0.11, right=0.96, top=0.86, bottom=0.1, hspace=0.16)
        _draw_spread(upper, path)
        _draw_errors(lower, path)
        for axes in (upper, lower):
            _draw_choices(axes, path, named=axes is lower)
        heading(
            figure,
            "Deviations and error along the path of penalties",
            "From complete pooling (left) to no pooling (right)",
        )
    return figure


def _draw_spread(axes: Axes, path: PenaltyPath) -> None:
    most = path.spread.max(axis=0)
    share = path.spread / np.where(most > 0, most, 1.0)
    named = len(path.columns) <= len(_COLOURS)
    for i in np.argsort(-most):
        colour = _COLOURS[i] if named else COMPLETE
        axes.plot(path.l2, share[:, i], color=colour, lw=1.4, label=path.columns[i])
    if named:
        axes.legend(loc="lower right")
    axes.set_xscale("log")
    axes.invert_xaxis()
    axes.set_ylabel("deviations, share of largest")


def _draw_errors(axes: Axes, path: PenaltyPath) -> None:
    if path.errors is not None:
        mean = path.errors.mean(axis=1)
        spread = path.errors.std(axis=1, ddof=1) / np.sqrt(path.errors.shape[1])
        axes.fill_between(path.l2, mean - spread, mean + spread, color=PARTIAL, alpha=0.15, lw=0)
        axes.plot(path.l2, mean, color=PARTIAL, lw=1.5, label="folds left out")
    if path.loo is not None:
        axes.plot(path.l2, path.loo, color=NONE, lw=1.5, label="one row left out")
    axes.set_ylabel("error of rows left out")
    axes.set_xlabel("l2 (decreasing)")
    if axes.lines:
        axes.legend(loc="best")


def _draw_choices(axes: Axes, path: PenaltyPath, *, named: bool) -> None:
    bottom, top = axes.get_ylim()
    for i, (rule, l2) in enumerate(sorted(path.chosen.items(), key=lambda item: -item[1])):
        axes.axvline(l2, color=INK, lw=0.8, ls=":")
        if named:
            axes.text(
                l2,
                bottom + (0.97 - 0.09 * i) * (top - bottom),
                f" {_RULES[rule]}",
                va="top",
                size=8,
            )
