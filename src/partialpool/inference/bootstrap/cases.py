"""Designs made of a design's groups, drawn again or left out."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, GroupingFactor, RandomEffects
from partialpool.errors import DataError, did_you_mean

__all__ = ["find_units", "resample_units", "without_unit"]

Codes = NDArray[np.int32]


def find_units(
    design: Design, resample: str | None, *, crossed: bool = False
) -> GroupingFactor | None:
    """Find the grouping factor whose levels are drawn; None for rows.

    Unless one is named it is the coarsest, in whose levels those of all others lie: only what is
    independent may be drawn. For what is only left out, to see how much hangs on it,
    ``crossed`` lets the one with the fewest levels stand where others reach over it.

    Raises
    ------
    DataError
        If no grouping factor has the name, or none is named and factors are crossed.
    """
    factors = {effects.factor.name: effects.factor for effects in design.random}
    if resample == "rows" or not factors:
        return None
    if resample is None:
        coarsest = min(factors.values(), key=lambda factor: len(factor.levels))
        over = [f.name for f in factors.values() if not _nested(f.codes, coarsest.codes)]
        if over and not crossed:
            raise DataError(
                f"levels of {over[0]!r} reach over several levels of {coarsest.name!r}, so that "
                "no groups of rows are independent. Say which to draw: "
                f"{' or '.join(f'resample={name!r}' for name in factors)}; the others stay as they "
                "are in every draw."
            )
        return coarsest
    if resample not in factors:
        raise DataError(
            f"resample={resample!r} is no grouping factor of the model; there are "
            f"{', '.join(map(repr, factors))}, and 'rows'.{did_you_mean(resample, tuple(factors))}"
        )
    return factors[resample]


def resample_units(
    design: Design, units: GroupingFactor | None, rng: np.random.Generator
) -> Design:
    """Draw groups with replacement, all rows of a group together; or single rows.

    A group that is drawn twice counts as two, and so do levels of other factors inside it.
    """
    n = len(design.y)
    if units is None:
        return _take(design, rng.integers(0, n, n), None, None)
    order = np.argsort(units.codes, kind="stable")
    ends = np.cumsum(np.bincount(units.codes, minlength=len(units.levels)))
    drawn = rng.integers(0, len(units.levels), len(units.levels))
    parts = [order[ends[j - 1] if j else 0 : ends[j]] for j in drawn]
    copies = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return _take(design, np.concatenate(parts), units, copies.astype(np.int32))


def without_unit(design: Design, units: GroupingFactor | None, unit: int) -> Design:
    """Give the rows of one group no weight."""
    weights = design.row_weights.copy()
    if units is None:
        weights[unit] = 0.0
    else:
        weights[units.codes == unit] = 0.0
    return dataclasses.replace(design, weights=weights)


def _take(
    design: Design, rows: NDArray[np.int64], units: GroupingFactor | None, copies: Codes | None
) -> Design:
    return dataclasses.replace(
        design,
        y=design.y[rows],
        X=design.X[rows],
        random=tuple(_take_effects(effects, rows, units, copies) for effects in design.random),
        weights=None if design.weights is None else design.weights[rows],
        offset=None if design.offset is None else design.offset[rows],
        masks=(),
    )


def _take_effects(
    effects: RandomEffects,
    rows: NDArray[np.int64],
    units: GroupingFactor | None,
    copies: Codes | None,
) -> RandomEffects:
    codes = effects.factor.codes
    if units is not None and copies is not None and _nested(codes, units.codes):
        # Levels inside a group are new ones in every copy of it.
        labels = copies.astype(np.int64) * len(effects.factor.levels) + codes[rows]
    else:
        labels = codes[rows].astype(np.int64)
    levels, again = np.unique(labels, return_inverse=True)
    return dataclasses.replace(
        effects,
        factor=dataclasses.replace(effects.factor, levels=levels, codes=again.astype(np.int32)),
        basis=np.ascontiguousarray(effects.basis[rows]),
        applicable=None,
    )


def _nested(inner: Codes, outer: Codes) -> bool:
    """Whether every level of the first lies in one level of the second."""
    pairs = np.unique(np.stack([inner, outer]), axis=1)
    return bool(pairs.shape[1] == len(np.unique(inner)))
