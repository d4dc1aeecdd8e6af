"""Refuse random terms that say the same thing twice."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from partialpool.design.values import GroupingFactor, RandomEffects
from partialpool.errors import ModelError

__all__ = ["refuse_duplicates"]

Matrix = NDArray[np.float64]

# Sine of an angle between subspaces that rounding alone can produce.
_SAME = 1e-9


def refuse_duplicates(random: tuple[RandomEffects, ...]) -> None:
    """Refuse two terms whose variances can't be told apart.

    They can't if their groups are the same partition of the rows and their columns share a
    direction: any split of its variance between the two gives the same model.

    Raises
    ------
    ModelError
        Naming both terms and what they share.
    """
    for first, second in combinations(random, 2):
        if not same_partition(first.factor, second.factor):
            continue
        shared = _shared(first, second)
        if shared:
            raise ModelError(
                f"the random terms {first.term.source} on {first.factor.name!r} and "
                f"{second.term.source} on {second.factor.name!r} both hold {shared} for the same "
                "groups of rows, so that their variances can't be told apart. Remove it from one."
            )


def same_partition(first: GroupingFactor, second: GroupingFactor) -> bool:
    """Return whether two factors put the same rows together."""
    if first.codes is second.codes or first is second:
        return True
    if len(first.levels) != len(second.levels):
        return False
    partner = np.empty(len(first.levels), dtype=np.int32)
    partner[first.codes] = second.codes
    return bool(np.array_equal(partner[first.codes], second.codes))


def _shared(first: RandomEffects, second: RandomEffects) -> str | None:
    """Name a direction that both terms give a variance of their own."""
    free = [effects.term.structure == "unstructured" for effects in (first, second)]
    single = [effects.term.structure == "diagonal" for effects in (first, second)]
    A, B = first.basis, second.basis
    if all(free):
        return _name(first, second) if _overlap(A, B) else None
    if free[0] and single[1]:
        return _first_inside(A, second)
    if single[0] and free[1]:
        return _first_inside(B, first)
    if all(single):
        return next(
            (found for i in range(A.shape[1]) if (found := _first_inside(A[:, [i]], second))), None
        )
    # The other structures tie their columns together: only the same term twice is the same.
    same = first.term.structure == second.term.structure and first.columns == second.columns
    return _name(first, second) if same else None


def _name(first: RandomEffects, second: RandomEffects) -> str:
    common = [column for column in first.columns if column in second.columns]
    return ", ".join(map(repr, common)) if common else "columns with a common direction"


def _first_inside(span: Matrix, effects: RandomEffects) -> str | None:
    for i, column in enumerate(effects.columns):
        if _overlap(span, effects.basis[:, [i]]):
            return repr(column)
    return None


def _overlap(A: Matrix, B: Matrix) -> bool:
    """Return whether the spans of two sets of columns share a direction."""
    scaled = [M / np.sqrt(np.einsum("ij,ij->j", M, M)) for M in (A, B)]
    joint = np.block([[P.T @ Q for Q in scaled] for P in scaled])
    # The Gram matrix shows at little cost that they don't; near 1e-8 it can no longer tell.
    if np.linalg.eigvalsh(joint)[0] > 1e-6:
        return False
    Qa, Qb = (np.linalg.qr(M).Q for M in scaled)
    sines = np.linalg.svd(Qb - Qa @ (Qa.T @ Qb), compute_uv=False)
    return bool(sines[-1] < _SAME)
