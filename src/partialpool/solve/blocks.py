"""Random terms that share a grouping factor, gathered into blocks."""

from __future__ import annotations

from dataclasses import dataclass

from partialpool.design import Design, RandomEffects

__all__ = ["Block", "arrange"]


@dataclass(frozen=True, slots=True)
class Block:
    """The random terms of one grouping factor.

    Attributes
    ----------
    terms
        Positions of the terms in ``design.random``.
    first
        Position of the first of them among the core's terms, which stand block by block.
    """

    terms: tuple[int, ...]
    first: int

    def factor_of(self, design: Design) -> RandomEffects:
        """Return one of its terms, for the grouping factor they share."""
        return design.random[self.terms[0]]


def arrange(random: tuple[RandomEffects, ...]) -> tuple[Block, ...]:
    """Gather terms by grouping factor, the factor with the most random effects first.

    The first is eliminated level by level, so it should be the largest.
    """
    by_factor: dict[str, list[int]] = {}
    for i, effects in enumerate(random):
        by_factor.setdefault(effects.factor.name, []).append(i)

    def size(terms: list[int]) -> int:
        return len(random[terms[0]].factor.levels) * sum(len(random[i].columns) for i in terms)

    blocks = []
    first = 0
    for terms in sorted(by_factor.values(), key=size, reverse=True):
        blocks.append(Block(tuple(terms), first))
        first += len(terms)
    return tuple(blocks)
