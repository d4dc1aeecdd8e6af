"""Put the columns of all terms together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from partialpool.design.factors import CodedFactor
from partialpool.design.terms import ScopedTerm

__all__ = ["ModelMatrix", "make_matrix", "matrix_names"]

Factors = Mapping[str, CodedFactor]


@dataclass(frozen=True, slots=True, eq=False)
class ModelMatrix:
    """Columns of a sum of terms.

    Attributes
    ----------
    values : (n, p) array
        C-contiguous.
    columns
        Their names.
    terms
        The scoped term that each column belongs to.
    """

    values: NDArray[np.float64]
    columns: tuple[str, ...]
    terms: tuple[ScopedTerm, ...]


def make_matrix(scoped: tuple[ScopedTerm, ...], factors: Factors, n: int) -> ModelMatrix:
    """Make the columns of scoped terms, the first factor of an interaction varying fastest."""
    names, owners = matrix_names(scoped, factors)
    values = np.empty((n, len(names)))
    for j, column in enumerate(_columns(scoped, factors)):
        values[:, j] = column
    return ModelMatrix(values, names, owners)


def matrix_names(
    scoped: tuple[ScopedTerm, ...], factors: Factors
) -> tuple[tuple[str, ...], tuple[ScopedTerm, ...]]:
    """Return the name of each column, and the term it comes from."""
    names, owners = [], []
    for term in scoped:
        made = [factors[factor.text].fields(factor.reduced) for factor in term]
        for pick in product(*reversed(made)):
            names.append(":".join(reversed(pick)) or "Intercept")
            owners.append(term)
    return tuple(names), tuple(owners)


def _columns(
    scoped: tuple[ScopedTerm, ...], factors: Factors
) -> Iterator[NDArray[np.float64] | float]:
    for term in scoped:
        made = [factors[factor.text].columns(factor.reduced) for factor in term]
        for pick in product(*reversed(made)):
            yield _multiply(pick[::-1])


def _multiply(columns: tuple[NDArray[np.float64], ...]) -> NDArray[np.float64] | float:
    if not columns:
        return 1.0
    result = columns[0]
    for column in columns[1:]:
        result = result * column
    return result
