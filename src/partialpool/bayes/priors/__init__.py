"""Prior distributions, as values."""

from __future__ import annotations

from partialpool.bayes.priors.base import Prior
from partialpool.bayes.priors.particular import LKJ, Constant, Uniform
from partialpool.bayes.priors.positive import (
    Exponential,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
)
from partialpool.bayes.priors.real import Flat, Normal, StudentT

__all__ = [
    "LKJ",
    "PRIORS",
    "Constant",
    "Exponential",
    "Flat",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "InverseGamma",
    "LogNormal",
    "Normal",
    "Prior",
    "StudentT",
    "Uniform",
]

PRIORS: dict[str, type[Prior]] = {
    kind.name: kind
    for kind in (
        Flat,
        Constant,
        Normal,
        StudentT,
        HalfNormal,
        HalfStudentT,
        HalfCauchy,
        Exponential,
        Gamma,
        InverseGamma,
        LogNormal,
        Uniform,
        LKJ,
    )
}
"""Every prior by its name."""
