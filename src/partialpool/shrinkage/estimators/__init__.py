"""scikit-learn estimators of penalised hierarchical regression. Needs the extra ``ml``."""

from __future__ import annotations

from partialpool.extras import require

require("sklearn", extra="ml")

from partialpool.shrinkage.estimators.classifier import HierarchicalClassifier  # noqa: E402
from partialpool.shrinkage.estimators.regressor import HierarchicalRegressor  # noqa: E402
from partialpool.shrinkage.estimators.tuned import (  # noqa: E402
    HierarchicalClassifierCV,
    HierarchicalRegressorCV,
)

__all__ = [
    "HierarchicalClassifier",
    "HierarchicalClassifierCV",
    "HierarchicalRegressor",
    "HierarchicalRegressorCV",
]
