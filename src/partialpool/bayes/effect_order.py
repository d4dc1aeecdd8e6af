"""Random effects in an order that leaves those of one factor in a block for each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design

__all__ = ["EffectOrder", "effect_columns"]


@dataclass(frozen=True, slots=True, eq=False)
class EffectOrder:
    """Random effects with those of the factor with the most levels first.

    Attributes
    ----------
    first
        Terms of that factor; their effects are in order of its levels.
    rest
        The other terms; their effects are in order of the terms, then of their levels.
    J, q
        Levels of the factor, and number of its effects.
    levels
        Of every term.
    places
        Where the effects in this order are among those in the order of all terms.
    """

    first: list[int]
    rest: list[int]
    J: int
    q: int
    levels: list[int]
    places: NDArray[np.intp]

    @classmethod
    def of(cls, design: Design) -> EffectOrder:
        """Order the effects of a design."""
        if not design.random:
            return cls([], [], 0, 0, [], np.empty(0, np.intp))
        codes = [effects.factor.codes for effects in design.random]
        levels = [len(effects.factor.levels) for effects in design.random]
        most = codes[int(np.argmax(levels))]
        first = [i for i, own in enumerate(codes) if np.array_equal(own, most)]
        rest = [i for i in range(len(codes)) if i not in first]
        own = _places(design)
        together = np.concatenate([own[i] for i in first], axis=1)
        places = np.concatenate([together.ravel(), *(own[i].ravel() for i in rest)])
        return cls(first, rest, len(together), together.size, levels, places)


def _places(design: Design) -> list[NDArray[np.intp]]:
    """Columns of every term's effects among those of all (J, k)."""
    out, start = [], 0
    for effects in design.random:
        shape = (len(effects.factor.levels), len(effects.columns))
        out.append(start + np.arange(shape[0] * shape[1]).reshape(shape))
        start += shape[0] * shape[1]
    return out


def effect_columns(design: Design) -> Any:
    """Columns of all random effects, sparse: by term, level, and effect within a level."""
    from scipy import sparse

    n, blocks = len(design.y), []
    for effects, places in zip(design.random, _places(design), strict=True):
        at = places[effects.factor.codes.astype(np.intp)] - places[0, 0]
        k = len(effects.columns)
        place = (np.repeat(np.arange(n), k), at.ravel())
        blocks.append(sparse.csc_matrix((effects.basis.ravel(), place), shape=(n, places.size)))
    return sparse.hstack(blocks, format="csc") if blocks else sparse.csc_matrix((n, 0))
