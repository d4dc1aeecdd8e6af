"""Choose the penalty on a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError
from partialpool.shrinkage.columns import Assembled
from partialpool.shrinkage.fitting import Data, Fitted, LossKind, read, to_coefficients
from partialpool.shrinkage.path import PenaltyPath, fold_errors, follow, penalty_grid, spread_of
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Solution
from partialpool.shrinkage.ridge import LeastSquares
from partialpool.shrinkage.rules import best_by_reml, leave_one_out, matching_l2, reml_criterion
from partialpool.shrinkage.settings import Settings
from partialpool.shrinkage.solving import Prepared, largest_penalty, solve

__all__ = ["Chosen", "Tuning", "tune"]

Vector = NDArray[np.float64]
Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

# Leverages of all rows at one penalty that are made without being asked for.
_CHEAP = 300_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Tuning:
    """How to choose.

    Attributes
    ----------
    l2s
        Number of penalties, or the penalties.
    cv
        ``"loo"``, ``"reml"``, or anything that makes folds.
    rule
        ``"min"`` or ``"one_se"``.
    ratio
        The smallest penalty, as a share of the largest.
    names
        Names of the columns of X.
    """

    l2s: int | Sequence[float]
    cv: Any
    rule: str
    ratio: float
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The penalty chosen, and the fit with it."""

    l2: float
    fitted: Fitted


def tune(
    data: Data,
    kind: LossKind,
    settings: Settings,
    penalty: Penalty,
    tuning: Tuning,
    folds: Sequence[Fold],
) -> tuple[Chosen, PenaltyPath]:
    """Follow the path and choose a penalty on it.

    Parameters
    ----------
    data, kind, settings, penalty
        The model; the penalty's ``l2`` is replaced.
    tuning
        How to choose.
    folds
        Rows to fit and rows to predict.

    Raises
    ------
    ModelError
        If there are no groups, or the rule doesn't go with the model.
    """
    if tuning.rule not in ("min", "one_se"):
        raise DataError(f"rule must be 'min' or 'one_se', found {tuning.rule!r}.")
    assembled, prepared = read(data, kind, settings, penalty)
    l2 = _grid(prepared, penalty, tuning)
    solutions = follow(prepared, penalty, l2)
    kappas = np.array([s.kappa for s in solutions])
    errors = None
    if len(folds):
        errors = fold_errors(data, kind, settings, penalty, l2, folds, kappas)
    ls = prepared.squares if penalty.ridge and not penalty.reweight else None
    if ls is None and isinstance(tuning.cv, str) and tuning.cv in ("loo", "reml"):
        raise ModelError(
            f"cv={tuning.cv!r} needs a regression penalised by l2 alone, where the fitted values "
            "are linear in the response. Use folds: cv=5."
        )
    loo = _leave_one_out(ls, solutions, tuning) if ls else None
    reml = _reml(ls, solutions) if ls else None
    chosen = _choose(l2, errors, loo, ls, penalty)
    path = _path(data, assembled, prepared, l2, solutions, tuning.names)
    path = replace(path, errors=errors, loo=loo, reml=reml, chosen=chosen)
    own = tuning.cv if isinstance(tuning.cv, str) and tuning.cv in chosen else tuning.rule
    best = chosen[own]
    near = solutions[int(np.argmin(np.abs(np.log(l2 / best))))].kappa
    solution = solve(prepared, replace(penalty, l2=best), near)
    return Chosen(best, Fitted(assembled, prepared, solution, data.outputs)), path


def _grid(prepared: Prepared, penalty: Penalty, tuning: Tuning) -> Vector:
    if isinstance(tuning.l2s, (int, np.integer)):
        return penalty_grid(prepared, penalty, int(tuning.l2s), tuning.ratio)
    l2 = np.sort(np.asarray(tuning.l2s, dtype=np.float64))[::-1]
    if not len(l2) or not np.isfinite(l2).all() or l2[-1] <= 0:
        raise DataError(f"l2s must be positive numbers, found {list(tuning.l2s)!r}.")
    return l2


def _leave_one_out(ls: LeastSquares, solutions: list[Solution], tuning: Tuning) -> Vector | None:
    layout = ls.gram.layout
    work = len(ls.problem.loss.weights) * max([layout.p, *(k for _, k in layout.shapes)]) ** 2
    wide = sum(q * k for q, k in layout.shapes) - max(q * k for q, k in layout.shapes)
    asked = isinstance(tuning.cv, str) and tuning.cv == "loo"
    if not asked and (work > _CHEAP or wide > 500):
        return None
    return np.array([leave_one_out(ls, ls.at(_finite(s, ls))) for s in solutions])


def _reml(ls: LeastSquares, solutions: list[Solution]) -> Vector:
    return np.array([reml_criterion(ls, ls.at(_finite(s, ls))) for s in solutions])


def _finite(solution: Solution, ls: LeastSquares) -> float:
    """A multiplier for every solution: very large for no deviations, very small for no residual."""
    return float(np.clip(solution.kappa, 1e-10 * ls.least, 1e8 * ls.scale))


def _choose(
    l2: Vector,
    errors: Vector | None,
    loo: Vector | None,
    ls: LeastSquares | None,
    penalty: Penalty,
) -> dict[str, float]:
    chosen = {}
    if errors is not None:
        mean = errors.mean(axis=1)
        # Of equals the largest penalty: new groups of balanced data don't see the deviations.
        best = int(np.flatnonzero(mean <= mean.min() * (1 + 1e-9))[0])
        spread = errors[best].std(ddof=1) / np.sqrt(errors.shape[1])
        chosen["min"] = float(l2[best])
        chosen["one_se"] = float(l2[np.flatnonzero(mean <= mean[best] + spread)[0]])
    if loo is not None:
        chosen["loo"] = float(l2[int(np.argmin(loo))])
    if ls is not None:
        point = ls.at(best_by_reml(ls))
        chosen["reml"] = matching_l2(ls.problem, point, penalty.squared)
    return chosen


def _path(
    data: Data,
    assembled: Assembled,
    prepared: Prepared,
    l2: Vector,
    solutions: list[Solution],
    names: tuple[str, ...],
) -> PenaltyPath:
    each = [to_coefficients(assembled, prepared, s, data.outputs) for s in solutions]
    spread = [spread_of(assembled, prepared, s, data.outputs) for s in solutions]
    shared = [np.concatenate([c.intercept[:1], c.coef[0]]) for c in each]
    plain = not prepared.main and np.isfinite([s.kappa for s in solutions]).any()
    return PenaltyPath(
        l2=l2,
        largest=largest_penalty(prepared) if plain and solutions[0].kind != "interior" else np.inf,
        kappa=np.array([s.kappa for s in solutions]),
        columns=("Intercept", *(names[i] for i in each[0].columns)),
        spread=np.array(spread),
        names=("Intercept", *names),
        shared=np.array(shared),
        errors=None,
        loo=None,
        reml=None,
        chosen={},
    )
