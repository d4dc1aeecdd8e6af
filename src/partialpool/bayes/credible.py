"""Credible intervals from draws: between quantiles, or the shortest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.draws import parameter_names
from partialpool.errors import DataError
from partialpool.frames import make_frame
from partialpool.inference.parameters import parameter_columns
from partialpool.inference.wald import check_level

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["IntervalKind", "confint", "interval_ends"]

Array = NDArray[np.float64]
IntervalKind: TypeAlias = Literal["eti", "hdi"]


def confint(fit: BayesFit, level: float = 0.95, interval: IntervalKind = "eti") -> Any:
    """Compute credible intervals of the parameters.

    Parameters
    ----------
    fit
        A Bayesian fit.
    level
        Their posterior probability.
    interval
        ``"eti"``, equal-tailed: between two quantiles, as much below as above. ``"hdi"``, of
        highest density: the shortest one, which for a skewed posterior lies nearer to its mode.
        It moves with the scale: that of a variance isn't the square of that of a standard
        deviation.

    Returns
    -------
    native frame
        ``effect`` ("fixed" or "ran_pars"), ``component`` (the linear predictor), ``group``,
        ``term``, ``estimate`` (posterior mean), ``conf_low`` and ``conf_high``.

    Raises
    ------
    DataError
        If the level or the kind is none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> table = confint(fit, 0.9, interval="hdi")
    >>> table["term"].tolist()
    ['Intercept', 'Days', 'sd__Intercept', 'sd__Observation']

    References
    ----------
    Hyndman (1996), The American Statistician 50, 120-126: regions of highest density.
    """
    stacked = np.stack(list(fit.parameters.values()), axis=-1)
    lower, upper = interval_ends(stacked, level, interval)
    columns = {
        **parameter_columns(parameter_names(fit.designs, fit.draws)),
        "estimate": stacked.mean(axis=(0, 1)),
        "conf_low": lower,
        "conf_high": upper,
    }
    return make_frame(columns, fit.design.spec.kind)


def interval_ends(draws: Array, level: float, kind: IntervalKind) -> tuple[Array, Array]:
    """Ends of intervals of P parameters (P,) from draws of C chains (C, D, P).

    Raises
    ------
    DataError
        If the level or the kind is none.
    """
    level = check_level(level)
    if kind == "eti":
        lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=(0, 1))
        return lower, upper
    if kind == "hdi":
        return _shortest(draws.reshape(-1, draws.shape[-1]), level)
    raise DataError(
        f"interval must be 'eti' (equal tails) or 'hdi' (highest density), found {kind!r}."
    )


def _shortest(draws: Array, level: float) -> tuple[Array, Array]:
    """Ends of the shortest stretch of sorted draws that holds its share; of ties the first."""
    ordered = np.sort(draws, axis=0)
    held = min(int(level * len(ordered)), len(ordered) - 1)
    widths = ordered[held:] - ordered[: len(ordered) - held]
    first = widths.argmin(axis=0)
    every = np.arange(ordered.shape[1])
    return ordered[first, every], ordered[first + held, every]
