"""Expected responses over the values of one column, the others held."""

from __future__ import annotations

from partialpool.inference.conditional.effects import (
    ConditionalEffects,
    conditional_effects,
    find_effects,
)
from partialpool.inference.conditional.expectation import (
    Band,
    Expectation,
    Expected,
    ExpectingFit,
    LinearExpectation,
)
from partialpool.inference.conditional.rows import ConditionalRows, Held

__all__ = [
    "Band",
    "ConditionalEffects",
    "ConditionalRows",
    "Expectation",
    "Expected",
    "ExpectingFit",
    "Held",
    "LinearExpectation",
    "conditional_effects",
    "find_effects",
]
