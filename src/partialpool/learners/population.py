"""Two learners: one for groups that are known, and one for groups that aren't.

A learner in turn with random effects serves two masters. Whatever differs between groups, the
effects of known groups can say without the learner, who does best to see rows with all of that
taken away; a group that isn't known has no effect, and features that differ between groups are
all there is to tell it by. Which predictions are best is decided by rows, and by groups, that
were held out.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.learners.alternate import Alternated, Rows, Step, Stopping, alternate, record
from partialpool.learners.learning import Averaged, Folds, cross_fit
from partialpool.learners.part import RandomPart
from partialpool.learners.scale import rescale
from partialpool.learners.variance import VarianceStep
from partialpool.solve import Likelihood, solve

__all__ = [
    "Population",
    "coarsest",
    "group_error",
    "learn_known",
    "learn_population",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A learner for groups that aren't known.

    Attributes
    ----------
    model
        The mean of those of the folds, each fitted to the other groups.
    across : (n,) array
        Predictions of each row by learners that haven't seen its group.
    part
        The random part of what these leave over: of a group, given its features.
    scale
        Intercept and slope that put predictions on the scale of the response.
    history
        Every iteration.
    best
        Position of the last one in the mean.
    converged
        Whether the error in held-out groups had stopped falling.
    """

    model: Any
    across: Vector
    part: RandomPart
    scale: tuple[float, float]
    history: tuple[Step, ...]
    best: int
    converged: bool


def coarsest(design: Design) -> NDArray[np.int32]:
    """Return each row's level of the grouping factor with the fewest levels (n,)."""
    factor = min((effects.factor for effects in design.random), key=lambda f: len(f.levels))
    return factor.codes


def learn_known(
    estimator: Any, rows: Rows, design: Design, step: VarianceStep, stopping: Stopping
) -> Alternated:
    """Fit the learner for known groups: in turn with the random part.

    It begins with the effects of the mixed model without features, which leave the learner no
    difference between groups. To begin with the effects of what the population's learner
    leaves over costs as much again and was worse even in groups of two rows.

    Parameters
    ----------
    estimator
        Any regressor; copies of it are fitted.
    rows
        What it is fitted to, with folds of rows.
    design
        Random terms, with the response.
    step
        The variance step.
    stopping
        When to stop.
    """
    crossed = dataclasses.replace(rows, refit=False)
    return alternate(estimator, crossed, step, stopping, start=_effects_alone(design))


def _effects_alone(design: Design) -> Vector:
    """Return Z b of the mixed model with no features but the random terms' own columns (n,)."""
    columns = [np.ones(len(design.y))]
    for effects in design.random:
        for column in effects.basis.T:
            if not any(np.array_equal(column, other) for other in columns):
                columns.append(np.asarray(column))
    names = tuple(f"z{i}" for i in range(len(columns)))
    whole = dataclasses.replace(design, X=np.column_stack(columns), columns=names)
    solution = solve(whole, Likelihood(reml=False))
    total = np.zeros(len(design.y))
    for effects, b in zip(design.random, solution.effects(whole), strict=True):
        total += np.einsum("ij,ij->i", effects.basis, b[effects.factor.codes])
    return total


def learn_population(
    estimator: Any,
    rows: Rows,
    design: Design,
    step: VarianceStep,
    stopping: Stopping,
    groups: Folds,
    *,
    scaled: bool,
) -> Population:
    """Fit the learner for other groups: in turn with effects of groups that it hasn't seen.

    It is the mean of the iterations' learners, those of the folds, for as long as the error in
    held-out groups falls: early stopping, since each iteration leaves less of what differs
    between groups to the learner.

    Parameters
    ----------
    estimator
        Any regressor; copies of it are fitted.
    rows
        What it is fitted to.
    design
        Random terms, with the response.
    step
        The variance step.
    stopping
        When to stop; ``tol`` is the share by which the error has to fall.
    groups
        Folds of whole groups.
    scaled
        Whether it may be put on the scale of the response.
    """
    codes = coarsest(design)
    part: RandomPart | None = None
    models: list[Any] = []
    sums, across = np.zeros(len(rows.y)), [np.zeros(len(rows.y))]
    history: list[Step] = []
    errors: list[float] = []
    settled = False
    while len(history) < stopping.max_iter and not settled:
        target = rows.y if part is None else rows.y - part.fitted
        held_out, fitted = cross_fit(estimator, rows.X, target, rows.weights, groups)
        models.extend(fitted)
        part = step(rows.y - held_out, part)
        history.append(record(part))
        sums = sums + held_out
        across.append(sums / len(history))
        errors.append(group_error(rows.y - across[-1], codes, rows.weights))
        settled = _has_settled(errors, stopping.tol)
    best = int(np.argmin(errors))
    scale, honest = _put_to_scale(design, across[best + 1], codes, scaled)
    last = step(rows.y - honest, part)
    model = Averaged(tuple(models[: (best + 1) * len(groups)]))
    return Population(model, honest, last, scale, tuple(history), best, settled)


def _has_settled(errors: list[float], tol: float | None) -> bool:
    return tol is not None and len(errors) > 1 and errors[-1] >= (1.0 - tol) * errors[-2]


def _put_to_scale(
    design: Design, across: Vector, codes: NDArray[np.int32], scaled: bool
) -> tuple[tuple[float, float], Vector]:
    """Put predictions on the scale of the response, where that is better in held-out groups."""
    if scaled:
        found = rescale(design, across)
        left, kept = design.y - found.held_out, design.y - across
        if group_error(left, codes, design.weights) < group_error(kept, codes, design.weights):
            return (found.intercept, found.slope), found.held_out
    return (0.0, 1.0), across


def group_error(residuals: Vector, codes: NDArray[np.int32], weights: Vector | None) -> float:
    """Mean squared error of groups, every group weighing the same."""
    w = np.ones(len(residuals)) if weights is None else weights
    sums, sizes = np.bincount(codes, w * residuals**2), np.bincount(codes, w)
    return float(np.mean(sums[sizes > 0] / sizes[sizes > 0]))
