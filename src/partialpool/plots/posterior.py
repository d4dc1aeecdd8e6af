"""Pictures of a posterior: traces and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, UnknownNameError, did_you_mean
from partialpool.plots.style import INK, PARTIAL, QUIET, Picture, heading, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from partialpool.bayes import BayesFit

__all__ = ["need_posterior", "posterior_intervals", "share", "trace"]

Vector = NDArray[np.float64]
_CHAINS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_MOST = 12


def trace(
    fit: BayesFit, parameters: Sequence[str] | None = None, figure: Figure | None = None
) -> Figure:
    """Draw every chain's path and distribution, parameter by parameter.

    Chains that mix look alike and like noise. Divergent draws are marked below the path.

    Parameters
    ----------
    fit
        A Bayesian fit.
    parameters
        Names as in ``fit.parameters``; by default the first twelve.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; it is not shown.

    Raises
    ------
    UnknownNameError
        If a name is no parameter.
    DataError
        If the fit has no posterior draws.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> figure = pp.plots.trace(fit, ["Days", "sigma"])
    """
    chosen = _choose(fit, parameters)
    with styled():
        figure = figure or Picture(figsize=(8.2, 1.0 + 1.25 * len(chosen)))
        height = figure.get_size_inches()[1]
        rows = figure.subplots(len(chosen), 2, squeeze=False, width_ratios=(1.0, 2.2))
        for (left, right), (name, values) in zip(rows, chosen.items(), strict=True):
            _densities(left, values)
            for c, path in enumerate(values):
                right.plot(path, color=_CHAINS[c % len(_CHAINS)], lw=0.4)
            _, draw = np.nonzero(fit.draws.stats["diverging"])
            if len(draw):
                low = np.full(len(draw), values.min())
                right.plot(draw, low, "|", color=INK, ms=7)
            left.set_title(name, size=9, color=INK)
        heading(figure, "Traces", "One colour for each chain; ticks mark divergences")
        figure.subplots_adjust(
            left=0.04, right=0.985, top=1 - 0.85 / height, bottom=0.3 / height, hspace=0.65
        )
    return figure


def posterior_intervals(
    fit: BayesFit,
    parameters: Sequence[str] | None = None,
    level: float = 0.95,
    figure: Figure | None = None,
) -> Figure:
    """Draw posterior means with intervals of two probabilities.

    Parameters
    ----------
    fit
        A Bayesian fit.
    parameters
        Names as in ``fit.parameters``; by default the first twelve.
    level
        Probability of the thin line; the thick one has a half.
    figure
        An empty figure to draw in; by default a new one.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each parameter, since units differ. It is not shown.

    Raises
    ------
    ModelError
        If ``level`` is no probability.
    UnknownNameError
        If a name is no parameter.
    DataError
        If the fit has no posterior draws.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> figure = pp.plots.posterior_intervals(fit, ["Intercept", "Days"])
    """
    if not 0 < level < 1:
        raise ModelError(f"level={level} is no probability between 0 and 1. Try level=0.95.")
    chosen = _choose(fit, parameters)
    with styled():
        names = 0.25 + 0.072 * max(map(len, chosen))
        figure = figure or Picture(figsize=(4.2 + names, 0.9 + 0.62 * len(chosen)))
        width, height = figure.get_size_inches()
        panels = figure.subplots(len(chosen), 1, squeeze=False)[:, 0]
        for axes, (name, values) in zip(panels, chosen.items(), strict=True):
            low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
            inner = np.quantile(values, [0.25, 0.75])
            axes.hlines(0, low, high, color=PARTIAL, lw=1.4)
            axes.hlines(0, *inner, color=PARTIAL, lw=4.5)
            axes.plot(values.mean(), 0, "o", color="white", mec=PARTIAL, ms=5)
            if low <= 0 <= high:
                axes.axvline(0, color=QUIET, lw=0.9)
            axes.set_yticks([0], [name])
            axes.tick_params(axis="y", labelcolor=INK)
            axes.spines["left"].set_visible(False)
        heading(figure, "Posterior", f"Means with 50 % and {100 * level:g} % intervals")
        figure.subplots_adjust(
            left=names / width, right=0.97, top=1 - 0.75 / height, bottom=0.25 / height, hspace=1.6
        )
    return figure


def need_posterior(fit: object) -> None:
    """Refuse fits without draws.

    Raises
    ------
    DataError
        Naming what was found.
    """
    from partialpool.bayes import BayesFit

    if not isinstance(fit, BayesFit):
        raise DataError(
            f"this picture is of draws from a posterior, but {type(fit).__name__} has none. Fit "
            "the model by pp.bmm."
        )


def _choose(fit: BayesFit, parameters: Sequence[str] | None) -> dict[str, Vector]:
    need_posterior(fit)
    values = fit.parameters
    if parameters is None:
        found = [n for n, x in values.items() if not np.isnan(x).any()]
        return {name: values[name] for name in found[:_MOST]}
    names = [parameters] if isinstance(parameters, str) else list(parameters)
    for name in names:
        if name not in values:
            raise UnknownNameError(
                f"the model has no parameter {name!r}.{did_you_mean(name, list(values))} "
                "fit.parameters lists them."
            )
    return {name: values[name] for name in names}


def _densities(axes: Axes, values: Vector) -> None:
    edges = np.linspace(values.min(), values.max(), 31)
    for c, chain in enumerate(values):
        axes.stairs(share(chain, edges), edges, color=_CHAINS[c % len(_CHAINS)], lw=0.8)
    axes.set_yticks([])


def share(values: Vector, edges: Vector) -> Vector:
    """Return shares of values between edges."""
    return np.histogram(values, edges)[0] / max(len(values), 1)
