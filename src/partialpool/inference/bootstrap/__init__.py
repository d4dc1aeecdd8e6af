"""Repeated sampling: responses or cases drawn again, the model fitted to each."""

from __future__ import annotations

from partialpool.inference.bootstrap.result import Bootstrap, IntervalKind
from partialpool.inference.bootstrap.sampling import bootstrap

__all__ = ["Bootstrap", "IntervalKind", "bootstrap"]
