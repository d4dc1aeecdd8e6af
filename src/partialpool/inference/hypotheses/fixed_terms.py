"""The terms of the fixed part: their columns, and which contain which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec
from partialpool.design.contrasts import coding_matrix
from partialpool.design.terms import ScopedTerm, Term, factor_name, read_terms

__all__ = ["FixedTerm", "fixed_terms", "treatment_effects"]


@dataclass(frozen=True, slots=True, eq=False)
class FixedTerm:
    """One term of a formula's fixed part.

    Attributes
    ----------
    name
        As written, ``"Days:sex"``.
    factors
        Expressions that are multiplied.
    categorical, numeric
        Which of them have levels, and which are numbers.
    columns : (c,) array of int
        Positions of its columns in the fixed-effects matrix.
    """

    name: str
    factors: frozenset[str]
    categorical: frozenset[str]
    numeric: frozenset[str]
    columns: NDArray[np.int64]

    def contains(self, other: FixedTerm) -> bool:
        """Whether another term is a margin of this one: same numbers, fewer factors."""
        return self.numeric == other.numeric and other.categorical < self.categorical

    def is_relative_of(self, other: FixedTerm) -> bool:
        """Whether this is an interaction of the other with anything."""
        return other.factors < self.factors


def fixed_terms(spec: DesignSpec) -> tuple[FixedTerm, ...]:
    """List the terms that have columns, the intercept left out."""
    written = [term for term in read_terms(spec.formula.fixed) if term]
    places: dict[Term, list[int]] = {term: [] for term in written}
    for column, scoped in enumerate(_owners(spec)):
        if scoped:
            places[_term_of(scoped, written)].append(column)
    return tuple(_describe(term, columns, spec) for term, columns in places.items() if columns)


def _owners(spec: DesignSpec) -> list[ScopedTerm]:
    """The scoped term of every column that is in the model."""
    owners = [term for term in spec.fixed.terms for _ in range(width(term, spec))]
    return owners if spec.fixed.kept is None else [owners[i] for i in spec.fixed.kept]


def width(term: ScopedTerm, spec: DesignSpec) -> int:
    """Return the number of columns that a scoped term makes."""
    size = 1
    for text, reduced in term:
        factor = spec.factors[text]
        if factor.kind == "categorical":
            size *= coding_matrix(factor.contrast, factor.labels, reduced).values.shape[1]
        else:
            size *= factor.width
    return size


def _term_of(scoped: ScopedTerm, written: list[Term]) -> Term:
    """The term of the formula that a scoped one is, or is a margin of."""
    texts = {factor.text for factor in scoped}
    for term in written:
        if set(term) == texts:
            return term
    return next(term for term in written if texts <= set(term))


def _describe(term: Term, columns: list[int], spec: DesignSpec) -> FixedTerm:
    categorical = frozenset(t for t in term if spec.factors[t].kind == "categorical")
    return FixedTerm(
        ":".join(map(factor_name, term)),
        frozenset(term),
        categorical,
        frozenset(term) - categorical,
        np.array(columns, dtype=np.int64),
    )


def treatment_effects(term: FixedTerm, spec: DesignSpec) -> NDArray[np.float64]:
    """What differences from the first levels are of a term's coefficients, coded by contrasts."""
    scoped = next((s for s in spec.fixed.terms if {f.text for f in s} == term.factors), ())
    out = np.ones((1, 1))
    for text, reduced in scoped:
        factor = spec.factors[text]
        own = np.eye(factor.width)
        if factor.kind == "categorical":
            coding = coding_matrix(factor.contrast, factor.labels, reduced).values
            own = coding[1:] - coding[0] if reduced else np.eye(len(factor.labels))
        out = np.asarray(np.kron(own, out), np.float64)
    return out
