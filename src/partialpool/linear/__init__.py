"""Linear mixed models."""

from __future__ import annotations

from partialpool.linear.fit import LmmFit
from partialpool.linear.model import lmm

__all__ = ["LmmFit", "lmm"]
