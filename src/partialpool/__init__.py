"""Hierarchical (multilevel, mixed-effects) regression.

>>> import partialpool as pp
>>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
>>> round(fit.loglik, 4)
-871.8141
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from partialpool.bayes import BayesFit as BayesFit
    from partialpool.bayes import bmm as bmm
    from partialpool.core import get_threads as get_threads
    from partialpool.core import set_threads as set_threads
    from partialpool.datasets import list_datasets as list_datasets
    from partialpool.datasets import load_dataset as load_dataset
    from partialpool.generalized import GlmmFit as GlmmFit
    from partialpool.generalized import glmm as glmm
    from partialpool.learners import MixedEffectsClassifier as MixedEffectsClassifier
    from partialpool.learners import MixedEffectsRegressor as MixedEffectsRegressor
    from partialpool.linear import LmmFit as LmmFit
    from partialpool.linear import StatedModel as StatedModel
    from partialpool.linear import StreamedLmm as StreamedLmm
    from partialpool.linear import lmm as lmm
    from partialpool.linear import stated_model as stated_model
    from partialpool.linear import stream_lmm as stream_lmm
    from partialpool.results import compare as compare
    from partialpool.saved import load as load
    from partialpool.shrinkage.estimators import HierarchicalClassifier as HierarchicalClassifier
    from partialpool.shrinkage.estimators import (
        HierarchicalClassifierCV as HierarchicalClassifierCV,
    )
    from partialpool.shrinkage.estimators import HierarchicalRegressor as HierarchicalRegressor
    from partialpool.shrinkage.estimators import HierarchicalRegressorCV as HierarchicalRegressorCV
    from partialpool.shrinkage.fit import PenalizedFit as PenalizedFit
    from partialpool.shrinkage.model import penalized as penalized
    from partialpool.validation import CrossValidation as CrossValidation
    from partialpool.validation import cross_validate as cross_validate

# Loaded on first use, so that `import partialpool` costs milliseconds.
_HOMES = {
    "CrossValidation": "partialpool.validation",
    "cross_validate": "partialpool.validation",
    "BayesFit": "partialpool.bayes",
    "bmm": "partialpool.bayes",
    "GlmmFit": "partialpool.generalized",
    "HierarchicalClassifier": "partialpool.shrinkage.estimators",
    "HierarchicalClassifierCV": "partialpool.shrinkage.estimators",
    "HierarchicalRegressor": "partialpool.shrinkage.estimators",
    "HierarchicalRegressorCV": "partialpool.shrinkage.estimators",
    "LmmFit": "partialpool.linear",
    "MixedEffectsClassifier": "partialpool.learners",
    "MixedEffectsRegressor": "partialpool.learners",
    "glmm": "partialpool.generalized",
    "lmm": "partialpool.linear",
    "StatedModel": "partialpool.linear",
    "StreamedLmm": "partialpool.linear",
    "stated_model": "partialpool.linear",
    "stream_lmm": "partialpool.linear",
    "PenalizedFit": "partialpool.shrinkage",
    "penalized": "partialpool.shrinkage",
    "compare": "partialpool.results",
    "load": "partialpool.saved",
    "list_datasets": "partialpool.datasets",
    "load_dataset": "partialpool.datasets",
    "get_threads": "partialpool.core",
    "set_threads": "partialpool.core",
}
_ROOMS = ("bayes", "errors", "families", "plots")

__all__ = [*sorted(_HOMES), *_ROOMS]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f"partialpool.{name}")
    raise AttributeError(f"module 'partialpool' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
