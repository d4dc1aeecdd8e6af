"""How a fit's expected response follows from rows, random effects at zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, DesignSpec, NewRows, replay_parts
from partialpool.errors import NotAvailableError
from partialpool.inference.ddf import calibrate
from partialpool.inference.determined import blank_undetermined
from partialpool.inference.means import Scale
from partialpool.inference.means.estimates import tabulate
from partialpool.inference.means.grid import without_rules
from partialpool.inference.prediction_intervals import Interval, predict_intervals
from partialpool.inference.protocol import GaussianWaldFit
from partialpool.inference.rows import PlacedRows
from partialpool.inference.seeds import Seed

__all__ = [
    "Band",
    "Expectation",
    "Expected",
    "ExpectingFit",
    "LinearExpectation",
    "check_drawn",
    "offset_of",
    "slope_columns",
]

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


@dataclass(frozen=True, slots=True)
class Band:
    """Which intervals are wanted.

    Attributes
    ----------
    level
        Their probability.
    interval
        ``"confidence"``: of the expectation; ``"prediction"``: of a new row of new groups.
    seed
        Of what is drawn for these.
    """

    level: float = 0.95
    interval: Interval = "confidence"
    seed: Seed = None


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

    def at(self, table: Table, offset: float, band: Band) -> Expected:
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
        The model. Confidence intervals are by Satterthwaite's degrees of freedom, as those of
        its means; prediction intervals are those of its predictions.
    """

    fit: GaussianWaldFit
    categories: tuple[str, ...] = ()
    posterior: bool = False

    @property
    def specs(self) -> Mapping[str, DesignSpec]:
        """The one linear predictor's."""
        return {"mean": self.fit.design.spec}

    def at(self, table: Table, offset: float, band: Band) -> Expected:
        """Compute it for rows."""
        spec, n = self.specs["mean"], len(next(iter(table.values())))
        drawn = band.interval == "prediction"
        if drawn:
            check_drawn(self.specs, table)
        rows = replay_parts(
            {"mean": without_rules(spec, table)},
            dict(table),
            random={"mean": ()},
            averaged=drawn,
            offset=offset_of(spec, offset, n),
            inapplicable="ignore",
        )["mean"]
        return self._prediction(rows, band) if drawn else self._confidence(rows, band)

    def _prediction(self, rows: NewRows, band: Band) -> Expected:
        known = replace(rows, X=blank_undetermined(self.fit, rows.X))
        placed = PlacedRows(known, dict(enumerate(rows.effects)), "dict", None)
        found = predict_intervals(
            self.fit, placed, "prediction", band.level, "plug-in", draws=1000, seed=None
        )
        names = ("estimate", "std_error", "conf_low", "conf_high")
        return Expected(*(found[name] for name in names))

    def _confidence(self, rows: NewRows, band: Band) -> Expected:
        found = tabulate(self.fit, calibrate(self.fit), rows.X, band.level)
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


def slope_columns(spec: DesignSpec) -> tuple[str, ...]:
    """Name the columns that have random effects."""
    texts = [f.text for base in spec.bases for term in base.terms for f in term]
    return tuple(dict.fromkeys(c for text in texts for c in spec.factors[text].columns))


def check_drawn(specs: Mapping[str, DesignSpec], table: Table) -> None:
    """Refuse to predict rows of new groups where a column that they hang on has no value.

    Raises
    ------
    NotAvailableError
        Naming the column.
    """
    for spec in specs.values():
        for name in (*slope_columns(spec), *spec.typical, *spec.offset.typical):
            if name not in table:
                raise NotAvailableError(
                    f"{name!r} moves responses and not their expectation, so that nothing says at "
                    "which value it is held for prediction intervals. Use fit.predict(new, "
                    "interval='prediction') for rows of your own, or interval='confidence'."
                )
