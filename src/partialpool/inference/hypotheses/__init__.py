"""Tests: per term, of any linear hypothesis, of variance components."""

from __future__ import annotations

from partialpool.inference.hypotheses.anova import AnovaType, anova
from partialpool.inference.hypotheses.drop import drop_tests
from partialpool.inference.hypotheses.linear import LinearTest, linear_test

__all__ = ["AnovaType", "LinearTest", "anova", "drop_tests", "linear_test"]
