"""Generalized fits with estimates made by hand, for what is shown and predicted of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from partialpool.design import build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.families import resolve
from partialpool.formula import parse, parse_part
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.fit import GlmmFit
from partialpool.inference.fitted import linear_part


@dataclass(frozen=True, eq=False)
class Solved:
    """Estimates as they are given."""

    family: Any
    zero: str
    beta: dict[str, np.ndarray]
    vcov: np.ndarray
    factors: dict[str, list[np.ndarray]]
    modes: dict[str, list[np.ndarray]]
    eta: dict[str, np.ndarray]
    loglik: float = -100.0
    df: int = 5
    evaluations: int = 7
    converged: bool = True
    gradient_norm: float = 1e-9
    smallest_eigenvalue: float = 2.5
    bends_down: bool = False
    promised: float = 1e-12
    row_variance: float = 0.25
    extras: dict[str, Any] = field(default_factory=dict)

    def factor(self, part, term):
        return self.factors[part][term]

    def effects(self, part):
        return tuple(self.modes[part])

    def conditional(self, part):
        return tuple(
            np.broadcast_to(0.04 * np.eye(b.shape[1]), (len(b), b.shape[1], b.shape[1]))
            for b in self.modes[part]
        )

    def variance(self, rows):
        # As of a linear predictor with this variance, times the slope in the constant's column.
        X, _ = rows["mean"]
        return self.row_variance * X[:, 0] ** 2


def table() -> pd.DataFrame:
    """60 rows in 6 groups g and 4 columns h; counts, successes of m trials, grades."""
    rng = np.random.default_rng(4)
    n = 60
    m = rng.integers(1, 9, n)
    return pd.DataFrame(
        {
            "count": rng.poisson(3, n),
            "wins": rng.binomial(m, 0.4),
            "m": m,
            "yes": np.tile([0, 1, 1], 20),
            "size": rng.gamma(2.0, 2.0, n),
            "y": rng.normal(size=n),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "high"], n), ["low", "mid", "high"], ordered=True
            ),
            "x": rng.normal(size=n),
            "z": rng.normal(size=n),
            "f": np.tile(["u", "v", "w"], 20),
            "g": np.repeat([*"abcdef"], 10),
            "h": np.tile([*"pqrs"], 15),
        }
    )


def varying() -> pd.DataFrame:
    """240 rows in 24 groups g and 8 columns h that differ, in all that :func:`table` holds."""
    rng = np.random.default_rng(7)
    n = 240
    g, h = np.repeat(np.arange(24), 10), np.arange(n) % 8
    x, z = rng.normal(size=(2, n))
    b, c = rng.normal(size=(24, 2)), rng.normal(size=8)
    eta = 0.5 + 0.5 * x + 0.8 * b[g, 0] + 0.6 * b[g, 1] * x
    m = rng.integers(1, 9, n)
    chance = 1 / (1 + np.exp(-eta))
    zero = rng.random(n) < 1 / (1 + np.exp(0.5 - 0.5 * z - c[h]))
    grade = np.digitize(eta + rng.logistic(size=n), [-0.5, 1.5])
    return pd.DataFrame(
        {
            "count": np.where(zero, 0, rng.negative_binomial(3, 3 / (3 + np.exp(1 + 0.5 * eta)))),
            "wins": rng.binomial(m, chance),
            "m": m,
            "yes": (rng.random(n) < chance) * 1,
            "size": rng.gamma(np.exp(0.5 + 0.3 * z), np.exp(eta)),
            "y": eta + rng.normal(size=n),
            "grade": pd.Categorical.from_codes(grade, ["low", "mid", "high"], ordered=True),
            "x": x,
            "z": z,
            "f": np.array(["u", "v", "w"])[np.arange(n) % 3],
            "g": [f"g{i:02}" for i in g],
            "h": [f"h{i}" for i in h],
        }
    )


def fake(
    formula: str,
    family: Any,
    *,
    dispersion: str | None = None,
    zero_inflation: str | None = None,
    data: Any = None,
    sd: float = 0.7,
    approximation: Approximation | None = None,
    weights: Any = None,
    offset: Any = None,
    beta: dict[str, Any] | None = None,
    **changes: Any,
) -> GlmmFit:
    """A fit with coefficients 0.3, 0.1, ..., effects of all sizes and standard deviation sd."""
    family = resolve(family)
    mean = parse(formula)
    formulas = {"mean": mean}
    for name, text in (("dispersion", dispersion), ("zero_inflation", zero_inflation)):
        if text is not None:
            formulas[name] = parse_part(text, mean.response)
    zero = family.zero_for(zero_inflation is not None)
    parts = build_parts(
        formulas,
        table() if data is None else data,
        read=partial(read_generalized_response, family=family, zero=zero),
        weights=weights,
        offset=offset,
        thresholds="thresholds" in family.own_parts,
    )
    designs = parts.designs
    found = {}
    for name in family.parts(zero):
        p = designs[name].X.shape[1] if name in designs else 1
        if name == "thresholds":
            found[name] = np.arange(len(parts.response.levels) - 1) - 0.5
        else:
            found[name] = np.where(np.arange(p) == 0, 0.3, 0.1)
    found |= {name: np.asarray(values, float) for name, values in (beta or {}).items()}
    factors = {
        name: [sd * np.eye(len(e.columns)) for e in design.random]
        for name, design in designs.items()
    }
    modes = {
        name: [
            sd
            * np.sin(np.arange(len(e.factor.levels) * len(e.columns), dtype=float) + 1).reshape(
                -1, len(e.columns)
            )
            for e in design.random
        ]
        for name, design in designs.items()
    }
    eta = {}
    for name, design in designs.items():
        eta[name] = linear_part(design.X, found[name], design.offset)
        for e, b in zip(design.random, modes[name], strict=True):
            eta[name] = eta[name] + np.einsum("ij,ij->i", e.basis, b[e.factor.codes])
    total = np.concatenate(list(found.values()))
    root = np.diag(0.05 + 0.01 * np.arange(len(total))) + 0.005
    vcov = np.where(np.isnan(np.add.outer(total, total)), np.nan, root @ root.T)
    solved = Solved(family, zero, found, vcov, factors, modes, eta, **changes)
    return GlmmFit(designs, parts.response, approximation or Approximation(), solved)
