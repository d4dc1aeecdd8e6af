"""How a mixed-effects learner came to its estimates: a picture of its iterations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.plots.style import COMPLETE, DATA, NONE, PARTIAL, QUIET, Picture, heading, styled

__all__ = ["training"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Trace:
    """Estimates by iteration.

    Attributes
    ----------
    objective
        What the iterations are judged by.
    label
        Its name.
    sigma
        Residual standard deviation.
    sd : (iterations, k)
        Standard deviations of the effects.
    names
        Of the k effects.
    effects : (iterations, J)
        First effect of every group.
    groups
        Their labels.
    loss
        On validation rows, if there were some.
    kept
        Position of the iteration whose estimates are used.
    """

    objective: Vector
    label: str
    sigma: Vector
    sd: Vector
    names: tuple[str, ...]
    effects: Vector
    groups: Sequence[Any]
    loss: Vector
    kept: int


def training(model: Any, groups: int = 5) -> Figure:
    """Draw the iterations of a mixed-effects learner.

    Parameters
    ----------
    model
        A fitted :class:`partialpool.MixedEffectsRegressor` with groups, or a
        :class:`partialpool.compat.merf.MERF`.
    groups
        How many groups' effects are followed: those of the largest effects.

    Returns
    -------
    matplotlib.figure.Figure
        Likelihood, standard deviations, effects of some groups, and the effects of all with
        the normal curve of their estimated standard deviation; the loss of validation rows
        where a MERF had some.

    Raises
    ------
    DataError
        If the model isn't fitted, or has no groups.

    Examples
    --------
    >>> import partialpool as pp
    >>> from sklearn.linear_model import LinearRegression
    >>> sleep = pp.load_dataset("sleepstudy")[["Reaction", "Days", "Subject"]]
    >>> model = pp.MixedEffectsRegressor(LinearRegression(), random="1 | Subject")
    >>> model = model.fit(sleep[["Days", "Subject"]], sleep["Reaction"])
    >>> len(training(model).axes)
    4
    """
    trace = _merf_trace(model) if hasattr(model, "gll_history") else _trace(model)
    with styled():
        figure = Picture(figsize=(8.2, 5.8))
        axes = figure.subplots(2, 2).ravel()
        _draw_objective(axes[0], trace)
        _draw_sizes(axes[1], trace)
        _draw_effects(axes[2], trace, groups)
        _draw_distribution(axes[3], trace)
        n = len(trace.objective)
        heading(
            figure, "Iterations", f"{n} of learner and random effects in turn; the orange is kept"
        )
        figure.tight_layout(rect=(0, 0, 1, 0.90))
    return figure


def _trace(model: Any) -> _Trace:
    history = getattr(model, "history_", ())
    if not history or not history[0].effects:
        raise DataError(
            "training() draws a fitted MixedEffectsRegressor that has groups, or a fitted MERF, "
            f"found {type(model).__name__}."
        )
    part = model._fitted.population.part
    term = part.design.random[0]
    return _Trace(
        objective=np.array([step.loglik for step in history]),
        label="marginal log-likelihood",
        sigma=np.array([step.sigma for step in history]),
        sd=np.array([np.sqrt(np.diag(step.covariances[0])) for step in history]),
        names=term.columns,
        effects=np.array([step.effects[0][:, 0] for step in history]),
        groups=list(term.factor.levels),
        loss=np.empty(0),
        kept=model._fitted.best,
    )


def _merf_trace(model: Any) -> _Trace:
    if not model.gll_history:
        raise DataError("the MERF has done no iteration. Call fit() first.")
    return _Trace(
        objective=np.array(model.gll_history),
        label="generalized log-likelihood (less is better)",
        sigma=np.sqrt(model.sigma2_hat_history[1:]),
        sd=np.sqrt([np.diag(D) for D in model.D_hat_history[1:]]),
        names=tuple(f"b{c}" for c in range(model.trained_b.shape[1])),
        effects=np.array([b.to_numpy()[:, 0] for b in model.b_hat_history[1:]]),
        groups=list(model.trained_b.index),
        loss=np.array(model.val_loss_history),
        kept=len(model.gll_history) - 1,
    )


def _rounds(trace: _Trace) -> NDArray[np.int64]:
    return np.arange(1, len(trace.objective) + 1)


def _draw_objective(ax: Axes, trace: _Trace) -> None:
    at = _rounds(trace)
    ax.plot(at, trace.objective, color=PARTIAL, marker="o", markersize=3, linewidth=1.2)
    ax.plot(at[trace.kept], trace.objective[trace.kept], "o", color=NONE, markersize=7, zorder=0)
    ax.set_title(trace.label)
    if len(trace.loss):
        other = ax.twinx()
        other.plot(at, trace.loss, color=DATA, linestyle="--", linewidth=1.0)
        other.set_ylabel("validation loss (dashed)", color=QUIET)


def _draw_sizes(ax: Axes, trace: _Trace) -> None:
    at = _rounds(trace)
    ax.plot(at, trace.sigma, color=DATA, linewidth=1.2, label="residual")
    for name, sd in zip(trace.names, trace.sd.T, strict=True):
        ax.plot(at, sd, linewidth=1.2, label=name)
    ax.set_ylim(bottom=0)
    ax.legend(fontsize=8)
    ax.set_title("standard deviations")


def _draw_effects(ax: Axes, trace: _Trace, groups: int) -> None:
    at, last = _rounds(trace), trace.effects[trace.kept]
    for j in np.argsort(-np.abs(last))[:groups]:
        ax.plot(at, trace.effects[:, j], linewidth=1.2, label=str(trace.groups[j]))
    ax.axhline(0, color=COMPLETE, linewidth=0.8)
    ax.set_xlabel("iteration")
    ax.legend(fontsize=7, ncols=2)
    ax.set_title(f"effects of {trace.names[0]}, largest groups")


def _draw_distribution(ax: Axes, trace: _Trace) -> None:
    last, sd = trace.effects[trace.kept], trace.sd[trace.kept, 0]
    ax.hist(last, bins=min(15, max(5, len(last) // 3)), color=PARTIAL, alpha=0.5, density=True)
    if sd > 0:
        x = np.linspace(-3 * sd, 3 * sd, 121)
        ax.plot(x, np.exp(-0.5 * (x / sd) ** 2) / (sd * np.sqrt(2 * np.pi)), color=DATA)
    ax.set_yticks([])
    ax.set_xlabel(f"effect of {trace.names[0]}")
    ax.set_title("effects of all groups, and their estimated law")
