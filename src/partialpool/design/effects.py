"""Random terms on the rows to fit: columns, groups, and which effects exist."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.design.factors import CodedFactor
from partialpool.design.matrix import ModelMatrix
from partialpool.design.support import applicable_levels, never_applies
from partialpool.design.values import GroupingFactor, RandomEffects
from partialpool.errors import ModelError
from partialpool.formula import RandomTerm
from partialpool.formula.structures import BY_LAG, SERIAL

__all__ = ["make_effects"]


def make_effects(
    term: RandomTerm,
    factor: GroupingFactor,
    matrix: ModelMatrix,
    factors: Mapping[str, CodedFactor],
) -> RandomEffects:
    """Put a random term together.

    Parameters
    ----------
    term, factor
        The term and its grouping factor.
    matrix
        All columns of its basis.
    factors
        What they are made of.

    Raises
    ------
    ModelError
        If a column is zero everywhere, none applies anywhere, or a structure over times has a
        number.
    """
    gone = never_applies(matrix, factors)
    left = [i for i in range(len(matrix.columns)) if i not in gone]
    columns = tuple(matrix.columns[i] for i in left)
    if not columns:
        raise ModelError(
            f"no covariate of the random term {term.source} applies in any row. Remove the term."
        )
    basis = matrix.values if not gone else np.ascontiguousarray(matrix.values[:, left])
    _refuse_zero(term, columns, basis)
    _refuse_numbers_as_times(term, matrix, factors)
    applicable = applicable_levels(matrix, factors, factor)[:, left]
    return RandomEffects(
        term,
        factor,
        columns,
        basis.view(),
        None if applicable.all() else np.ascontiguousarray(applicable),
        tuple(matrix.columns[i] for i in sorted(gone)),
    )


def _refuse_numbers_as_times(
    term: RandomTerm, matrix: ModelMatrix, factors: Mapping[str, CodedFactor]
) -> None:
    # A number would be one slope, correlated with nothing.
    texts = [factor.text for parts in matrix.terms for factor in parts]
    ordered = term.structure in SERIAL | BY_LAG
    if ordered and all(factors[t].spec.kind != "categorical" for t in texts):
        name = term.structure
        raise ModelError(
            f"{texts[0]!r} in {term.source} is a number, and {name}() takes a factor of time "
            f"points. Write {name}(0 + factor({texts[0]}) | {term.group})."
        )


def _refuse_zero(term: RandomTerm, columns: tuple[str, ...], basis: NDArray[np.float64]) -> None:
    # Few columns are zero in the first row: look there before looking everywhere.
    for i in np.flatnonzero(basis[0] == 0):
        if not basis[:, i].any():
            raise ModelError(
                f"the random slope {columns[i]!r} of {term.source} is zero in every row, so that "
                "its variance can't be estimated. Remove it from the term."
            )
