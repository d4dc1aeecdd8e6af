"""What a generalized fit says beyond its estimates, of all its parameters and predictors."""

from __future__ import annotations

from partialpool.generalized.inference.components import variance_parameters
from partialpool.generalized.inference.intervals import confint
from partialpool.generalized.inference.profiling import profile
from partialpool.generalized.inference.robust import cluster_robust, robust_tests, robust_vcov

__all__ = [
    "cluster_robust",
    "confint",
    "profile",
    "robust_tests",
    "robust_vcov",
    "variance_parameters",
]
