"""Model checks: explained variance, criteria, influence, quantile residuals."""

from __future__ import annotations

from partialpool.inference.checks.criteria import ConditionalAic, conditional_aic
from partialpool.inference.checks.explained import (
    ExplainedVariance,
    VarianceShares,
    explained_variance,
    shares_of,
    variance_shares,
)
from partialpool.inference.checks.influence import group_influence, row_influence
from partialpool.inference.checks.quantiles import QuantileResiduals, quantile_residuals

__all__ = [
    "ConditionalAic",
    "ExplainedVariance",
    "QuantileResiduals",
    "VarianceShares",
    "conditional_aic",
    "explained_variance",
    "group_influence",
    "quantile_residuals",
    "row_influence",
    "shares_of",
    "variance_shares",
]
