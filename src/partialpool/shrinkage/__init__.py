"""Penalised hierarchical regression: from a formula to a fit; estimators are a floor below."""

from __future__ import annotations

from partialpool.shrinkage.fit import PenalizedFit
from partialpool.shrinkage.model import penalized

__all__ = ["PenalizedFit", "penalized"]
