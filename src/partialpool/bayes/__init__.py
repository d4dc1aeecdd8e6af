"""Bayesian mixed models: priors, posteriors and what they say.

Gaussian models are sampled by the compiled core and need nothing more; other families need
the extra ``bayes``.
"""

from __future__ import annotations

from partialpool.bayes.comparison import loo_compare
from partialpool.bayes.crossvalidation import Elpd
from partialpool.bayes.diagnostics import diagnose
from partialpool.bayes.draws import Draws
from partialpool.bayes.fit import BayesFit
from partialpool.bayes.graph import ModelGraph, Node
from partialpool.bayes.hypotheses import Hypothesis
from partialpool.bayes.model import bmm
from partialpool.bayes.priors import (
    LKJ,
    Cauchy,
    Constant,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    Laplace,
    LogNormal,
    Normal,
    Prior,
    StudentT,
    Uniform,
)

__all__ = [
    "LKJ",
    "BayesFit",
    "Cauchy",
    "Constant",
    "Draws",
    "Elpd",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "Hypothesis",
    "InverseGamma",
    "Laplace",
    "LogNormal",
    "ModelGraph",
    "Node",
    "Normal",
    "Prior",
    "StudentT",
    "Uniform",
    "bmm",
    "diagnose",
    "loo_compare",
]
