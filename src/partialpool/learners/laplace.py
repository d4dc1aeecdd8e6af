"""The random part of a learner of counts or classes: a generalized linear mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, replay
from partialpool.errors import ModelError, NotAvailableError
from partialpool.families import ResponseFamily
from partialpool.frames import Column, FrameKind, Table, read_column
from partialpool.generalized import GlmmFit, glmm
from partialpool.inference.rows import RandomPart as Wanted
from partialpool.inference.rows import find_terms
from partialpool.learners.part import NewLevels, Outlook
from partialpool.results import VarCorr

__all__ = ["LaplacePart", "Outcome", "fit_part", "rescale_outcome"]

Vector = NDArray[np.float64]

_RESPONSE, _LEARNER = "response__", "learner__"
_WEAK = 2.5
"""Scale of the prior where the likelihood has no maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A response that isn't normal, and the groups of its rows.

    Attributes
    ----------
    y : (n,) array
        Counts, or 0 and 1.
    weights : (n,) array, or None
        Prior weights, which multiply the log-density.
    family
        Its distribution and link.
    text
        Random terms.
    columns
        Those of the random terms.
    kind
        Library in which tables of effects come back.
    """

    y: Vector
    weights: Vector | None
    family: ResponseFamily
    text: str
    columns: Mapping[str, Column]
    kind: FrameKind


@dataclass(frozen=True, slots=True, eq=False)
class LaplacePart:
    """A random part at the maximum of Laplace's approximation, the learner as offset.

    Attributes
    ----------
    fit
        The generalized linear mixed model.
    outcome, offset
        What it was fitted to.
    """

    fit: GlmmFit
    outcome: Outcome
    offset: Vector

    def __reduce__(self) -> tuple[Any, ...]:
        # The core's arrays aren't copied: the same fit is made again.
        return fit_part, (self.outcome, self.offset)

    @property
    def design(self) -> Design:
        """Its rows and random terms."""
        return self.fit.design

    @property
    def sigma(self) -> float:
        """One: counts and classes have no residual standard deviation."""
        return 1.0

    @property
    def loglik(self) -> float:
        """Marginal log-likelihood given the learner."""
        return self.fit.loglik

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations, on the scale of the linear predictor."""
        return self.fit.varcorr

    @property
    def fitted(self) -> Vector:
        """Z b for every row (n,)."""
        return self.fit.linear_predictor - self.offset

    @property
    def dispersion(self) -> float:
        """Linear predictor of the dispersion; 0 where the family has none."""
        found = self.fit.eta.get("dispersion")
        return 0.0 if found is None else float(found[0])

    def outlook_fitted(self, *, new: bool) -> Outlook:
        """Predict the rows fitted, as of known groups or as of new ones."""
        columns = dict(self.outcome.columns)
        if new:
            gone = np.full(len(self.outcome.y), -1, dtype=np.int32)
            nobody = np.array([""], dtype=object)
            for effects in self.design.random:
                for name in effects.term.factors:
                    missing = np.ones(len(gone), dtype=bool)
                    columns[name] = Column(name, "text", codes=gone, levels=nobody, missing=missing)
        return self.outlook(_as_table(columns, len(self.outcome.y), "dict"))

    @property
    def leverages(self) -> Vector:
        """Not there: intervals of counts aren't made of residuals.

        Raises
        ------
        NotAvailableError
            Always.
        """
        raise NotAvailableError("leverages are for normal responses.")

    def values(self) -> tuple[Vector, ...]:
        """Return the effects (J, k) of every term."""
        return self.fit.predictor("mean").solution.effects(self.design)

    def effects(self, factor: str | None = None) -> Any:
        """Tabulate effects and their conditional standard deviations."""
        return self.fit.ranef(factor, cond_sd=True)

    def outlook(
        self, table: Table, random: Wanted = "all", new_levels: NewLevels = "population"
    ) -> Outlook:
        """Predict new rows from a table with the columns of the random terms."""
        columns = {name: table.column(name) for name in self.outcome.columns if name in table}
        learner = {_LEARNER: read_column(_LEARNER, np.zeros(table.n))}
        whole = _as_table({**columns, **learner}, table.n, "dict")
        found = self.fit.predict(whole, type="link", random=random, new_levels=new_levels, se=True)
        terms = find_terms(self.design.random, random)
        rows = replay(self.design.spec, whole, random=terms)
        new = np.zeros(rows.n, dtype=bool)
        for effects in rows.effects:
            new |= effects.codes < 0
        return Outlook(np.asarray(found["estimate"]), np.asarray(found["std_error"]) ** 2, new)


def _as_table(columns: Mapping[str, Column], n: int, kind: FrameKind) -> Table:
    return Table(n, tuple(columns), kind, columns.__getitem__)


def fit_part(outcome: Outcome, offset: Vector) -> LaplacePart:
    """Estimate the random part given the learner's linear predictor.

    Parameters
    ----------
    outcome
        Response and groups.
    offset : (n,) array
        The learner's linear predictor.

    Raises
    ------
    DataError
        If the response can't be of the family, or labels are missing.
    ModelError
        If the random part can't be identified.
    """
    return LaplacePart(_fit(outcome, f"0 + offset({_LEARNER})", offset), outcome, offset)


def _fit(outcome: Outcome, fixed: str, learner: Vector, penalty: float | None = None) -> GlmmFit:
    own = {
        _RESPONSE: read_column(_RESPONSE, outcome.y),
        _LEARNER: read_column(_LEARNER, learner),
    }
    formula = f"{_RESPONSE} ~ {fixed}" + (f" + {outcome.text}" if outcome.text else "")
    whole = _as_table({**outcome.columns, **own}, len(outcome.y), outcome.kind)
    return glmm(formula, whole, family=outcome.family, weights=outcome.weights, penalty=penalty)


def rescale_outcome(outcome: Outcome, learner: Vector) -> tuple[float, float]:
    """Return intercept and slope of the linear predictor on that of the learner.

    Parameters
    ----------
    outcome
        Response and groups.
    learner : (n,) array
        Linear predictors of rows that the learner hasn't seen.
    """
    if np.ptp(learner) <= 1e-10 * np.abs(learner).max():
        return 0.0, 1.0
    intercept, slope = _line(outcome, learner).fixef.values
    return (float(intercept), float(slope)) if slope > 0 else (0.0, 1.0)


def _line(outcome: Outcome, learner: Vector) -> GlmmFit:
    """Fit the line; with a weak prior where the learner tells the classes apart for certain."""
    fixed = f"1 + {_LEARNER}"
    try:
        return _fit(outcome, fixed, learner)
    except ModelError:
        return _fit(outcome, fixed, learner, penalty=_WEAK)
