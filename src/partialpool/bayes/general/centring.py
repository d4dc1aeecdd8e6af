"""Which form of a random term the sampler moves in.

Effects that the data know well are sampled as themselves (centred), effects that they hardly
know as standard normal variables (non-centred): each form is slow, or worse, where the other is
good. Papaspiliopoulos, Roberts & Skoeld (2007), Statistical Science 22, 59-73.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import core_predictors
from partialpool.bayes.statement import Statement
from partialpool.design import RandomEffects
from partialpool.solve.generalized import row_density

__all__ = ["row_information", "well_known"]

Array = NDArray[np.float64]
# Information of a level over that of its prior from which on effects are well known.
_ENOUGH = 5.0


def row_information(statement: Statement, eta: dict[str, Array]) -> tuple[Array, Array]:
    """Score and information of every row in the mean's linear predictor, at given predictors."""
    response, family = statement.response, statement.family
    density = row_density(response, family, statement.zero)
    order = core_predictors(family.parts(statement.zero), eta, response.values)
    _, first, second, _ = density.evaluate(order, 2, True)
    good = np.isfinite(first[0]) & np.isfinite(second[0])
    return np.where(good, first[0], 0.0), np.where(good, np.maximum(-second[0], 0.0), 0.0)


def well_known(effects: RandomEffects, score: Array, information: Array) -> bool:
    """Whether the data know every column's effects well, by a method of moments.

    One scoring step from zero estimates each level's effect with variance 1 / I_j; what the
    estimates vary beyond that is the effects' own variance.
    """
    codes, J = effects.factor.codes, len(effects.factor.levels)
    for column in effects.basis.T:
        total = np.bincount(codes, information * column**2, J)
        there = total > 0
        if there.sum() < 3:
            return False
        step = np.bincount(codes, score * column, J)[there] / total[there]
        own = max(step.var(ddof=1) - float((1 / total[there]).mean()), 0.0)
        if own * float(np.median(total[there])) < _ENOUGH:
            return False
    return True
