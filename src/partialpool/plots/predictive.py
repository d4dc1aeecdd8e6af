"""Data beside what a model draws: whole distributions, or a statistic of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from partialpool.errors import DataError, did_you_mean
from partialpool.frames import label
from partialpool.inference.counts import check_count
from partialpool.inference.seeds import Seed
from partialpool.plots.posterior import need_posterior, share
from partialpool.plots.style import DATA, PARTIAL, Picture, heading, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from partialpool.bayes import BayesFit

__all__ = ["posterior_predictive"]

Vector = NDArray[np.float64]
Statistic = Literal["mean", "sd", "min", "max", "zeros"] | Callable[[Vector], float]
_STATISTICS: dict[str, Callable[[Vector], float]] = {
    "mean": lambda y: float(np.mean(y)),
    "sd": lambda y: float(np.std(y, ddof=1)) if len(y) > 1 else np.nan,
    "min": lambda y: float(np.min(y)),
    "max": lambda y: float(np.max(y)),
    "zeros": lambda y: float(np.mean(y == 0)),
}
_WORDS = {"sd": "standard deviation", "min": "minimum", "max": "maximum", "zeros": "share of zeros"}
# Draws of a statistic's histogram, and outlines that the eye still tells apart.
_MANY, _FEW = 1000, 50
_MOST_PANELS = 25


def posterior_predictive(
    fit: BayesFit,
    nsim: int | None = None,
    seed: Seed = None,
    figure: Figure | None = None,
    statistic: Statistic | None = None,
    by: str | Sequence[Any] | None = None,
) -> Figure:
    """Draw the response's distribution beside those of responses that the model draws.

    Where the model is right, the data look like one more draw.

    Parameters
    ----------
    fit
        A Bayesian fit; of ``fit.prior()`` the picture is that of the priors.
    nsim
        Number of drawn responses: 50, and 1,000 for a statistic, unless said.
    seed
        Of the draws.
    figure
        An empty figure to draw in; by default a new one.
    statistic
        Of each response, in place of its distribution: ``"mean"``, ``"sd"``, ``"min"``,
        ``"max"``, ``"zeros"`` (the share of them), or a function of an array. The share of draws
        that aren't below the data's is written above.
    by
        A panel for each level of a grouping factor, or of labels (n,) of the rows fitted.

    Returns
    -------
    matplotlib.figure.Figure
        The picture; it is not shown.

    Raises
    ------
    DataError
        If the fit has no draws, the statistic is unknown, or ``by`` is no factor of the model and
        no labels of its rows.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> figure = pp.plots.posterior_predictive(fit, seed=2)
    >>> figure = pp.plots.posterior_predictive(fit, seed=2, statistic="sd", by="Subject")

    References
    ----------
    Gelman, Meng & Stern (1996), Statistica Sinica 6, 733-807.
    """
    need_posterior(fit)
    function = None if statistic is None else _function(statistic)
    count = check_count("nsim", (_FEW if function is None else _MANY) if nsim is None else nsim)
    used = fit.statement.response.counted
    y, drawn = fit.statement.response.values[used], fit.simulate(count, seed)[used]
    panels = _panels(fit, by, used)
    with styled():
        wide = min(4, len(panels))
        tall = -(-len(panels) // wide)
        size = (6.4, 3.6) if len(panels) == 1 else (2.2 * wide, 1.1 + 1.5 * tall)
        figure = figure or Picture(figsize=size)
        grid = figure.subplots(tall, wide, squeeze=False).ravel()
        for axes, (name, rows) in zip(grid, panels.items(), strict=False):
            _panel(axes, fit, function, y[rows], drawn[rows])
            if by is not None:
                axes.set_title(name, size=9, loc="left", pad=4)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        _finish(figure, fit, statistic, count, size[1])
    return figure


def _function(statistic: Statistic) -> Callable[[Vector], float]:
    if callable(statistic):
        return statistic
    if statistic not in _STATISTICS:
        raise DataError(
            f"statistic must be one of {', '.join(map(repr, _STATISTICS))} or a function, found "
            f"{statistic!r}.{did_you_mean(str(statistic), _STATISTICS)}"
        )
    return _STATISTICS[statistic]


def _panels(
    fit: BayesFit, by: str | Sequence[Any] | None, used: NDArray[np.bool_]
) -> dict[str, NDArray[np.bool_]]:
    """Rows of every panel by its title."""
    if by is None:
        return {"": np.ones(int(used.sum()), dtype=bool)}
    factors = {e.factor.name: e.factor for d in fit.designs.values() for e in d.random}
    if isinstance(by, str):
        if by not in factors:
            known = ", ".join(map(repr, factors)) or "none"
            raise DataError(
                f"by={by!r} is no grouping factor of the model (it has {known}). Give the column "
                f"itself, one label for each row fitted.{did_you_mean(by, factors)}"
            )
        levels, codes = factors[by].levels, factors[by].codes[used].astype(np.intp)
    else:
        labels = np.asarray(by)
        if labels.shape != used.shape:
            raise DataError(
                f"by= holds {labels.shape} labels, and {len(used)} rows were fitted. Give one "
                "label for each of these."
            )
        levels, codes = np.unique(labels[used], return_inverse=True)
    present = np.unique(codes)
    if len(present) > _MOST_PANELS:
        raise DataError(
            f"by= has {len(present)} levels, more than the {_MOST_PANELS} panels that can be read. "
            "Give labels of fewer groups."
        )
    return {label(levels[i]): codes == i for i in present}


def _panel(
    axes: Axes,
    fit: BayesFit,
    function: Callable[[Vector], float] | None,
    y: Vector,
    drawn: Vector,
) -> None:
    if function is None:
        _distributions(axes, y, drawn)
        if fit.draws.thresholds:
            labels = fit.statement.response.levels or ()
            axes.set_xticks(range(len(labels)), labels)
    else:
        _statistics(axes, function(y), np.array([function(column) for column in drawn.T]))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _distributions(axes: Axes, y: Vector, drawn: Vector) -> None:
    low, high = np.quantile(drawn, [0.005, 0.995])
    edges = _edges(y, (min(low, y.min()), max(high, y.max())))
    for column in drawn.T:
        axes.stairs(share(column, edges), edges, color=PARTIAL, alpha=0.25, lw=0.7)
    axes.stairs(share(y, edges), edges, color=DATA, lw=1.8)


def _statistics(axes: Axes, seen: float, drawn: Vector) -> None:
    there = drawn[np.isfinite(drawn)]
    if len(there):
        edges = _edges(there, (float(there.min()), float(there.max())))
        axes.stairs(share(there, edges), edges, color=PARTIAL, fill=True, alpha=0.5)
    axes.axvline(seen, color=DATA, lw=1.8)
    beyond = float(np.mean(there >= seen)) if len(there) else np.nan
    axes.text(1.0, 1.02, f"{beyond:.2f}", transform=axes.transAxes, ha="right", size=8)


def _finish(
    figure: Figure, fit: BayesFit, statistic: Statistic | None, count: int, tall: float
) -> None:
    source = "the priors" if fit.engine == "prior" else "the posterior"
    response = fit.design.formula.response
    said = f"{count:,} responses drawn from {source}"
    key = [
        Line2D([], [], color=DATA, lw=1.8, label="data"),
        Line2D([], [], color=PARTIAL, lw=0.9 if statistic is None else 5.0, label="drawn"),
    ]
    if statistic is not None:
        name = statistic if isinstance(statistic, str) else getattr(statistic, "__name__", "it")
        response = f"{_WORDS.get(name, name)} of {response}"
        said += "; share not below the data's"
    heading(figure, "Predictive check", said, key)
    if len(figure.axes) == 1:
        figure.axes[0].set_xlabel(response)
    else:
        figure.supxlabel(response, size=10, y=0.1 / tall)
    figure.subplots_adjust(
        left=0.03, right=0.97, top=1 - 1.2 / tall, bottom=0.55 / tall, hspace=0.9, wspace=0.12
    )


def _edges(y: Vector, span: tuple[float, float]) -> Vector:
    whole = np.all(y == np.round(y)) and span[1] - span[0] <= 60
    if whole:
        return np.arange(np.floor(span[0]) - 0.5, np.ceil(span[1]) + 1.0)
    if span[0] == span[1]:
        return np.array([span[0] - 0.5, span[0] + 0.5])
    return np.linspace(*span, 31)
