"""The random terms of a generalized model as the core has them, block by block."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.core import CoreForm, covariance_size
from partialpool.solve.generalized.layout import Layout
from partialpool.solve.problem import structure_code

__all__ = ["CoreTerm", "core_terms", "term_of"]


@dataclass(frozen=True, slots=True)
class CoreTerm:
    """A random term as the core has it.

    Attributes
    ----------
    part, term
        Of which predictor, and its number there.
    position
        Among the core's terms.
    code, k, first
        Its structure, number of effects and position of the first parameter.
    """

    part: str
    term: int
    position: int
    code: CoreForm
    k: int
    first: int


def core_terms(layout: Layout) -> tuple[CoreTerm, ...]:
    """List the random terms in the core's order."""
    out: list[CoreTerm] = []
    first = 0
    for block in layout.blocks:
        for a, t in block.terms:
            part = layout.parts[a]
            code, k = structure_code(part.random[t]), len(part.random[t].columns)
            out.append(CoreTerm(part.name, t, len(out), code, k, first))
            first += covariance_size(code, k)
    return tuple(out)


def term_of(layout: Layout, part: str, term: int) -> CoreTerm:
    """Find a term of a predictor among the core's."""
    return next(c for c in core_terms(layout) if (c.part, c.term) == (part, term))
