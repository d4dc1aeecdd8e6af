"""What a generalized fit says about itself, in a terminal and in a notebook."""

from __future__ import annotations

from partialpool.generalized.summary.blocks import blocks
from partialpool.generalized.summary.optimum import about_optimum
from partialpool.generalized.summary.values import (
    Further,
    GlmmSummary,
    PartSummary,
    summarize,
)

__all__ = ["Further", "GlmmSummary", "PartSummary", "about_optimum", "blocks", "summarize"]
