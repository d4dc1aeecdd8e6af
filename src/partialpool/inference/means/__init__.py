"""Marginal means, slopes and their contrasts."""

from __future__ import annotations

from partialpool.inference.means.adjust import Adjustment
from partialpool.inference.means.contrasts import ContrastKind
from partialpool.inference.means.estimates import IDENTITY, Link, Scale
from partialpool.inference.means.means import marginal_means
from partialpool.inference.means.slopes import marginal_slopes

__all__ = [
    "IDENTITY",
    "Adjustment",
    "ContrastKind",
    "Link",
    "Scale",
    "marginal_means",
    "marginal_slopes",
]
