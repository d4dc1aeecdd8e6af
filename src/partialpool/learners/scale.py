"""The learner's predictions put on the scale of the response.

A forest's predictions are drawn towards the mean. The linear mixed model of the response on
predictions of rows that the learner hasn't seen says by how much.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.solve import Likelihood, solve

__all__ = ["Scaled", "rescale"]

Vector = NDArray[np.float64]

# Beyond this the learner has found nothing that could be put to scale.
_STEEPEST = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Scaled:
    """Held-out predictions on the scale of the response.

    Attributes
    ----------
    intercept, slope
        Of the response on the learner's predictions.
    held_out : (n,) array
        Intercept plus slope times the predictions of rows that the learner hasn't seen.
    """

    intercept: float
    slope: float
    held_out: Vector


def rescale(design: Design, held_out: Vector) -> Scaled:
    """Regress the response on held-out predictions, with the model's own random effects.

    Parameters
    ----------
    design
        Rows and random terms, with the response.
    held_out : (n,) array
        Predictions of rows, or of groups, that the learner hasn't seen.

    References
    ----------
    Breiman (1996), Machine Learning 24, 49-64: stacking, with one learner.
    """
    if np.ptp(held_out) <= 1e-10 * np.abs(held_out).max():
        return Scaled(0.0, 1.0, held_out)
    X = np.column_stack([np.ones(len(held_out)), held_out])
    whole = dataclasses.replace(design, X=X, columns=("Intercept", "learner"))
    intercept, slope = solve(whole, Likelihood(reml=False)).beta
    if not 0.0 < slope < _STEEPEST:
        return Scaled(0.0, 1.0, held_out)
    return Scaled(float(intercept), float(slope), intercept + slope * held_out)
