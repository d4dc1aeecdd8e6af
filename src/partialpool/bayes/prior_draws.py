"""Draws from the priors: what the model says before it has seen the response."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import PartPriors, TermPriors
from partialpool.bayes.draws import Draws, PartDraws, named_parameters
from partialpool.bayes.priors import LKJ, Prior
from partialpool.bayes.statement import Statement
from partialpool.design import Design, RandomEffects
from partialpool.errors import ModelError
from partialpool.formula.structures import BY_LAG, SERIAL

__all__ = ["draw_parameters", "draw_prior"]

Array = NDArray[np.float64]
# Where a lone correlation's density is tabulated.
_GRID = 4000
# How often as many thresholds are drawn as are wanted, until enough of them rise.
_ATTEMPTS = 1000


def draw_prior(
    statement: Statement, size: int, rng: np.random.Generator, levels: bool = True
) -> Draws:
    """Draw all parameters from their priors.

    Parameters
    ----------
    statement
        The model.
    size
        Number of draws, as one chain.
    rng
        Where randomness comes from.
    levels
        Whether to draw the effects of the levels too.

    Raises
    ------
    ModelError
        If a prior is flat.
    """
    parts = {
        name: _part(design, statement.kept[name], statement.priors.parts[name], size, rng, levels)
        for name, design in statement.designs.items()
    }
    scales = {
        symbol: assigned.prior.draw(rng, (1, size))
        for symbol, assigned in statement.priors.scales.items()
    }
    thresholds = _thresholds(statement, parts["mean"].fixef, size, rng)
    names = ("accept", "step_size", "energy", "log_density", "steps", "depth", "diverging")
    return Draws(parts, scales, {name: np.zeros((1, size)) for name in names}, thresholds)


def _thresholds(
    statement: Statement, fixef: Array, size: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Thresholds that rise, moved to where the columns are zero."""
    assigned = statement.priors.thresholds
    if not assigned:
        return {}
    kept = statement.kept["mean"]
    shift = fixef[:, :, kept] @ statement.design.X[:, kept].mean(axis=0)
    found = _rising([a.prior for a in assigned], size, rng)
    return {a.parameter: found[:, i] + shift for i, a in enumerate(assigned)}


def _rising(priors: list[Prior], size: int, rng: np.random.Generator) -> Array:
    """Draw from distributions given that their numbers rise (size, K - 1)."""
    if all(prior == priors[0] for prior in priors):
        # Of equal distributions every order is as likely: the one that is wanted is at hand.
        return np.sort(priors[0].draw(rng, (size, len(priors))), axis=1)
    kept: list[Array] = []
    for _ in range(_ATTEMPTS):
        drawn = np.column_stack([prior.draw(rng, size) for prior in priors])
        kept.append(drawn[(np.diff(drawn, axis=1) > 0).all(axis=1)])
        if sum(map(len, kept)) >= size:
            return np.concatenate(kept)[:size]
    raise ModelError(
        f"the priors of the thresholds are in order in fewer than 1 of {_ATTEMPTS} draws: give "
        "them means that rise, further apart, or one prior for all, as {'thresholds': "
        "'normal(0, 2.5)'}."
    )


def draw_parameters(statement: Statement, size: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw the named parameters from their priors, (1, size) each."""
    return named_parameters(statement.designs, draw_prior(statement, size, rng, levels=False))


def _part(
    design: Design,
    kept: list[int],
    priors: PartPriors,
    size: int,
    rng: np.random.Generator,
    levels: bool,
) -> PartDraws:
    fixef = np.full((1, size, len(design.columns)), np.nan)
    for place, assigned in zip(kept, priors.fixed, strict=True):
        fixef[0, :, place] = assigned.prior.draw(rng, size)
    if priors.centred:
        others = kept[1:]
        fixef[0, :, kept[0]] -= fixef[0][:, others] @ design.X[:, others].mean(axis=0)
    sd, corr, effects = [], [], []
    for own, term in zip(design.random, priors.terms, strict=True):
        k, J = len(own.columns), len(own.factor.levels) if levels else 0
        scales = np.stack([a.prior.draw(rng, size) for a in term.scales], axis=-1)
        s = np.broadcast_to(scales, (size, k)) if scales.shape[1] == 1 else scales
        R = _correlations(own, term, size, rng)
        factor = s[:, :, None] * np.linalg.cholesky(R)
        z = rng.standard_normal((size, J, k))
        sd.append(np.array(s)[None])
        corr.append(R[None])
        effects.append(np.einsum("skl,sjl->sjk", factor, z)[None])
    return PartDraws(fixef, tuple(sd), tuple(corr), tuple(effects))


def _correlations(
    effects: RandomEffects, term: TermPriors, size: int, rng: np.random.Generator
) -> Array:
    k = len(effects.columns)
    if term.correlation is None:
        return np.broadcast_to(np.eye(k), (size, k, k))
    prior = term.correlation.prior
    assert isinstance(prior, LKJ)
    if effects.term.structure == "unstructured":
        return prior.matrices(rng, k, size)
    if effects.term.structure in BY_LAG:
        return _toeplitz(k, prior.eta, size, rng)
    serial = effects.term.structure in SERIAL
    low = -1.0 if serial else -1.0 / (k - 1)
    edges = np.linspace(low, 1.0, _GRID + 1)
    middle = 0.5 * (edges[1:] + edges[:-1])
    det = (1 - middle**2) if serial else (1 - middle) * (1 + (k - 1) * middle) ** (1 / (k - 1))
    weight = det ** ((k - 1) * (prior.eta - 1.0))
    cell = rng.choice(_GRID, size, p=weight / weight.sum())
    rho = edges[cell] + rng.random(size) * (edges[1] - edges[0])
    lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    power = lag if serial else np.minimum(lag, 1)
    return np.asarray(rho[:, None, None] ** power)


def _toeplitz(k: int, eta: float, size: int, rng: np.random.Generator) -> Array:
    """Partial autocorrelations: |R| is the product of (1 - z_m^2)^(k - m) over lags m."""
    corr, rest = np.ones((size, k)), np.ones(size)
    weights = np.zeros((size, 0))
    for m in range(k - 1):
        shape = (k - 1 - m) * (eta - 1.0) + 1.0
        z = 2.0 * rng.beta(shape, shape, size) - 1.0
        corr[:, m + 1] = z * rest + (weights * corr[:, m:0:-1]).sum(axis=1)
        weights = np.column_stack([weights - z[:, None] * weights[:, ::-1], z])
        rest = rest * (1.0 - z * z)
    return corr[:, np.abs(np.subtract.outer(np.arange(k), np.arange(k)))]
