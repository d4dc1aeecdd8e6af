"""Which columns, and which levels' effects, a mask leaves without a row that identifies them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from partialpool.design.factors import CodedFactor
from partialpool.design.matrix import ModelMatrix, make_matrix
from partialpool.design.terms import ScopedTerm
from partialpool.design.values import GroupingFactor

__all__ = ["applicable_levels", "never_applies", "term_mask"]

Factors = Mapping[str, CodedFactor]


def term_mask(term: ScopedTerm, factors: Factors) -> NDArray[np.bool_] | None:
    """Return the rows where all of a term's covariates apply, or None for every row."""
    masks = [factors[factor.text].applies for factor in term]
    found = [mask for mask in masks if mask is not None]
    if not found:
        return None
    joint: NDArray[np.bool_] = np.logical_and.reduce(found)
    return joint


def _cofactor(matrix: ModelMatrix, i: int, factors: Factors) -> NDArray[np.bool_]:
    """Return the rows where what a column multiplies a masked covariate with is not zero.

    ``group[a]`` of ``group[a]:x`` where x doesn't apply everywhere.
    """
    term = matrix.terms[i]
    n = len(matrix.values)
    free = tuple(factor for factor in term if factors[factor.text].applies is None)
    # Columns of the term that differ only in a masked factor share one of the cofactor.
    sizes = [len(factors[factor.text].fields(factor.reduced)) for factor in term]
    place = i - matrix.terms.index(term)
    index = np.unravel_index(place, sizes, order="F") if sizes else ()
    kept = [int(at) for at, factor in zip(index, term, strict=True) if factor in free]
    free_sizes = [size for size, factor in zip(sizes, term, strict=True) if factor in free]
    if not free:
        return np.ones(n, dtype=bool)
    column = int(np.ravel_multi_index(kept, free_sizes, order="F"))
    nonzero: NDArray[np.bool_] = make_matrix((free,), factors, n).values[:, column] != 0
    return nonzero


def never_applies(matrix: ModelMatrix, factors: Factors) -> frozenset[int]:
    """Find the columns that are zero because a covariate doesn't apply where they would not be.

    A column that is zero for another reason isn't among them.
    """
    found = set()
    for i, term in enumerate(matrix.terms):
        mask = term_mask(term, factors)
        if mask is None or matrix.values[:, i].any():
            continue
        cofactor = _cofactor(matrix, i, factors)
        if cofactor.any() and not (cofactor & mask).any():
            found.add(i)
    return frozenset(found)


def applicable_levels(
    matrix: ModelMatrix, factors: Factors, group: GroupingFactor
) -> NDArray[np.bool_]:
    """Find which effects of which level exist.

    Returns
    -------
    (J, k) array of bool
        False where a column's covariate applies in no row of a level, of those rows where
        the column would be something.
    """
    J = len(group.levels)
    applicable = np.ones((J, len(matrix.columns)), dtype=bool)
    for i, term in enumerate(matrix.terms):
        mask = term_mask(term, factors)
        if mask is None:
            continue
        cofactor = _cofactor(matrix, i, factors)
        would = np.bincount(group.codes[cofactor], minlength=J) > 0
        does = np.bincount(group.codes[cofactor & mask], minlength=J) > 0
        anywhere = np.bincount(group.codes[mask], minlength=J) > 0
        applicable[:, i] = np.where(would, does, anywhere)
    return applicable
