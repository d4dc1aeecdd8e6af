"""Linear predictors laid out as the core wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.core import CoreForm, codes, matrix, vector
from partialpool.design import RandomEffects
from partialpool.solve.problem import structure_code

__all__ = ["EffectBlock", "Layout", "Part", "lay_out"]

Vector = NDArray[np.float64]
CorePart = tuple[int, Vector, int, bool]
CoreEffects = tuple[NDArray[np.int32], int, list[tuple[Vector, CoreForm, int]]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One linear predictor: offset + X beta + Z b.

    Attributes
    ----------
    name
        ``"mean"``, ``"dispersion"``, ``"shape"``, ``"zero_inflation"`` or ``"thresholds"``.
    X : (n, p) array
        Columns.
    offset : (n,) array, or None
        Known part.
    columns
        Names of the columns.
    random
        Random terms.
    """

    name: str
    X: Vector
    offset: Vector | None
    columns: tuple[str, ...]
    random: tuple[RandomEffects, ...]


@dataclass(frozen=True, slots=True)
class EffectBlock:
    """The random terms of one grouping factor, over all parts.

    Attributes
    ----------
    factor
        Name of the grouping factor.
    q
        Its number of levels.
    terms
        ``(position of the part, position of the term in it)``, in the core's order.
    """

    factor: str
    q: int
    terms: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the core reads of the rows, but for the response.

    Attributes
    ----------
    parts
        The linear predictors.
    blocks
        Random terms by grouping factor, the largest first.
    kept : (m,) array, or None
        Rows that count, None for all: those without weight are left out.
    """

    parts: tuple[Part, ...]
    blocks: tuple[EffectBlock, ...]
    kept: NDArray[np.intp] | None

    def rows(self, values: NDArray[Any]) -> NDArray[Any]:
        """Pick the rows that count."""
        return values if self.kept is None else values[self.kept]

    def core_parts(self, thresholds: tuple[Vector, Vector] | None) -> list[CorePart]:
        """Columns of every predictor; an ordinal model's thresholds share coefficients."""
        if thresholds is None:
            return [(a, matrix(self.rows(p.X)), a, False) for a, p in enumerate(self.parts)]
        upper, lower = thresholds
        mean = (0, matrix(self.rows(self.parts[0].X)), 0, False)
        return [mean, (1, matrix(upper), 1, True), (2, matrix(lower), 1, True)]

    def core_offsets(self, predictors: int) -> list[Vector | None]:
        """Offset of every predictor."""
        given = [p.offset for p in self.parts[:predictors]]
        given += [None] * (predictors - len(given))
        return [None if offset is None else vector(self.rows(offset)) for offset in given]

    def core_effects(self) -> list[CoreEffects]:
        """Levels and columns of every block."""
        out: list[CoreEffects] = []
        for block in self.blocks:
            effects = [(a, self.parts[a].random[t]) for a, t in block.terms]
            out.append(
                (
                    codes(self.rows(effects[0][1].factor.codes)),
                    block.q,
                    [(matrix(self.rows(e.basis)), structure_code(e), a) for a, e in effects],
                )
            )
        return out

    def positions(self, part: str) -> list[tuple[int, int, slice]]:
        """Of every term of a part: its block, its position in the core, its columns there."""
        index = [p.name for p in self.parts].index(part)
        found: dict[int, tuple[int, int, slice]] = {}
        position = 0
        for b, block in enumerate(self.blocks):
            start = 0
            for a, t in block.terms:
                stop = start + len(self.parts[a].random[t].columns)
                if a == index:
                    found[t] = (b, position, slice(start, stop))
                start = stop
                position += 1
        return [found[t] for t in range(len(found))]

    def new_effects(
        self, effects: Mapping[str, Sequence[tuple[NDArray[np.int32], Vector]]], m: int
    ) -> list[CoreEffects]:
        """Levels and columns of new rows; the effects of parts that aren't given take no part."""
        out: list[CoreEffects] = []
        for block in self.blocks:
            levels = np.full(m, -1, dtype=np.int32)
            terms = []
            for a, t in block.terms:
                own = self.parts[a].random[t]
                basis = np.zeros((m, len(own.columns)))
                if self.parts[a].name in effects:
                    given, basis = effects[self.parts[a].name][t]
                    basis = np.where(given[:, None] < 0, 0.0, basis)
                    levels = np.maximum(levels, given)
                terms.append((matrix(basis), structure_code(own), a))
            out.append((codes(levels), block.q, terms))
        return out


def lay_out(parts: tuple[Part, ...], weights: Vector | None) -> Layout:
    """Gather the parts' random terms by grouping factor, the largest factor first.

    Parameters
    ----------
    parts
        Linear predictors of the same rows.
    weights : (n,) array, or None
        Prior weights.
    """
    by_factor: dict[str, list[tuple[int, int]]] = {}
    for a, part in enumerate(parts):
        for t, effects in enumerate(part.random):
            by_factor.setdefault(effects.factor.name, []).append((a, t))
    blocks = [
        EffectBlock(name, len(parts[terms[0][0]].random[terms[0][1]].factor.levels), tuple(terms))
        for name, terms in by_factor.items()
    ]
    blocks.sort(key=lambda b: b.q * _width(parts, b), reverse=True)
    kept = None
    if weights is not None and not (weights > 0).all():
        kept = np.flatnonzero(weights > 0)
    return Layout(parts, tuple(blocks), kept)


def _width(parts: tuple[Part, ...], block: EffectBlock) -> int:
    return sum(len(parts[a].random[t].columns) for a, t in block.terms)
