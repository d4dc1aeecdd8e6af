"""All penalties from complete pooling down: grids, warm starts, and rules to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.shrinkage.columns import Assembled, linear_predictor
from partialpool.shrinkage.fitting import (
    Data,
    LossKind,
    make_loss,
    positions,
    read,
    to_coefficients,
)
from partialpool.shrinkage.losses import RootMeanSquare, Squares
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Solution
from partialpool.shrinkage.settings import Settings
from partialpool.shrinkage.solving import Prepared, largest_penalty, solve

__all__ = ["PenaltyPath", "fold_errors", "follow", "penalty_grid"]

Vector = NDArray[np.float64]
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True, eq=False)
class PenaltyPath:
    """Solutions along a grid of penalties.

    Attributes
    ----------
    l2 : (L,) array
        Penalties, descending.
    largest
        The smallest penalty at which all deviations are zero; infinite with squared norms.
    kappa : (L,) array
        Multipliers of ||u||^2 that give the same solutions; NaN with other norms.
    columns
        Names of the columns whose coefficients deviate.
    spread : (L, k) array
        Root mean square of each column's deviations over levels, in units of its coefficient.
    names
        Names of the shared coefficients.
    shared : (L, p) array
        Shared coefficients; of the first class where there are several.
    errors : (L, F) array or None
        Mean squared error, or log loss, of each fold left out.
    loo : (L,) array or None
        Exact leave-one-out error, with kappa and the weights of the levels held.
    reml : (L,) array or None
        REML criterion of the mixed model with the same shrinkage.
    chosen
        Penalty that each rule chooses, by its name: ``"min"`` and ``"one_se"`` of the folds,
        ``"loo"``, ``"reml"``.
    """

    l2: Vector
    largest: float
    kappa: Vector
    columns: tuple[str, ...]
    spread: Vector
    names: tuple[str, ...]
    shared: Vector
    errors: Vector | None
    loo: Vector | None
    reml: Vector | None
    chosen: dict[str, float]


def penalty_grid(prepared: Prepared, penalty: Penalty, count: int, ratio: float) -> Vector:
    """Penalties from complete pooling to a small share of it, evenly spaced in their logarithm.

    Parameters
    ----------
    prepared
        The problem.
    penalty
        Whose ``l2`` is looked for.
    count
        How many.
    ratio
        The smallest, as a share of the largest.
    """
    layout = prepared.problem.layout
    if layout.size == layout.p:
        raise ModelError(
            "there are no groups, so that there is no penalty to choose. Pass groups to fit, or "
            "use the estimator without CV."
        )
    most = largest_penalty(prepared)
    if not most > 0:
        raise ModelError(
            "the shared coefficients fit the response exactly: there is nothing to explain by "
            "groups. Look for a column that the response was computed from."
        )
    if penalty.reweight:
        # A square never holds deviations at zero: begin where they are a twentieth of their
        # typical size.
        squares = prepared.squares if isinstance(prepared.problem.loss, Squares) else None
        force = most if squares is None else 2.0 * most * float(np.sqrt(squares.rr))
        top = 10.0 * force / prepared.unit
        return np.geomspace(top, ratio * top, count)
    if penalty.squared:
        ends = [_same_kappa(prepared, share * most) for share in (0.95, ratio)]
        return np.geomspace(ends[0], ends[1], count)
    return np.geomspace(most, ratio * most, count)


def _same_kappa(prepared: Prepared, l2: float) -> float:
    """The squared penalty at which plain norms have the same solution."""
    problem = prepared.problem
    if isinstance(problem.loss, Squares):
        loss = RootMeanSquare(problem.loss.y, problem.loss.weights)
        squares = prepared.squares
        assert squares is not None
        plain = replace(problem, loss=loss)
        prepared = replace(prepared, problem=plain, squares=replace(squares, problem=plain))
        return max(solve(prepared, Penalty(l2), certify=False).kappa, 1e-10 * squares.least)
    return 0.5 * max(solve(prepared, Penalty(l2), certify=False).kappa, 1e-10 * prepared.scale)


def follow(
    prepared: Prepared,
    penalty: Penalty,
    l2: Sequence[float] | Vector,
    kappas: Sequence[float] | Vector = (),
) -> list[Solution]:
    """Solve for each penalty, beginning where the last ones point to.

    Parameters
    ----------
    prepared
        The problem.
    penalty
        Whose ``l2`` is replaced.
    l2
        The penalties.
    kappas
        Multipliers to begin with, from the same path of other rows.
    """
    out: list[Solution] = []
    for i, value in enumerate(l2):
        kappa = kappas[i] if len(kappas) else _ahead(out)
        out.append(solve(prepared, replace(penalty, l2=float(value)), kappa, certify=False))
    return out


def _ahead(solutions: Sequence[Solution]) -> float | None:
    """Go on as the last two multipliers did: penalties are evenly spaced in their logarithm."""
    last = [s.kappa for s in solutions[-2:] if np.isfinite(s.kappa) and s.kappa > 0]
    if len(last) < 2:
        return last[0] if last else None
    return float(last[1] * np.clip(last[1] / last[0], 0.05, 20.0))


def fold_errors(
    data: Data,
    kind: LossKind,
    settings: Settings,
    penalty: Penalty,
    l2: Vector,
    folds: Sequence[Fold],
    kappas: Vector,
) -> Vector:
    """Errors (L, F) of predicting the rows that were left out.

    Parameters
    ----------
    data, kind, settings, penalty
        The model.
    l2
        Penalties.
    folds
        Rows to fit and rows to predict.
    kappas
        Multipliers of the same path with all rows.
    """
    out = np.empty((len(l2), len(folds)))
    for f, (train, test) in enumerate(folds):
        inner, left = data.take(train), data.take(test)
        assembled, prepared = read(inner, kind, settings, penalty)
        found = positions(left.groups, inner.groups)
        for i, solution in enumerate(follow(prepared, penalty, l2, kappas)):
            c = to_coefficients(assembled, prepared, solution, data.outputs)
            out[i, f] = _error(kind, left, linear_predictor(left.X, found, c))
    return out


def _error(kind: LossKind, data: Data, eta: Vector) -> float:
    """Mean squared error or log loss."""
    judged: LossKind = "squared" if kind == "rms" else kind
    loss = make_loss(judged, data.y, data.weights)
    return loss.value(eta if data.outputs > 1 else eta[:, 0])


def spread_of(assembled: Assembled, prepared: Prepared, solution: Solution, m: int) -> Vector:
    """Root mean square of each column's deviations over levels (k,)."""
    c = to_coefficients(assembled, prepared, solution, m)
    each = [
        np.sqrt(np.mean(np.concatenate([s[:, None], d], axis=1) ** 2, axis=(0, 2)))
        for s, d in zip(c.intercepts, c.deviations, strict=True)
    ]
    return np.asarray(np.sqrt(np.mean(np.square(each), axis=0)))
