"""What else of a linear predictor is constant in the levels of a random term.

The data know the sum of a level's effect, of the coefficients of columns that are constant in
the level, and of the effects of coarser levels that it lies in; priors tell these parts from
each other. Gelfand, Sahu & Carlin (1995), Biometrika 82, 479-488.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from numpy.typing import NDArray

from partialpool.design import RandomEffects

__all__ = ["Place", "inside_levels", "places"]

Array = NDArray[np.float64]
_SAME = 1e-9


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["loads", "codes"],
    meta_fields=["levels", "columns", "parents", "names"],
)
@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a term's levels lie.

    Attributes
    ----------
    levels
        Their number J.
    columns
        For every column of the term the fixed columns that are multiples of it in each level.
    loads
        Those multiples, (J, m) for each column of the term.
    parents
        Terms of coarser levels in which these levels lie.
    codes
        Of every parent the level (J,) in which each level lies.
    names
        Of every parent pairs of columns of the same name, the term's and the parent's.
    """

    levels: int
    columns: tuple[tuple[int, ...], ...]
    loads: tuple[Array, ...]
    parents: tuple[int, ...]
    codes: tuple[NDArray[np.intp], ...]
    names: tuple[tuple[tuple[int, int], ...], ...]


def places(X: Array, terms: tuple[RandomEffects, ...]) -> list[Place]:
    """Find the place of every term.

    A column goes to the term of the fewest levels in which it is constant.
    """
    order = sorted(range(len(terms)), key=lambda t: len(terms[t].factor.levels))
    free = set(range(X.shape[1]))
    loads: dict[int, list[dict[int, Array]]] = {}
    for t in order:
        loads[t] = _loads(X, terms[t], free)
    _to_home(X, terms, loads, free)
    above: dict[int, set[int]] = {}
    found: dict[int, Place] = {}
    for position, t in enumerate(order):
        parents = _parents(terms, order[:position], t, above)
        J = len(terms[t].factor.levels)
        found[t] = Place(
            J,
            tuple(tuple(columns) for columns in loads[t]),
            tuple(_stack(columns, J) for columns in loads[t]),
            tuple(parents),
            tuple(codes for codes, _ in parents.values()),
            tuple(names for _, names in parents.values()),
        )
    return [found[t] for t in range(len(terms))]


def _parents(
    terms: tuple[RandomEffects, ...], coarser: list[int], t: int, above: dict[int, set[int]]
) -> dict[int, tuple[NDArray[np.intp], tuple[tuple[int, int], ...]]]:
    """Find the terms whose levels hold those of a term, the finest first."""
    out = {}
    above[t] = set()
    for s in reversed(coarser):
        inside, names = inside_levels(terms[t], terms[s]), _same_names(terms[t], terms[s])
        # Its sums hold what stands above it.
        lineage = above[s] | {s}
        if inside is not None and names and not lineage & above[t]:
            out[s] = (inside, names)
            above[t] |= lineage
    return out


def _to_home(
    X: Array,
    terms: tuple[RandomEffects, ...],
    loads: dict[int, list[dict[int, Array]]],
    free: set[int],
) -> None:
    """Measure columns from their means, which go to the effects that have the intercept.

    Else an intercept far from the data, and the effects sampled with it, is as correlated with
    the other coefficients as it is far. Of columns that are constant in levels of other terms
    that is their mean, and of those that are constant in none the means of the levels.
    """
    constant = [c for c in range(X.shape[1]) if np.ptp(X[:, c]) == 0.0 and X[0, c] != 0.0]
    # Columns of terms that are the same in all rows, with that number.
    level = [
        (t, i, float(z[0]))
        for t, e in enumerate(terms)
        for i, z in enumerate(e.basis.T)
        if np.ptp(z) == 0.0
    ]
    home = [place for place in level if constant and constant[0] in loads[place[0]][place[1]]]
    if not home:
        return
    t, i, unit = home[0]
    owner, codes, J = loads[t][i], terms[t].factor.codes, len(terms[t].factor.levels)
    for c in free:
        owner[c] = np.bincount(codes, X[:, c], J) / (
            unit * np.maximum(np.bincount(codes, minlength=J), 1)
        )
    for t, i, own in level:
        if loads[t][i] is not owner:
            for c in loads[t][i]:
                mean = X[:, c].mean()
                loads[t][i][c] = loads[t][i][c] - mean / own
                owner[c] = np.full(J, mean / unit)


def _stack(columns: dict[int, Array], levels: int) -> Array:
    return np.stack(list(columns.values()), axis=1) if columns else np.zeros((levels, 0))


def _loads(X: Array, term: RandomEffects, free: set[int]) -> list[dict[int, Array]]:
    """Multiples of the term's columns that fixed columns are; these are free no longer."""
    codes, J = term.factor.codes, len(term.factor.levels)
    out: list[dict[int, Array]] = []
    for z in term.basis.T:
        size = np.bincount(codes, z * z, J)
        size[size == 0.0] = 1.0
        own: dict[int, Array] = {}
        for c in sorted(free):
            load = np.bincount(codes, X[:, c] * z, J) / size
            if np.abs(X[:, c] - load[codes] * z).max() <= _SAME * np.abs(X[:, c]).max():
                own[c] = load
        free -= set(own)
        out.append(own)
    return out


def inside_levels(term: RandomEffects, other: RandomEffects) -> NDArray[np.intp] | None:
    """Return the level of the other term in which each level lies (J,), if all do."""
    into = np.zeros(len(term.factor.levels), dtype=np.intp)
    into[term.factor.codes] = other.factor.codes
    return into if (into[term.factor.codes] == other.factor.codes).all() else None


def _same_names(term: RandomEffects, other: RandomEffects) -> tuple[tuple[int, int], ...]:
    return tuple(
        (i, other.columns.index(c)) for i, c in enumerate(term.columns) if c in other.columns
    )
