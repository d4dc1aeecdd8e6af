"""Variance components: standard errors, tests, principal components."""

from __future__ import annotations

from partialpool.inference.variances.errors import variance_parameters
from partialpool.inference.variances.principal import PrincipalEffects, principal_effects
from partialpool.inference.variances.tests import variance_tests

__all__ = ["PrincipalEffects", "principal_effects", "variance_parameters", "variance_tests"]
