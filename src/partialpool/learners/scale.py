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
from partialpool.learners.alternate import Alternated
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
    honest : (n,) array
        Intercept plus slope times the predictions of rows that the learner hasn't seen.
    """

    intercept: float
    slope: float
    honest: Vector


def rescale(design: Design, done: Alternated) -> Scaled:
    """Regress the response on held-out predictions, with the model's own random effects.

    Parameters
    ----------
    design
        Rows and random terms, with the response.
    done
        The learner and its held-out predictions.

    References
    ----------
    Breiman (1996), Machine Learning 24, 49-64: stacking, with one learner.
    """
    honest = done.learned.honest
    if np.ptp(honest) <= 1e-10 * np.abs(honest).max():
        return Scaled(0.0, 1.0, honest)
    X = np.column_stack([np.ones(len(honest)), honest])
    whole = dataclasses.replace(design, X=X, columns=("Intercept", "learner"))
    intercept, slope = solve(whole, Likelihood(reml=False)).beta
    if not 0.0 < slope < _STEEPEST:
        return Scaled(0.0, 1.0, honest)
    return Scaled(float(intercept), float(slope), intercept + slope * honest)
