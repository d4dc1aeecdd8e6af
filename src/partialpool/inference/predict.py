"""Predictions for rows, old or new, with the random effects that are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from partialpool.design import new_weights
from partialpool.inference.determined import blank_undetermined
from partialpool.inference.moments import mean_of, variance_forms
from partialpool.inference.prediction_intervals import (
    Interval,
    IntervalMethod,
    predict_intervals,
)
from partialpool.inference.protocol import GaussianFit
from partialpool.inference.rows import NewLevels, RandomPart, place_rows
from partialpool.inference.seeds import Seed, check_seed

__all__ = ["predict"]


def predict(
    fit: GaussianFit,
    new: Any = None,
    *,
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    se: bool = False,
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
    interval: Interval | None = None,
    level: float = 0.95,
    method: IntervalMethod = "plug-in",
    draws: int = 1000,
    seed: Seed = None,
) -> Any:
    """Predict the mean of every row.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    new
        Table with the columns that the model needs; None for the rows fitted.
    random
        Random effects to use: ``"all"``, ``"none"``, or names of grouping factors or terms
        such as ``["Subject"]`` or ``["(Days | Subject)"]``.
    new_levels
        What to do with a level that the fit hasn't seen: ``"error"``, or ``"population"`` to
        predict it by the fixed effects and the effects of its known levels.
    se
        Add standard errors. They carry the fixed and the random effects jointly, given the
        covariance parameters; a new level adds the variance of its effects.
    inapplicable
        What to do with a value where its covariate doesn't apply: ``"error"``, or
        ``"ignore"`` to disregard it.
    offset, applicable
        For new rows, in place of arrays given with the rows fitted.
    interval
        ``"confidence"``: of the mean, fixed and random effects uncertain; ``"prediction"``: of
        a new observation. Both are for known and for new levels. Where the model's weights were
        a column or an expression, and the table has its columns, an observation is of the weight
        that these say; rows fitted are of theirs, and all others of weight 1.
    level
        Their probability.
    method
        ``"plug-in"`` takes the covariance parameters for known; with few groups the intervals
        are too short (without random effects they are exact). ``"bootstrap"`` draws data sets,
        fits each and sees how far its predictions are off, in their own standard errors: it
        carries what is uncertain of the covariance parameters too.
    draws, seed
        Data sets of the bootstrap, and the seed of NumPy's generator.

    Returns
    -------
    (m,) array, or native frame with columns ``estimate`` and ``std_error``
        In units of the response; NaN where a row lacks a value, and, with a warning, where the
        data don't determine its fixed part, such as a combination of levels that no row had
        (rows fitted are always determined). With an interval also ``conf_low``
        and ``conf_high``.

    Raises
    ------
    DataError
        If columns are missing or of another type, or a level is new.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.predict({"Days": [0, 10], "Subject": ["308", "308"]}).round(2)
    array([253.66, 450.33])
    >>> fit.predict({"Days": [10]}, random="none").round(2)
    array([356.08])

    References
    ----------
    Henderson (1975), Biometrics 31(2), 423-447: the joint covariance of the errors.
    """
    check_seed(seed)
    placed = place_rows(
        fit,
        new,
        random=random,
        new_levels=new_levels,
        inapplicable=inapplicable,
        offset=offset,
        applicable=applicable,
    )
    if new is not None:
        X = blank_undetermined(fit, placed.rows.X)
        placed = replace(placed, rows=replace(placed.rows, X=X))
    if interval is not None:
        known = fit.design.weights if new is None else new_weights(fit.design.spec.weights, new)
        return predict_intervals(fit, placed, interval, level, method, draws, seed, known)
    mean = mean_of(fit, placed)
    if not se:
        return mean
    error = np.sqrt(variance_forms(fit, placed)) * fit.solution.sigma
    return placed.frame({"estimate": mean, "std_error": error})
