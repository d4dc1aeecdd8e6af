"""What every model is while it is validated: fitted to some rows, predicting others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit

__all__ = [
    "BOTH",
    "NONE",
    "Candidate",
    "Prediction",
    "Random",
    "Rows",
    "Trained",
    "options",
    "ways",
]

Vector = NDArray[np.float64]
Rows = NDArray[Any]
Random = Literal["with", "without", "none"]
"""Whether random effects took part; "none" for a model that has none to leave out."""
BOTH: tuple[Random, ...] = ("with", "without")
NONE: tuple[Random, ...] = ("none",)


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Predictions of held-out rows.

    Attributes
    ----------
    mean : (m,) array, or (m, k)
        In units of the response; of two classes the probability of the second, of more classes
        the probability of each.
    log_density : (m,) array
        Of the rows under the model's predictive distribution; NaN where it gives none.
    """

    mean: Vector
    log_density: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A model fitted to some rows.

    Attributes
    ----------
    ways
        With random effects and without, or "none" where it has none to leave out.
    predict
        Predicts rows, by position in the table.
    """

    ways: tuple[Random, ...]
    predict: Callable[[Rows, Random], Prediction]


class Candidate(Protocol):
    """A model to be validated."""

    @property
    def y(self) -> Vector:
        """Response of every row (n,); NaN where the model leaves the row out."""

    @property
    def response(self) -> str:
        """What the response is called."""

    def train(self, rows: Rows) -> Trained:
        """Fit to some rows, by position in the table."""


def ways(model: Any) -> tuple[Random, ...]:
    """Whether a model's random effects can be left out."""
    if isinstance(model, LmmFit | GlmmFit):
        return BOTH if model.design.random else NONE
    return BOTH if "random" in inspect.signature(model.predict).parameters else NONE


def options(predict: Callable[..., Any], random: Random) -> dict[str, Any]:
    """Arguments of a predict method: which random effects, and new levels allowed."""
    known = inspect.signature(predict).parameters
    asked = {"random": "none" if random == "without" else "all", "new_levels": "population"}
    return {name: value for name, value in asked.items() if name in known}
