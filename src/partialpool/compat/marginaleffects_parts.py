"""The linear predictors of a fit, seen as marginaleffects needs them: coefficients by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.generalized import GlmmFit
from partialpool.linear import LmmFit

__all__ = ["MixedFit", "PartCoefficients", "Scale", "designs_of", "parts_of"]

Array = NDArray[np.float64]
Scale = Literal["response", "link"]
MixedFit: TypeAlias = LmmFit | GlmmFit


@dataclass(frozen=True, slots=True, eq=False)
class PartCoefficients:
    """The estimates of one linear predictor.

    Attributes
    ----------
    name
        Of the part: ``"mean"``, ``"dispersion"``, ...
    design
        None where it is a constant.
    names, coefficients
        Of the coefficients that were estimated, (r,).
    finite : (p,) array of bool
        Which these are among all.
    moves
        Whether what is predicted depends on them.
    """

    name: str
    design: Design | None
    names: tuple[str, ...]
    coefficients: Array
    finite: NDArray[np.bool_]
    moves: bool

    @property
    def kept(self) -> NDArray[np.intp]:
        """Positions of the estimated coefficients."""
        return np.flatnonzero(self.finite)


def designs_of(fit: MixedFit) -> Mapping[str, Design]:
    """Return the designs of all linear predictors that have a formula, by part."""
    return {"mean": fit.design} if isinstance(fit, LmmFit) else fit.designs


def parts_of(fit: MixedFit, scale: Scale) -> tuple[PartCoefficients, ...]:
    """List the linear predictors with coefficients, as they take part on a scale."""
    designs = designs_of(fit)
    if isinstance(fit, LmmFit):
        estimates = {"mean": fit.fixef}
    else:
        estimates = {part: fit.fixef_of(part) for part in fit.parts}
    moving = {"mean"}
    if isinstance(fit, GlmmFit) and scale == "response":
        moving = set(fit.family.mean_parts(fit.solution.zero))
    parts = []
    for part, fixef in estimates.items():
        finite = np.isfinite(fixef.values)
        prefix = "" if part == "mean" else f"{part}."
        names = tuple(f"{prefix}{n}" for n, ok in zip(fixef.names, finite, strict=True) if ok)
        known = fixef.values[finite]
        parts.append(
            PartCoefficients(part, designs.get(part), names, known, finite, part in moving)
        )
    return tuple(parts)
