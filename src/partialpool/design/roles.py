"""What the parts of a formula and the columns they use are for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from partialpool.design.evaluation import columns_of
from partialpool.design.terms import Term, read_terms
from partialpool.formula import Formula

__all__ = ["Roles", "join_roles", "read_roles"]

_T = TypeVar("_T")
_FACTOR = re.compile(r"(C|factor|as_factor)\(")


@dataclass(frozen=True, slots=True)
class Roles:
    """A formula taken apart.

    Attributes
    ----------
    fixed
        Terms of the fixed effects.
    bases
        Terms of each random term's columns.
    predictors
        Columns of the fixed effects, of the bases and of the offsets.
    covariates
        Those of them that can fail to apply: a response and a group are there for every row.
    factors
        Columns of each grouping factor, without repetition.
    made_factors
        Columns that the formula makes factors of.
    """

    fixed: tuple[Term, ...]
    bases: tuple[tuple[Term, ...], ...]
    predictors: tuple[str, ...]
    covariates: tuple[str, ...]
    factors: tuple[tuple[str, ...], ...]
    made_factors: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Every factor of every term, once."""
        parts = (self.fixed, *self.bases)
        return tuple(dict.fromkeys(text for terms in parts for term in terms for text in term))


def read_roles(formula: Formula) -> Roles:
    """Take a formula apart.

    Examples
    --------
    >>> from partialpool.formula import parse
    >>> roles = read_roles(parse("y ~ factor(week) + log(x) + (x | g)"))
    >>> roles.predictors, roles.factors, roles.made_factors
    (('week', 'x'), (('g',),), ('week',))
    """
    fixed = read_terms(formula.fixed)
    bases = tuple(read_terms(term.basis) for term in formula.random)
    used: dict[str, tuple[str, ...]] = {
        text: columns_of(text)
        for text in (
            *(text for terms in (fixed, *bases) for term in terms for text in term),
            *formula.offsets,
        )
    }
    predictors = tuple(dict.fromkeys(name for names in used.values() for name in names))
    always = {name for term in formula.random for name in term.factors}
    always.update(columns_of(formula.response))
    return Roles(
        fixed=fixed,
        bases=bases,
        predictors=predictors,
        covariates=tuple(name for name in predictors if name not in always),
        factors=tuple(dict.fromkeys(term.factors for term in formula.random)),
        made_factors=tuple(
            names[0] for text, names in used.items() if _FACTOR.match(text) and len(names) == 1
        ),
    )


def join_roles(parts: Iterable[Roles]) -> Roles:
    """Join what the columns of several linear predictors are for.

    What one of them needs in every row applies everywhere for all.
    """
    parts = tuple(parts)
    always = {
        name
        for part in parts
        for name in (
            *(column for columns in part.factors for column in columns),
            *(set(part.predictors) - set(part.covariates)),
        )
    }
    return Roles(
        fixed=_once(term for part in parts for term in part.fixed),
        bases=_once(basis for part in parts for basis in part.bases),
        predictors=_once(name for part in parts for name in part.predictors),
        covariates=_once(n for part in parts for n in part.covariates if n not in always),
        factors=_once(columns for part in parts for columns in part.factors),
        made_factors=_once(name for part in parts for name in part.made_factors),
    )


def _once(items: Iterable[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(items))
