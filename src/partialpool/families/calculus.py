"""Which terms a product and a function of a function have when they are differentiated."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, product

__all__ = ["Multi", "multis", "partitions", "splits"]

Multi = tuple[int, ...]
"""The variables of a partial derivative, in ascending order."""


@cache
def multis(d: int, order: int) -> tuple[Multi, ...]:
    """List the partial derivatives of one order in the core's packed order.

    Examples
    --------
    >>> multis(2, 2)
    ((0, 0), (0, 1), (1, 1))
    """
    found = combinations_with_replacement(range(d), order)
    return tuple(sorted(found, key=lambda multi: multi[::-1]))


@cache
def splits(multi: Multi) -> tuple[tuple[Multi, Multi], ...]:
    """List the ways to give each variable to one of two factors (product rule)."""
    pairs = []
    for left in product((True, False), repeat=len(multi)):
        chosen = tuple(v for v, is_left in zip(multi, left, strict=True) if is_left)
        rest = tuple(v for v, is_left in zip(multi, left, strict=True) if not is_left)
        pairs.append((chosen, rest))
    return tuple(pairs)


@cache
def partitions(multi: Multi) -> tuple[tuple[Multi, ...], ...]:
    """List the ways to part the variables into blocks (Faa di Bruno's chain rule)."""
    if len(multi) == 1:
        return ((multi,),)
    *others, last = multi
    found: list[tuple[Multi, ...]] = []
    for blocks in partitions(tuple(others)):
        found.append((*blocks, (last,)))
        for i, block in enumerate(blocks):
            found.append((*blocks[:i], (*block, last), *blocks[i + 1 :]))
    return tuple(found)
