"""Linear predictors on the rows to predict, and what is left over of the random effects."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, NewEffects, NewRows, replay_parts, unknown_level
from partialpool.generalized.estimates import LinearPredictor, RowEffects
from partialpool.inference.determined import blank_undetermined
from partialpool.inference.fitted import linear_part
from partialpool.inference.rows import RandomPart, find_terms, refuse_new_levels

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["NewTable", "PredictorRows", "predictor_rows"]

_WHAT = MappingProxyType(
    {
        "mean": "fixed part",
        "dispersion": "dispersion's fixed part",
        "zero_inflation": "zero inflation's fixed part",
    }
)
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class NewTable:
    """New rows, as :func:`partialpool.design.replay_parts` takes them."""

    data: Any
    inapplicable: Literal["error", "ignore"] = "error"
    offset: Any = None
    applicable: Any = None


@dataclass(frozen=True, slots=True, eq=False)
class PredictorRows:
    """One linear predictor on the rows to predict.

    Attributes
    ----------
    predictor
        Its design and estimates.
    rows
        Columns, offset and random terms: level -1 where none is known.
    terms
        Which of the design's random terms these are.
    """

    predictor: LinearPredictor
    rows: NewRows
    terms: tuple[int, ...]

    @property
    def effects(self) -> dict[int, NewEffects]:
        """The random terms by their positions in the design."""
        return dict(zip(self.terms, self.rows.effects, strict=True))

    def eta(self) -> Vector:
        """X beta + offset + Z b of the levels that are known (m,)."""
        predictor = self.predictor
        eta = linear_part(self.rows.X, predictor.fixef.values, self.rows.offset)
        if not self.terms:
            return eta
        b = predictor.solution.effects(predictor.design)
        for i, new in self.effects.items():
            known = np.where(new.codes[:, None] < 0, 0.0, b[i][new.codes])
            eta = eta + np.einsum("ij,ij->i", new.basis, known)
        return eta

    def unknown_variance(self) -> Vector:
        """Variance z'Sigma z of the effects of levels that aren't known (m,)."""
        total = np.zeros(self.rows.n)
        for i, new in self.effects.items():
            unknown = new.codes < 0
            z = new.basis[unknown] @ self.predictor.solution.factor(i)
            total[unknown] += np.einsum("ij,ij->i", z, z)
        return total

    def row_effects(self) -> RowEffects:
        """Every term of the design, with level -1 where it takes no part."""
        effects, n = self.effects, self.rows.n
        nobody = np.full(n, -1, dtype=np.int32)
        return tuple(
            (effects[i].codes, effects[i].basis)
            if i in effects
            else (nobody, np.zeros((n, len(own.columns))))
            for i, own in enumerate(self.predictor.design.random)
        )


def predictor_rows(
    fit: GlmmFit,
    parts: Collection[str],
    table: NewTable | None,
    random: RandomPart,
    population: bool,
    averaged: bool,
) -> dict[str, PredictorRows]:
    """Make the rows of the linear predictors that are asked for and have a formula.

    Parameters
    ----------
    fit
        A fitted model.
    parts
        Names of the linear predictors.
    table
        New rows; None for those fitted.
    random
        Random terms to use, of all predictors.
    population
        Whether a new level counts as the population; else it is refused.
    averaged
        Whether the other terms come along, as those of levels that nobody knows.

    Raises
    ------
    DataError
        If columns are missing or of another type, or a level is new.
    """
    known = _by_predictor(fit, random)
    predictors = [p for p in fit.predictors if p.name in parts]
    known = {p.name: known[p.name] for p in predictors}
    if table is None or not predictors:
        made = {p.name: _fitted(p.design, known[p.name], averaged) for p in predictors}
    else:
        made = replay_parts(
            {p.name: p.design.spec for p in predictors},
            table.data,
            random=known,
            averaged=averaged,
            offset=table.offset,
            inapplicable=table.inapplicable,
            applicable=table.applicable,
        )
    out = {}
    for p in predictors:
        terms = range(len(p.design.random)) if averaged else known[p.name]
        rows = made[p.name]
        if table is not None:
            rows = replace(rows, X=blank_undetermined(p, rows.X, _WHAT[p.name], stacklevel=3))
        out[p.name] = PredictorRows(p, rows, tuple(terms))
        if not population:
            effects = out[p.name].effects
            refuse_new_levels(p.design, {i: effects[i] for i in known[p.name]})
    return out


def _by_predictor(fit: GlmmFit, random: RandomPart) -> dict[str, list[int]]:
    """Find the terms that are named, a name meaning those of all predictors."""
    terms = [effects for p in fit.predictors for effects in p.design.random]
    chosen = set(find_terms(terms, random))
    out, first = {}, 0
    for p in fit.predictors:
        count = len(p.design.random)
        out[p.name] = [i for i in range(count) if first + i in chosen]
        first += count
    return out


def _fitted(design: Design, known: Collection[int], averaged: bool) -> NewRows:
    terms = range(len(design.random)) if averaged else known
    return NewRows(
        n=len(design.y),
        X=design.X,
        offset=design.offset,
        effects=tuple(
            NewEffects(e.factor.codes, e.basis, e.factor.codes)
            if i in known
            else unknown_level(e.basis)
            for i, e in ((i, design.random[i]) for i in terms)
        ),
    )
