"""The numbers behind fitted lines of a generalized model: curves of the mean, group by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.generalized.fitted import fitted_means, outcomes
from partialpool.plots.pooling import (
    GroupLines,
    function_of,
    no_line,
    refuse_other_columns,
    rows_by_level,
    varies_within,
)

if TYPE_CHECKING:
    from partialpool.design import RandomEffects
    from partialpool.families import Link
    from partialpool.generalized import GlmmFit

__all__ = ["group_curves", "response_name"]

Vector = NDArray[np.float64]

_STEPS = 60


def group_curves(fit: GlmmFit, effects: RandomEffects, name: str, x: Vector) -> list[GroupLines]:
    """Take every group's mean, and that of a group whose random effects are zero.

    Between rows the curves are straight on the scale of the link.
    """
    _refuse_others(fit, effects, name)
    group, link = effects.factor.name, fit.family.link
    y, partial, population = outcomes(fit), fitted_means(fit), fit.predict(random="none")
    out = []
    for level, rows in rows_by_level(effects.factor.codes, x):
        own = function_of(x[rows], partial[rows], name, group)
        at = np.union1d(np.linspace(x[rows[0]], x[rows[-1]], _STEPS), x[rows])
        out.append(
            GroupLines(
                label=str(effects.factor.levels[level]),
                x=x[rows],
                y=y[rows],
                at=at,
                none=None,
                partial=_between(at, x[rows], own, link),
                complete=_between(at, x[rows], population[rows], link),
            )
        )
    return out


def response_name(fit: GlmmFit) -> str:
    """Say what the means are means of."""
    response = fit.response
    if response.levels is not None:
        return f"share of {response.text} = {response.levels[1]}"
    return response.text if response.trials is None else "proportion"


def _refuse_others(fit: GlmmFit, effects: RandomEffects, name: str) -> None:
    if fit.family.name == "ordinal":
        raise ModelError(
            "an ordinal model has a line for each category, and fitted lines are for models with "
            "one mean. Draw fit.predict(new, type='probabilities') over a grid."
        )
    # Where zeros are cut off, the mean of the others depends on the dispersion.
    moving = {"mean", "zero_inflation"}
    moving |= {"dispersion"} if fit.family.name.startswith("truncated") else set()
    for p in fit.predictors:
        if p.name in moving:
            refuse_other_columns(p.design, p.solution.effects(p.design), effects, name)
            if p.design.offset is not None and varies_within(p.design.offset, effects.factor.codes):
                raise no_line(name, effects.factor.name, "the offset")


def _between(at: Vector, x: Vector, mean: Vector, link: Link) -> Vector:
    eta = np.asarray(link(mean), dtype=np.float64)
    # A mean at the end of its range has no finite linear predictor.
    if not np.isfinite(eta).all():
        return np.interp(at, x, mean)
    return np.asarray(link.inverse(np.interp(at, x, eta)), dtype=np.float64)
