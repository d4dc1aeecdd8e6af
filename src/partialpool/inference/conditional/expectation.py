"""How a fit's expected response follows from rows, random effects at zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, DesignSpec, replay
from partialpool.inference.ddf import calibrate
from partialpool.inference.means import Scale
from partialpool.inference.means.estimates import tabulate
from partialpool.inference.means.grid import without_rules
from partialpool.inference.protocol import WaldFit

__all__ = ["Expectation", "Expected", "ExpectingFit", "LinearExpectation", "offset_of"]

Vector = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """Expected responses of some rows, (m,) each; of K ordered categories (m, K).

    Attributes
    ----------
    estimate, std_error, low, high
        Estimates, their standard errors and intervals; NaN where the data don't determine them.
    """

    estimate: Vector
    std_error: Vector
    low: Vector
    high: Vector


class Expectation(Protocol):
    """Expected responses of a fit on one scale."""

    @property
    def specs(self) -> Mapping[str, DesignSpec]:
        """Linear predictors that have a formula and move the response's expectation."""

    @property
    def categories(self) -> tuple[str, ...]:
        """Labels of ordered categories, whose probabilities are expected; else none."""

    @property
    def posterior(self) -> bool:
        """Whether intervals are those of a posterior."""

    def at(self, table: Table, offset: float, level: float) -> Expected:
        """Compute it for rows, random effects at zero."""


class ExpectingFit(Protocol):
    """A fit of any kind with an expected response."""

    @property
    def design(self) -> Design:
        """Rows and columns of the model."""

    def expectation(self, scale: Scale) -> Expectation:
        """Return the expected response as a function of rows."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearExpectation:
    """Expected responses of a linear mixed model: X beta + offset.

    Attributes
    ----------
    fit
        The model. Intervals are by Satterthwaite's degrees of freedom, as those of its means.
    """

    fit: WaldFit
    categories: tuple[str, ...] = ()
    posterior: bool = False

    @property
    def specs(self) -> Mapping[str, DesignSpec]:
        """The one linear predictor's."""
        return {"mean": self.fit.design.spec}

    def at(self, table: Table, offset: float, level: float) -> Expected:
        """Compute it for rows."""
        spec, n = self.specs["mean"], len(next(iter(table.values())))
        rows = replay(
            without_rules(spec, table),
            dict(table),
            random=(),
            offset=offset_of(spec, offset, n),
            inapplicable="ignore",
        )
        found = tabulate(self.fit, calibrate(self.fit), rows.X, level)
        shift = 0.0 if rows.offset is None else rows.offset
        return Expected(
            found.estimate + shift,
            found.std_error,
            found.conf_low + shift,
            found.conf_high + shift,
        )


def offset_of(spec: DesignSpec, offset: float, n: int) -> Vector | None:
    """Return the offset in place of an array, which says nothing about other rows than its own."""
    return np.full(n, offset) if spec.offset.is_array or offset != 0.0 else None
