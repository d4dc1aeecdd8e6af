"""What a fit says about itself, in a terminal and in a notebook."""

from __future__ import annotations

from partialpool.linear.summary.blocks import blocks
from partialpool.linear.summary.values import Explained, Summary, summarize

__all__ = ["Explained", "Summary", "blocks", "summarize"]
