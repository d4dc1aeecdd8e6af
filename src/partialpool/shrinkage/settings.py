"""What a user asks for, beside the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.shrinkage.labels import Grouping

__all__ = ["Settings", "level_weights"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Form of the model.

    Attributes
    ----------
    weights
        ``"size"``, ``"equal"``, or a mapping of weights by level.
    fit_intercept, penalize_intercept
        Whether there is an intercept, and whether ``main_l2`` counts it.
    standardize
        Whether columns are centred and scaled before they are penalised.
    deviations
        ``"all"``, ``"intercept"``, or positions of the columns that deviate by level.
    """

    weights: Any = "size"
    fit_intercept: bool = True
    penalize_intercept: bool = False
    standardize: bool = False
    deviations: Literal["all", "intercept"] | Sequence[int] = "all"


def level_weights(
    weights: Any,
    groups: Sequence[Grouping],
    columns: int,
    rows: Vector,
    argument: str = "weights",
) -> tuple[Vector, ...]:
    """Weights omega of the deviations of each factor's levels.

    Parameters
    ----------
    weights
        ``"size"``: (1 / n_g) / sum_h (1 / n_h) / columns over the levels of all factors, which
        sum to one over levels and columns; ``"equal"``: 1; or a mapping from level to weight,
        for several factors a mapping from their names to such mappings.
    groups
        The factors.
    columns
        Number of columns that deviate.
    rows : (n,) array
        Weights of the rows: n_g is their sum.
    argument
        What messages call the weights.

    Raises
    ------
    DataError
        If a level has no weight, or one that isn't positive.
    """
    if isinstance(weights, str) and weights == "equal":
        return tuple(np.ones(len(g.levels)) for g in groups)
    if isinstance(weights, str) and weights == "size":
        sizes = [_sizes(g, rows) for g in groups]
        total = sum(float((1.0 / s).sum()) for s in sizes) * columns
        return tuple(1.0 / s / total for s in sizes)
    if not isinstance(weights, Mapping):
        raise DataError(
            f"{argument} must be 'size', 'equal' or a mapping from level to weight, found "
            f"{weights!r}."
        )
    own = (
        {groups[0].name: weights} if len(groups) == 1 and groups[0].name not in weights else weights
    )
    return tuple(_given(g, own, argument) for g in groups)


def _sizes(group: Grouping, rows: Vector) -> Vector:
    known = group.codes >= 0
    sizes = np.bincount(group.codes[known], weights=rows[known], minlength=len(group.levels))
    return sizes.astype(np.float64)


def _given(group: Grouping, weights: Mapping[Any, Any], argument: str) -> Vector:
    by_level = weights.get(group.name)
    if not isinstance(by_level, Mapping):
        raise DataError(
            f"{argument} have no mapping for the grouping factor {group.name!r}. Pass "
            "{factor: {level: weight}} with every factor and level."
        )
    out = np.empty(len(group.levels))
    for j, level in enumerate(group.levels.tolist()):
        if level not in by_level:
            raise DataError(
                f"{argument} have no entry for level {level!r} of {group.name!r}. Give each "
                "level a positive weight."
            )
        out[j] = by_level[level]
    if not (np.isfinite(out).all() and (out > 0).all()):
        raise DataError(
            f"{argument} of {group.name!r} must be positive numbers, found {out.min():g}. A large "
            "weight holds a level's deviations near zero."
        )
    return out
