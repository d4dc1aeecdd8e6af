"""What a design is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.distances import Decay, decay_of
from partialpool.design.spec import DesignSpec
from partialpool.formula import Formula, RandomTerm

__all__ = [
    "Design",
    "GroupingFactor",
    "Mask",
    "RandomEffects",
    "RowReport",
    "freeze",
]


def freeze(value: object) -> None:
    """Make the arrays of a value object read-only."""
    for name in vars(type(value))["__slots__"]:
        array = getattr(value, name)
        if isinstance(array, np.ndarray):
            array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class GroupingFactor:
    """Assignment of n observations to J levels.

    Attributes
    ----------
    name
        Column name, ``"batch:cask"`` for an interaction.
    columns
        The columns whose joint levels these are.
    levels : (J,) array
        Distinct levels in order; numbers stay numbers. Of an interaction, texts such as
        ``"A:b"``, the first column varying slowest.
    codes : (n,) array of int32
        Position of each observation's level in ``levels``.
    """

    name: str
    columns: tuple[str, ...]
    levels: NDArray[Any]
    codes: NDArray[np.int32]

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, eq=False)
class RandomEffects:
    """One random term on the rows fitted: its group, and its columns.

    Attributes
    ----------
    term
        As the formula says it.
    factor
        Whose levels the effects belong to.
    columns
        Names of the k columns.
    basis : (n, k) array
        Their values, C-contiguous.
    applicable : (J, k) array of bool, or None
        Which effects of which level exist: False where the covariate doesn't apply in any
        row of the level. None if all do.
    not_applicable
        Columns that were left out, since they apply in no row.
    positions : (k, d) array, or None
        Where the effects stand, if correlations hang on their distances.
    """

    term: RandomTerm
    factor: GroupingFactor
    columns: tuple[str, ...]
    basis: NDArray[np.float64]
    applicable: NDArray[np.bool_] | None = None
    not_applicable: tuple[str, ...] = ()
    positions: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def decay(self) -> Decay | None:
        """The rate or range by which correlations fall with distance, if they do."""
        return None if self.positions is None else decay_of(self.term.structure, self.positions)


@dataclass(frozen=True, slots=True, eq=False)
class RowReport:
    """Which rows are used.

    Attributes
    ----------
    n_given
        Rows of the table.
    kept : (n,) array of int64, or None
        Positions of the rows used, None if all are.
    dropped
        Rows with a missing value, by column. A row can count for more than one.
    lost
        How many rows aren't used, where ``kept`` doesn't say.
    """

    n_given: int
    kept: NDArray[np.int64] | None
    dropped: dict[str, int]
    lost: int = 0

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def left_out(self) -> int:
        """How many rows aren't used."""
        return self.lost if self.kept is None else self.n_given - len(self.kept)


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Where a covariate applies.

    Attributes
    ----------
    column
        The covariate.
    applies : (n,) array of bool
        Rows, of those used, where it does.
    sentence
        What was found or asked for, for the summary.
    """

    column: str
    applies: NDArray[np.bool_]
    sentence: str

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A formula on data: arrays, ready to be fitted.

    Attributes
    ----------
    formula
        What was asked for.
    y : (n,) array
        Response.
    X : (n, p) array
        Fixed effects, C-contiguous; linearly dependent columns are still in.
    columns
        Names of its columns.
    random
        Random terms, in the order of the formula.
    weights : (n,) array, or None
        Prior weights; rows of weight zero are still in.
    offset : (n,) array, or None
        Sum of all offsets.
    rows
        Which rows of the table these are.
    not_applicable
        Fixed columns that left the model, since no row identifies them: wherever they
        would be something, a covariate of theirs doesn't apply.
    masks
        Where covariates apply that don't apply everywhere.
    spec
        All that is needed to make the same columns for new rows.
    pooled
        Whether the rows went by in batches and weren't kept: ``y``, ``X`` and the terms' columns
        are then a few rows that have the same cross-products, and there are no codes.
    """

    formula: Formula
    y: NDArray[np.float64]
    X: NDArray[np.float64]
    columns: tuple[str, ...]
    random: tuple[RandomEffects, ...]
    weights: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    rows: RowReport
    not_applicable: tuple[str, ...]
    masks: tuple[Mask, ...]
    spec: DesignSpec
    pooled: bool = False

    def __post_init__(self) -> None:
        # By name: looking through all fields takes longer than the rest of a new response.
        for array in (self.y, self.X, self.weights, self.offset):
            if array is not None:
                array.setflags(write=False)

    def with_response(self, y: NDArray[np.float64]) -> Design:
        """Return the same design with another response; the array becomes read-only."""
        # Written out: dataclasses.replace takes as long as a tenth of a small fit.
        return Design(
            self.formula,
            y,
            self.X,
            self.columns,
            self.random,
            self.weights,
            self.offset,
            self.rows,
            self.not_applicable,
            self.masks,
            self.spec,
            self.pooled,
        )

    @property
    def row_weights(self) -> NDArray[np.float64]:
        """Prior weight of every row (n,), one where none was given."""
        return np.ones(len(self.y)) if self.weights is None else self.weights
