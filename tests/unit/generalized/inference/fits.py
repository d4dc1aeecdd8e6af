"""Small fits of many kinds, drawn with known parameters."""

from __future__ import annotations

import functools

import numpy as np

import partialpool as pp

__all__ = ["FITS", "fit_of", "table"]

# formula, other arguments, and what the response is drawn as
FITS = {
    "slope": ("y ~ x + (x | g)", {"family": "binomial"}),
    "crossed": ("y ~ x + (1 | g) + (1 | h)", {"family": "poisson"}),
    "nested": ("y ~ x + (1 | g / f)", {"family": "poisson"}),
    "diagonal": ("y ~ x + (x || g)", {"family": "poisson"}),
    "cs": ("y ~ x + cs(0 + f | g)", {"family": "poisson"}),
    "ar1": ("y ~ x + ar1(0 + f | g)", {"family": "poisson"}),
    "hetar1": ("y ~ x + hetar1(0 + f | g)", {"family": "poisson"}),
    "dispersion": ("y ~ x + (1 | g)", {"family": "nbinom2", "dispersion": "~ x"}),
    "inflated": (
        "y ~ x + (1 | g)",
        {"family": "poisson", "zero_inflation": "~ 1 + (1 | g)"},
    ),
    "ordinal": ("o ~ x + (1 | g)", {"family": "ordinal"}),
    "gamma": ("m ~ x + (1 | g)", {"family": "gamma"}),
    "quadrature": ("y01 ~ x + (1 | g)", {"family": "binomial", "quadrature": 7}),
    "quadrature slope": ("y01 ~ x + (x | g)", {"family": "binomial", "quadrature": 5}),
    "expected": ("y ~ x + (1 | g)", {"family": "nbinom2", "information": "expected"}),
    "no effects": ("y ~ x", {"family": "nbinom2"}),
    "penalty": ("y01 ~ x + (1 | g)", {"family": "binomial", "penalty": 2.0}),
    "weights": ("y ~ x + (1 | g)", {"family": "poisson", "weights": "w"}),
}


@functools.cache
def table(seed=1, groups=24, rows=12):
    rng = np.random.default_rng(seed)
    n = groups * rows
    g, h = np.repeat(np.arange(groups), rows), rng.integers(0, 9, n)
    f, x = np.tile(np.arange(rows) % 4, groups), rng.normal(size=n)
    b = rng.normal(size=(groups, 2)) @ np.array([[0.8, 0.3], [0.0, 0.5]])
    by_cell = 0.5 * rng.normal(size=(groups, 4))
    eta = 0.6 + 0.4 * x + b[g, 0] + b[g, 1] * x + by_cell[g, f] + 0.4 * rng.normal(size=9)[h]
    mu = np.exp(eta)
    y = rng.poisson(mu * rng.gamma(3.0, 1 / 3.0, n)) * (rng.random(n) > 0.25)
    latent = eta + rng.logistic(size=n)
    return {
        "g": g, "h": h, "f": np.array(list("abcd"))[f], "x": x, "y": y,
        "y01": (latent > 0.5).astype(int),
        "o": np.digitize(latent, [-0.5, 1.0, 2.5]),
        "m": mu * rng.gamma(4.0, 0.25, n),
        "w": rng.integers(1, 4, n).astype(float),
    }  # fmt: skip


@functools.cache
def fit_of(name):
    formula, arguments = FITS[name]
    data = dict(table())
    if name == "slope":
        formula = formula.replace("y ~", "y01 ~")
    return pp.glmm(formula, data, **arguments)
