"""Rows drawn again for a bootstrap: whole groups, or rows within them.

References
----------
Davison & Hinkley (1997), Bootstrap Methods and their Application, section 3.8.
Owen (2007), The Annals of Applied Statistics 1(2), 386-411.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.shrinkage.labels import Grouping

__all__ = ["Drawn", "draw_groups", "draw_rows"]

Rows = NDArray[np.intp]
Codes = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Rows drawn, and the groups that they are in.

    Attributes
    ----------
    rows : (m,) array of int
        Positions of the rows, with repetitions.
    groups
        Their grouping factors: every level has rows, and one drawn twice is there twice.
    """

    rows: Rows
    groups: tuple[Grouping, ...]


def draw_groups(groups: Sequence[Grouping], n: int, rng: np.random.Generator) -> Drawn:
    """Draw whole groups with replacement; one drawn twice counts as two.

    Levels nested in another factor's come with them. Crossed factors are drawn independently,
    and a row comes as often as its levels do together. Rows of no group are drawn one by one.

    Parameters
    ----------
    groups
        Grouping factors; those of one name are one factor.
    n
        Number of rows.
    rng
        Source of the draws.

    Examples
    --------
    >>> shop = Grouping("shop", np.array(["a", "b"]), np.array([0, 0, 1], dtype=np.int32))
    >>> drawn = draw_groups([shop], 3, np.random.default_rng(1))
    >>> drawn.groups[0].levels.tolist(), drawn.rows.tolist()
    (['a', 'b'], [0, 1, 2])
    """
    rows: Rows = rng.integers(0, n, size=n) if not groups else np.arange(n)
    factors = {g.name: g for g in groups}
    made: dict[str, Codes] = {}
    for own in sorted(factors.values(), key=lambda g: len(g.levels)):
        outer = [made[name] for name in made if _nested(own.codes, factors[name].codes)]
        if outer:
            made[own.name] = _together([*outer, own.codes[rows]])
            continue
        at, copies = _draw_levels(own.codes[rows], rng)
        rows = rows[at]
        made = {name: codes[at] for name, codes in made.items()} | {own.name: copies}
    if not len(rows):
        raise ModelError("no row has the levels drawn of all grouping factors.")
    return Drawn(rows, tuple(_named(g, rows, _together([made[g.name]])) for g in groups))


def draw_rows(groups: Sequence[Grouping], n: int, rng: np.random.Generator) -> Drawn:
    """Draw rows with replacement within each level of the first factor.

    Parameters
    ----------
    groups
        Grouping factors.
    n
        Number of rows.
    rng
        Source of the draws.

    Examples
    --------
    >>> shop = Grouping("shop", np.array(["a", "b"]), np.array([0, 0, 1], dtype=np.int32))
    >>> draw_rows([shop], 3, np.random.default_rng(1)).groups[0].codes.tolist()
    [0, 0, 1]
    """
    codes = groups[0].codes if groups else np.zeros(n, dtype=np.int32)
    order = np.argsort(codes, kind="stable")
    _, starts, own, sizes = np.unique(
        codes[order], return_index=True, return_inverse=True, return_counts=True
    )
    rows = order[starts[own] + np.floor(rng.random(n) * sizes[own]).astype(np.intp)]
    return Drawn(rows, tuple(_named(g, rows, _together([g.codes[rows]])) for g in groups))


def _draw_levels(codes: Codes, rng: np.random.Generator) -> tuple[Rows, Codes]:
    """Positions of the rows of the levels drawn, and which draw each belongs to."""
    order = np.argsort(codes, kind="stable")
    loose = int((codes < 0).sum())
    _, starts, sizes = np.unique(codes[order][loose:], return_index=True, return_counts=True)
    drawn = rng.integers(0, len(starts), size=len(starts)) if len(starts) else starts
    copies = np.repeat(np.arange(len(drawn)), sizes[drawn])
    first = np.concatenate([[0], np.cumsum(sizes[drawn])[:-1]])[: len(drawn)]
    inside = np.arange(len(copies)) - np.repeat(first, sizes[drawn])
    at = order[loose + np.repeat(starts[drawn], sizes[drawn]) + inside]
    alone = order[rng.integers(0, loose, size=loose)] if loose else order[:0]
    none = np.full(loose, -1)
    return np.concatenate([at, alone]), np.concatenate([copies, none]).astype(np.int32)


def _nested(inner: Codes, outer: Codes) -> bool:
    known = inner >= 0
    pairs = np.unique(np.column_stack([inner, outer])[known], axis=0)
    return len(pairs) == len(np.unique(inner[known]))


def _together(codes: Sequence[Codes]) -> Codes:
    """Number what several codes make together; -1 where the last is."""
    known = codes[-1] >= 0
    out = np.full(len(known), -1, dtype=np.int32)
    _, inverse = np.unique(np.column_stack(codes)[known], axis=0, return_inverse=True)
    out[known] = inverse.ravel()
    return out


def _named(group: Grouping, rows: Rows, codes: Codes) -> Grouping:
    """Give the levels drawn the labels that they have among all."""
    own = group.codes[rows]
    levels = np.zeros(codes.max(initial=-1) + 1, dtype=np.intp)
    levels[codes[codes >= 0]] = own[codes >= 0]
    return Grouping(group.name, group.levels[levels], codes)
