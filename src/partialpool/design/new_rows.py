"""New rows in the columns of a fitted design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.values import freeze

__all__ = ["NewEffects", "NewRows"]


@dataclass(frozen=True, slots=True, eq=False)
class NewEffects:
    """One random term on new rows.

    Attributes
    ----------
    codes : (m,) array of int32
        Position of each row's level among those fitted; -1 for a new level, and where the
        label is missing.
    basis : (m, k) array
        Values of its columns, NaN where a covariate is missing.
    labels : (m,) array
        The rows' labels, for messages; None where missing.
    """

    codes: NDArray[np.int32]
    basis: NDArray[np.float64]
    labels: NDArray[Any]

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, eq=False)
class NewRows:
    """New rows in the columns of a fitted design.

    Attributes
    ----------
    n
        Number of rows.
    X : (m, p) array
        Fixed effects, NaN where a covariate is missing.
    offset : (m,) array, or None
        Sum of all offsets.
    effects
        One for each random term asked for.
    """

    n: int
    X: NDArray[np.float64]
    offset: NDArray[np.float64] | None
    effects: tuple[NewEffects, ...]

    def __post_init__(self) -> None:
        freeze(self)
