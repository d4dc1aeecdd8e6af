"""Linear mixed models."""

from __future__ import annotations

from partialpool.linear.fit import LmmFit
from partialpool.linear.model import lmm
from partialpool.linear.stated import StatedModel, stated_model

__all__ = ["LmmFit", "StatedModel", "lmm", "stated_model"]
