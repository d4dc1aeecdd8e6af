"""Linear mixed models."""

from __future__ import annotations

from partialpool.linear.fit import LmmFit
from partialpool.linear.model import lmm
from partialpool.linear.storage import load

__all__ = ["LmmFit", "lmm", "load"]
