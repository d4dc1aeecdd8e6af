"""Mixed-effects machine learning: any scikit-learn learner with random effects.

Needs the extra ``ml``.
"""

from __future__ import annotations

from partialpool.extras import require

require("sklearn", extra="ml")

from partialpool.learners.classifier import MixedEffectsClassifier  # noqa: E402
from partialpool.learners.regressor import MixedEffectsRegressor  # noqa: E402

__all__ = ["MixedEffectsClassifier", "MixedEffectsRegressor"]
