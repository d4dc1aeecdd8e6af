"""What a generalized fit says beyond its estimates, of all its parameters and predictors."""

from __future__ import annotations

from partialpool.generalized.inference.intervals import confint
from partialpool.generalized.inference.profiling import profile

__all__ = ["confint", "profile"]
