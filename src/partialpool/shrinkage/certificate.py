"""A lower bound of the objective from the dual problem, at a solution.

For any slopes g of the loss with X'g = 0 (penalised columns apart), split as Z'g = sum of parts
within the balls of the dual norms, minus the conjugate of the loss at g is such a bound.

References
----------
Boyd & Vandenberghe (2004), Convex Optimization, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from partialpool.shrinkage.classes import ClassRows
from partialpool.shrinkage.losses import RootMeanSquare
from partialpool.shrinkage.penalty import Penalty, deviation_rows
from partialpool.shrinkage.problem import Problem

__all__ = ["dual_bound"]

Vector = NDArray[np.float64]


def dual_bound(
    problem: Problem,
    penalty: Penalty,
    slope: Vector,
    parts: Mapping[str, Vector],
    cross: Vector | None = None,
) -> float:
    """Find a number below which no coefficients take the objective.

    Parameters
    ----------
    problem, penalty
        The objective.
    slope
        Derivatives of the loss in the linear predictor, at or near the solution.
    parts
        How Z'slope is shared among the norms of the deviations; what is missing goes to l2,
        or else to the norm that is there.
    cross : (p, p) array, optional
        Weighted cross-products of the shared columns, where they are at hand.
    """
    g = _without_shared(problem, penalty, slope, cross)
    pulled = problem.rows.adjoint(g)
    p = problem.layout.p
    split = _split(penalty, pulled[p:], parts)
    excess, spent = _excess(problem, penalty, split, pulled[:p][problem.main])
    loss = problem.loss
    if isinstance(loss, RootMeanSquare):
        excess = max(excess, float(np.sqrt(np.sum(g**2 / loss.weights))))
        # Any length of g up to that may be taken: the one with the largest bound.
        gain = -float(g @ loss.y)
        length = min(1.0 / excess, gain / (2.0 * spent)) if spent > 0 else 1.0 / excess
        return length * gain - length**2 * spent
    return -loss.conjugate(g / excess) - spent / excess**2


def _without_shared(
    problem: Problem, penalty: Penalty, slope: Vector, cross: Vector | None
) -> Vector:
    """Take what is left of X'slope away from the columns that nothing penalises."""
    free = ~problem.main if penalty.main_l2 else np.ones(problem.layout.p, dtype=bool)
    if not free.any():
        return slope
    rows = problem.rows
    shared = replace(problem.bare, terms=())
    weights = problem.loss.weights
    C = shared.gram(weights).C if cross is None else cross
    classes = rows.classes if isinstance(rows, ClassRows) else 1
    keep = free[::classes]
    columns = slope.reshape(len(weights), -1)
    out = columns.copy()
    for c in range(columns.shape[1]):
        for _ in range(2):
            left = shared.adjoint(np.ascontiguousarray(out[:, c]))
            w = np.zeros(len(keep))
            w[keep] = np.linalg.solve(C[np.ix_(keep, keep)], left[keep])
            out[:, c] -= weights * shared.eta(w)
    return out.reshape(slope.shape)


def _split(penalty: Penalty, pulled: Vector, parts: Mapping[str, Vector]) -> dict[str, Vector]:
    names = [name for name in ("l2", "l1", "linf") if getattr(penalty, name)]
    split = {name: parts.get(name, np.zeros_like(pulled)) for name in names}
    if names:
        rest = pulled - sum(split.values(), np.zeros_like(pulled))
        split[names[0]] = split[names[0]] + rest
    return split


def _excess(
    problem: Problem, penalty: Penalty, split: Mapping[str, Vector], main: Vector
) -> tuple[float, float]:
    """By how much the parts leave their balls (at least 1), and what squares would cost."""
    excess, spent = 1.0, 0.0
    layout = problem.layout
    for name, part in split.items():
        cost = getattr(penalty, name)
        if name == "l1":
            size = float(np.abs(part).max(initial=0.0))
        elif name == "linf":
            size = float(np.abs(part) @ problem.omega)
        elif penalty.reweight:
            theta = np.concatenate([np.zeros(layout.p), part])
            rows = deviation_rows(layout, theta, problem.shared)
            spent += sum(float(np.linalg.norm(V, 2)) ** 2 for V in rows) / (4.0 * cost)
            continue
        elif penalty.squared:
            spent += float(part @ part) / (4.0 * cost)
            continue
        else:
            size = float(np.linalg.norm(part))
        excess = max(excess, size / cost)
    if penalty.main_l2:
        size = float(np.linalg.norm(main))
        if penalty.squared:
            spent += size**2 / (4.0 * penalty.main_l2)
        else:
            excess = max(excess, size / penalty.main_l2)
    return excess, spent
