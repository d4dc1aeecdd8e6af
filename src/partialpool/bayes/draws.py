"""Draws from a posterior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import free_scales
from partialpool.design import Design

__all__ = ["Draws", "PartDraws", "named_parameters"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PartDraws:
    """Draws of one linear predictor's parameters; C chains of D draws.

    Attributes
    ----------
    fixef : (C, D, p) array
        Coefficients; NaN of columns that others determine.
    sd
        Per random term (C, D, k): standard deviations of its effects.
    corr
        Per random term (C, D, k, k): their correlations.
    effects
        Per random term (C, D, J, k): the effects of every level.
    """

    fixef: Array
    sd: tuple[Array, ...]
    corr: tuple[Array, ...]
    effects: tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of all parameters.

    Attributes
    ----------
    parts
        By linear predictor.
    scales
        Single numbers by their symbols, ``"sigma"`` (C, D).
    stats
        How every draw came about (C, D): ``accept``, ``step_size``, ``energy``,
        ``log_density``, ``steps``, ``depth``, ``diverging``.
    """

    parts: Mapping[str, PartDraws]
    scales: Mapping[str, Array]
    stats: Mapping[str, Array]

    @property
    def chains(self) -> int:
        """Number of chains."""
        return int(self.parts["mean"].fixef.shape[0])

    @property
    def draws(self) -> int:
        """Draws in each chain."""
        return int(self.parts["mean"].fixef.shape[1])


def named_parameters(designs: Mapping[str, Design], draws: Draws) -> dict[str, Array]:
    """Name every parameter that isn't a random effect: (C, D) each, in reading order."""
    out: dict[str, Array] = {}
    for part, design in designs.items():
        prefix = "" if part == "mean" else f"{part}."
        own = draws.parts[part]
        for i, column in enumerate(design.columns):
            out[f"{prefix}{column}"] = own.fixef[:, :, i]
        for t in range(len(design.random)):
            out |= dict(_covariance(prefix, design, own, t))
    return out | dict(draws.scales)


def _covariance(prefix: str, design: Design, own: PartDraws, t: int) -> Iterator[tuple[str, Array]]:
    effects = design.random[t]
    group, columns = f"{prefix}{effects.factor.name}", effects.columns
    structure = effects.term.structure
    if free_scales(effects) < len(columns):
        # One standard deviation for all effects has the term's name, and so does its prior.
        yield f"sd({group}.{effects.term.source})", own.sd[t][:, :, 0]
    else:
        for c, column in enumerate(columns):
            yield f"sd({group}.{column})", own.sd[t][:, :, c]
    if structure in ("diagonal", "homdiag") or len(columns) == 1:
        return
    if structure != "unstructured":
        yield f"corr({group})", own.corr[t][:, :, 1, 0]
        return
    for r, row in enumerate(columns):
        for c, column in enumerate(columns[:r]):
            yield f"corr({group}.{column},{group}.{row})", own.corr[t][:, :, r, c]
