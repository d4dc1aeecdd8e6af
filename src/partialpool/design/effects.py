"""Random terms on the rows to fit: columns, groups, and which effects exist."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.design.factors import CodedFactor
from partialpool.design.matrix import ModelMatrix
from partialpool.design.positions import find_positions, place_rows
from partialpool.design.support import applicable_levels, never_applies
from partialpool.design.values import GroupingFactor, RandomEffects
from partialpool.errors import ModelError, PartialPoolWarning
from partialpool.formula import RandomTerm
from partialpool.formula.structures import BY_DISTANCE, BY_LAG, SERIAL

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
    if term.structure in BY_DISTANCE:
        return _at_positions(term, factor, matrix, factors)
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


def _at_positions(
    term: RandomTerm,
    factor: GroupingFactor,
    matrix: ModelMatrix,
    factors: Mapping[str, CodedFactor],
) -> RandomEffects:
    columns, positions = find_positions(term, matrix, factors)
    basis, _ = place_rows(matrix.values, positions)
    return RandomEffects(term, factor, columns, basis, positions=np.array(positions))


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
    if ordered:
        _warn_of_gaps(term, factors[texts[0]].spec.labels)


def _warn_of_gaps(term: RandomTerm, labels: tuple[str, ...]) -> None:
    # Neighbouring levels are a step apart, however far their numbers are.
    try:
        steps = np.diff([float(label) for label in labels])
    except ValueError:
        return
    if len(steps) and not np.allclose(steps, steps[0]):
        warnings.warn(
            f"the times of {term.source} are not equally far apart ({', '.join(labels[:6])}"
            f"{', ...' if len(labels) > 6 else ''}), and {term.structure}() takes each for one "
            f"step after the last. By their distances they count in ou(0 + t | {term.group}), "
            "with t a column of numbers.",
            PartialPoolWarning,
            stacklevel=2,
        )


def _refuse_zero(term: RandomTerm, columns: tuple[str, ...], basis: NDArray[np.float64]) -> None:
    # Few columns are zero in the first row: look there before looking everywhere.
    for i in np.flatnonzero(basis[0] == 0):
        if not basis[:, i].any():
            raise ModelError(
                f"the random slope {columns[i]!r} of {term.source} is zero in every row, so that "
                "its variance can't be estimated. Remove it from the term."
            )
