"""What a generalized fit says beyond its estimates, of all its parameters and predictors."""

from __future__ import annotations

from partialpool.generalized.inference.components import variance_parameters
from partialpool.generalized.inference.criteria import conditional_aic
from partialpool.generalized.inference.influence import group_influence
from partialpool.generalized.inference.profiling import profile
from partialpool.generalized.inference.robust import cluster_robust, robust_tests, robust_vcov
from partialpool.generalized.inference.variance_tests import variance_tests

__all__ = [
    "cluster_robust",
    "conditional_aic",
    "group_influence",
    "profile",
    "robust_tests",
    "robust_vcov",
    "variance_parameters",
    "variance_tests",
]
