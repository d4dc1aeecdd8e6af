"""Generalized linear mixed models."""

from __future__ import annotations

from partialpool.generalized.fit import GlmmFit
from partialpool.generalized.model import glmm

__all__ = ["GlmmFit", "glmm"]
