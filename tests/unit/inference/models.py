"""Fits that the tests of inference share, with their dense twins."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

import partialpool as pp
from tests import dense

FORMULAS = {
    "slope": "y ~ x + (x | g)",
    "independent": "y ~ x + (x || g)",
    "two terms": "y ~ x + (1 | g) + (0 + z | g)",
    "crossed": "y ~ x + (x | g) + (1 | h)",
    "nested": "y ~ x + (1 | g) + (1 | g:h)",
    "three factors": "y ~ x + (1 | g) + (1 | h) + (1 | k)",
    "compound symmetric": "y ~ x + cs(0 + f | g)",
    "least squares": "y ~ x + z",
}


def table() -> pd.DataFrame:
    """96 rows in 8 groups g, 4 columns h and 6 columns k; w are weights, one of them zero."""
    rng = np.random.default_rng(8)
    n = 96
    g, h, k = np.arange(n) % 8, rng.integers(4, size=n), rng.integers(6, size=n)
    x, z = rng.normal(size=(2, n))
    b = rng.normal(size=(8, 2))
    y = 2 + x + b[g, 0] + 0.7 * b[g, 1] * x + 0.8 * rng.normal(size=4)[h] + rng.normal(size=n)
    y += 0.6 * rng.normal(size=6)[k] + 0.5 * rng.normal(size=(8, 4))[g, h]
    w = rng.uniform(0.3, 2, n)
    w[7] = 0
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": z,
            "w": w,
            "f": np.array(["u", "v", "w"])[rng.integers(3, size=n)],
            "g": np.array([f"g{i}" for i in range(8)])[g],
            "h": h,
            "k": k,
        }
    )


@cache
def fit(formula: str, weighted: bool = False, reml: bool = True) -> pp.LmmFit:
    return pp.lmm(formula, table(), weights="w" if weighted else None, reml=reml)


def twin(fit: pp.LmmFit) -> tuple[dense.Model, dense.Solution]:
    """The dense solution at the covariances of a fit."""
    design = fit.design
    terms = tuple(
        dense.Term(e.factor.codes, e.basis, len(e.factor.levels), e.applicable)
        for e in design.random
    )
    model = dense.Model(
        design.y, design.X, terms, design.weights, design.offset, reml=fit.reml or not terms
    )
    return model, dense.solve(model, [t.cov / fit.sigma**2 for t in fit.varcorr.terms])
