"""What is to be explained, and the learner with random effects that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.families import ResponseFamily
from partialpool.frames import FrameKind
from partialpool.learners.alternate import Step
from partialpool.learners.intervals import Calibration
from partialpool.learners.learning import predict_learner
from partialpool.learners.part import RandomPart

__all__ = ["Fitted", "Level", "Target"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is to be explained.

    Attributes
    ----------
    y : (n,) array
        Numbers, counts, or 0 and 1.
    weights : (n,) array, or None
        Prior weights.
    family
        Distribution and link.
    kind
        Library in which tables of effects come back.
    """

    y: Vector
    weights: Vector | None
    family: ResponseFamily
    kind: FrameKind


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A learner, its scale and the random part of what it leaves over.

    Attributes
    ----------
    model
        The learner, fitted.
    part
        The random part; None where there are no groups.
    sigma
        Residual standard deviation, in units of the response.
    scale
        Intercept and slope that put the learner's predictions on the scale of the response.
    dispersion
        Linear predictor of the dispersion, for families that have one.
    """

    model: Any
    part: RandomPart | None
    sigma: float
    scale: tuple[float, float] = (0.0, 1.0)
    dispersion: float = 0.0

    def common(self, features: Any) -> Vector:
        """Predict what groups have in common, for every row (m,)."""
        intercept, slope = self.scale
        return intercept + slope * predict_learner(self.model, features)


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A learner and its random part, for groups that aren't known and for those that are.

    Attributes
    ----------
    population
        For groups that aren't known, and for what groups have in common.
    known
        For known groups; the same where one serves both.
    history
        Every iteration.
    best
        Position of the one kept.
    converged
        Whether iterations ended by their own rule.
    calibration
        Scores for prediction intervals; None for classes.
    """

    population: Level
    known: Level
    history: tuple[Step, ...]
    best: int
    converged: bool
    calibration: Calibration | None
