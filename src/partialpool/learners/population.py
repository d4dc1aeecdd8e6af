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
from partialpool.learners.learning import Folds, fit_learner, out_of_fold, predict_learner
from partialpool.learners.part import RandomPart
from partialpool.learners.scale import rescale
from partialpool.learners.variance import VarianceStep
from partialpool.solve import Likelihood, solve

__all__ = [
    "Averaged",
    "Population",
    "coarsest",
    "group_error",
    "learn_known",
    "learn_population",
    "row_error",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Averaged:
    """The mean of several fitted learners.

    Attributes
    ----------
    models
        The learners.
    """

    models: tuple[Any, ...]

    def predict(self, X: Any) -> Vector:
        """Predict rows."""
        return np.asarray(np.mean([predict_learner(model, X) for model in self.models], axis=0))

    @property
    def feature_importances_(self) -> Vector:
        """Mean of the learners' own, if they have some."""
        return np.asarray(np.mean([model.feature_importances_ for model in self.models], axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """A learner for groups that aren't known.

    Attributes
    ----------
    model
        Fitted to all rows.
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
    estimator: Any,
    rows: Rows,
    design: Design,
    step: VarianceStep,
    stopping: Stopping,
    population: Population,
) -> Alternated:
    """Fit the learner for known groups: in turn with the random part, from two beginnings.

    From the effects of the mixed model without features, which leave the learner no difference
    between groups; and from the effects of what the population's learner leaves over. The first
    is better where groups are large, the second where features tell more of a group than its
    own rows do. Whichever leaves the smaller error in held-out rows is kept.

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
    population
        The learner for groups that aren't known.
    """
    starts = (_effects_alone(design), population.part.fitted)
    found = [alternate(estimator, rows, step, stopping, start=start) for start in starts]
    return min(found, key=lambda each: row_error(each.part))


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

    It is the mean of the iterations, for as long as the error in held-out groups falls: early
    stopping, since each iteration leaves less of what differs between groups to the learner.

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
        models.append(fit_learner(estimator, rows.X, target, rows.weights))
        held_out = out_of_fold(estimator, rows.X, target, rows.weights, groups)
        part = step(rows.y - held_out, part)
        history.append(record(part))
        sums = sums + held_out
        across.append(sums / len(models))
        errors.append(group_error(rows.y - across[-1], codes, rows.weights))
        settled = _has_settled(errors, stopping.tol)
    best = int(np.argmin(errors))
    scale, honest = _put_to_scale(design, across[best + 1], codes, scaled)
    last = step(rows.y - honest, part)
    return Population(_mean(models[: best + 1]), honest, last, scale, tuple(history), best, settled)


def _has_settled(errors: list[float], tol: float | None) -> bool:
    return tol is not None and len(errors) > 1 and errors[-1] >= (1.0 - tol) * errors[-2]


def _mean(models: list[Any]) -> Any:
    return models[0] if len(models) == 1 else Averaged(tuple(models))


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


def row_error(part: RandomPart) -> float:
    """Mean squared error of rows, each left out of its group's effects."""
    left = np.maximum(1.0 - part.leverages, 1e-12)
    errors = (part.design.y - part.fitted) / left
    return float(np.average(errors**2, weights=part.design.weights))
