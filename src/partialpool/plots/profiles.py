"""A picture of profile likelihoods."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from partialpool.errors import DataError
from partialpool.inference import Profile
from partialpool.inference.profile import Curve
from partialpool.plots.style import NONE, PARTIAL, QUIET, Picture, heading, styled

__all__ = ["profile"]

# Panels side by side, and inches of one.
_COLUMNS, _WIDTH, _HEIGHT = 3, 2.7, 2.1


def profile(curves: Profile, level: float = 0.95, figure: Figure | None = None) -> Figure:
    """Draw how far the data object to values of each parameter.

    Zeta, the signed root of the deviance's rise, is a straight line where the estimate is normally
    distributed; where it bends, Wald intervals mislead. Shaded is the interval.

    Parameters
    ----------
    curves
        From ``fit.profile()``.
    level
        Confidence level of the intervals.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture. It is not shown.

    Raises
    ------
    DataError
        If these are no curves, the level is none, or beyond what was profiled.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> figure = pp.plots.profile(fit.profile())
    >>> figure.savefig("profile.png")  # doctest: +SKIP

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), Journal of Statistical Software 67(1), figure 4.
    """
    if not hasattr(curves, "curves"):
        raise DataError(
            f"a profile is drawn from fit.profile(), found {type(curves).__name__}. Pass "
            "plots.profile(fit.profile())."
        )
    curves.confint(level)  # refuses a level that is none
    drawn = [curve for curve in curves.curves if len(curve.values)]
    rows = max(1, -(-len(drawn) // _COLUMNS))
    columns = max(1, min(_COLUMNS, len(drawn)))
    with styled():
        if figure is None:
            figure = Picture(figsize=(_WIDTH * columns + 0.6, _HEIGHT * rows + 0.9))
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, curve in zip(panels, drawn, strict=False):
            _panel(axes, curve, level)
        for axes in panels[len(drawn) :]:
            axes.set_axis_off()
        heading(figure, "Profile likelihood", f"zeta, with {100 * level:g}% intervals shaded")
        height = figure.get_size_inches()[1]
        figure.subplots_adjust(
            left=0.09, right=0.98, bottom=0.35 / height, top=1 - 0.9 / height,
            wspace=0.28, hspace=0.45,
        )  # fmt: skip
    return figure


def _panel(axes: Axes, curve: Curve, level: float) -> None:
    low, high = curve.interval(level)
    axes.axvspan(
        max(low, float(curve.values[0])),
        min(high, float(curve.values[-1])),
        color="#E4EEF4",
        linewidth=0,
    )
    axes.axhline(0.0, color=QUIET, linewidth=0.7)
    axes.plot(curve.values, curve.zeta, color=PARTIAL, linewidth=1.4)
    axes.plot(curve.values, curve.zeta, ".", color=PARTIAL, markersize=3.5)
    axes.plot([curve.estimate], [0.0], "o", color=NONE, markersize=4.5)
    axes.set_title(curve.parameter.label)
    edge = max(2.0, float(np.max(np.abs(curve.zeta))))
    axes.set_ylim(-1.08 * edge, 1.08 * edge)
