"""A formula's design as rows of a penalised model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.shrinkage.columns import independent_columns
from partialpool.shrinkage.fitting import LossKind
from partialpool.shrinkage.labels import Grouping
from partialpool.shrinkage.losses import Loss, RootMeanSquare, Squares, TwoClasses
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.resampling import Drawn
from partialpool.shrinkage.rows import Rows, make_term
from partialpool.shrinkage.settings import level_weights

__all__ = ["Asked", "DesignProblem", "groupings", "make_problem"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a user asked for beside formula and data.

    Attributes
    ----------
    loss
        What the linear predictor is compared by.
    penalty
        What each norm costs.
    level_weights
        ``"size"``, ``"equal"`` or a mapping.
    penalize_intercept
        Whether ``main_l2`` counts the intercept.
    """

    loss: LossKind
    penalty: Penalty
    level_weights: Any = "size"
    penalize_intercept: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class DesignProblem:
    """The problem of a design.

    Attributes
    ----------
    problem
        Rows with weight, and the loss.
    kept : (p',) array of int
        Columns of the design's X that the others don't determine.
    """

    problem: Problem
    kept: NDArray[np.intp]


def make_problem(design: Design, asked: Asked, drawn: Drawn | None = None) -> DesignProblem:
    """Lay a design out.

    Parameters
    ----------
    design
        Response, columns and random terms; of two classes the response is 0 and 1.
    asked
        What was asked for.
    drawn
        Rows with weight to use, and their groups; all by default.
    """
    weights = design.row_weights
    used = np.flatnonzero(weights > 0) if drawn is None else drawn.rows
    everything = len(used) == len(weights) and drawn is None
    pick = slice(None) if everything else used
    own = weights[pick]
    X = design.X[pick]
    intercept = np.array([name == "Intercept" for name in design.columns], dtype=bool)
    main = ~intercept | asked.penalize_intercept
    penalised = np.where(main, asked.penalty.main_l2, 0.0)
    kept = independent_columns(X, own, penalised)
    X = np.ascontiguousarray(X[:, kept])
    groups = groupings(design, pick) if drawn is None else drawn.groups
    omegas = _omegas(design, asked, groups, own)
    terms = tuple(
        make_term(g.codes, len(g.levels), e.basis[pick], _shared(design, e, kept), omega)
        for e, g, omega in zip(design.random, groups, omegas, strict=True)
    )
    alike = len({e.columns for e in design.random}) <= 1
    offset = None if design.offset is None else design.offset[pick]
    loss = _loss(asked.loss, design.y[pick], own / own.sum(), offset)
    return DesignProblem(Problem(Rows(X, terms), loss, main[kept], alike), kept)


def groupings(design: Design, pick: Any) -> tuple[Grouping, ...]:
    """Grouping factor of each random term, on some of the rows."""
    return tuple(
        Grouping(e.factor.name, e.factor.levels, e.factor.codes[pick]) for e in design.random
    )


def _omegas(
    design: Design, asked: Asked, groups: Sequence[Grouping], weights: Vector
) -> tuple[Vector, ...]:
    # By size they sum to one over levels and columns, of all terms.
    widths = [len(e.columns) for e in design.random]
    omegas = level_weights(asked.level_weights, groups, 1, weights, "level_weights")
    if not (isinstance(asked.level_weights, str) and asked.level_weights == "size"):
        return omegas
    total = sum(float(o.sum()) * k for o, k in zip(omegas, widths, strict=True))
    return tuple(o / total for o in omegas)


def _shared(design: Design, effects: RandomEffects, kept: NDArray[np.intp]) -> list[int] | None:
    """Which kept columns of X the term's are, where they all are."""
    position = {design.columns[c]: i for i, c in enumerate(kept)}
    if any(name not in position for name in effects.columns):
        return None
    places = [position[name] for name in effects.columns]
    same = all(
        np.array_equal(design.X[:, kept[i]], effects.basis[:, c]) for c, i in enumerate(places)
    )
    return places if same else None


def _loss(kind: LossKind, y: Vector, a: Vector, offset: Vector | None) -> Loss:
    if kind == "logistic":
        return TwoClasses(y, a, 0.0 if offset is None else offset)
    rest = y if offset is None else y - offset
    return RootMeanSquare(rest, a) if kind == "rms" else Squares(rest, a)
