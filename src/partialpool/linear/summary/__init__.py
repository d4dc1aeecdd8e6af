"""What a fit says about itself, in a terminal and in a notebook."""

from __future__ import annotations

from partialpool.linear.summary.blocks import blocks
from partialpool.linear.summary.text import render_text
from partialpool.linear.summary.values import (
    Coefficient,
    Component,
    Explained,
    Summary,
    summarize,
)

__all__ = [
    "Coefficient",
    "Component",
    "Explained",
    "Summary",
    "blocks",
    "render_text",
    "summarize",
]
