"""One model function for every family: priors, linear predictors, likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jax.scipy.linalg import solve_triangular

from partialpool.bayes.general.densities import log_density
from partialpool.bayes.general.layout import PartLayout, TermLayout
from partialpool.bayes.general.nesting import Place
from partialpool.bayes.general.sites import Law, coefficient_prior, scale_distribution
from partialpool.families import ResponseFamily, Zero
from partialpool.families.scales import Scale
from partialpool.formula.structures import BY_LAG, SERIAL

__all__ = ["Cuts", "GeneralModel", "Likelihood", "Number", "model"]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["y", "trials", "weights"],
    meta_fields=["family", "zero"],
)
@dataclass(frozen=True, slots=True, eq=False)
class Likelihood:
    """Family and numbers of the response."""

    family: ResponseFamily
    zero: Zero
    y: Any
    trials: Any
    weights: Any


@partial(jax.tree_util.register_dataclass, data_fields=["prior"], meta_fields=["scale"])
@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A linear predictor that is one number: how it is read, and its prior."""

    scale: Scale
    prior: Law


@partial(jax.tree_util.register_dataclass, data_fields=["start", "priors"], meta_fields=[])
@dataclass(frozen=True, slots=True, eq=False)
class Cuts:
    """Thresholds at the columns' means: where the sampler's zero puts them, and their priors."""

    start: Any
    priors: tuple[Law, ...]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["parts", "numbers", "likelihood", "cuts"],
    meta_fields=[],
)
@dataclass(frozen=True, slots=True, eq=False)
class GeneralModel:
    """All that a model is: what shapes it, and, as leaves of a tree, its numbers.

    Attributes
    ----------
    parts
        Linear predictors with a formula, by name.
    numbers
        Those that are one number, by name.
    likelihood
        Of the response.
    cuts
        Of an ordinal model.
    """

    parts: Mapping[str, PartLayout]
    numbers: Mapping[str, Number]
    likelihood: Likelihood
    cuts: Cuts | None = None


def model(stated: GeneralModel) -> None:
    """State a model to NumPyro."""
    eta = {name: _predictor(name, part) for name, part in stated.parts.items()}
    for part, number in stated.numbers.items():
        eta[part] = _number(number)
    if stated.cuts is not None:
        eta["thresholds"] = _thresholds(stated.cuts)
    own = stated.likelihood
    rows = log_density(own.family, own.zero, own.y, own.trials, own.weights, eta)
    numpyro.factor("likelihood", rows.sum())


def _number(number: Number) -> Any:
    """Linear predictor of a number."""
    scale = number.scale
    if number.prior.kind == "constant":
        (value,) = number.prior.numbers
        value = numpyro.deterministic(scale.symbol, jnp.asarray(value))
    else:
        value = numpyro.sample(scale.symbol, scale_distribution(number.prior))
    bare = value - scale.lowest
    return jnp.log(bare) - (jnp.log1p(-bare) if scale.logit else 0.0)


def _thresholds(cuts: Cuts) -> Any:
    """Rising numbers: the one in the middle, and the logs of the gaps, from those of the start."""
    K = cuts.start.shape[0]
    middle = K // 2
    z = numpyro.sample("thresholds.z", dist.ImproperUniform(dist.constraints.real, (), (K,)))
    gaps = jnp.diff(cuts.start) * jnp.exp(z[1:])
    rise = jnp.concatenate([jnp.zeros(1), jnp.cumsum(gaps)])
    values = cuts.start[middle] + z[0] + rise - rise[middle]
    priors = sum(coefficient_prior(law, values[i]) for i, law in enumerate(cuts.priors))
    # The volume of the gaps in their logs.
    numpyro.factor("thresholds.prior", priors + z[1:].sum())
    return numpyro.deterministic("thresholds", values)


def _predictor(name: str, part: PartLayout) -> Any:
    eta = part.start
    p, beta = part.Q.shape[1], part.origin
    if p:
        gamma = numpyro.sample(
            f"{name}.gamma", dist.ImproperUniform(dist.constraints.real, (), (p,))
        )
        beta = part.origin + part.map @ gamma
        numpyro.factor(f"{name}.prior", _fixed_prior(part, beta))
        eta = eta + part.Q @ gamma
    # Coarse levels first: finer ones lie in them.
    sums: dict[int, Any] = {}
    for t in sorted(range(len(part.terms)), key=lambda t: part.terms[t].levels):
        term = part.terms[t]
        mean = _mean(term.place, beta - part.origin, sums)
        b = _random(f"{name}.{t}", term, mean)
        sums[t] = mean + b
        eta = eta + (term.basis * b[term.codes]).sum(axis=1)
    return eta


def _mean(place: Place, beta: Any, sums: Mapping[int, Any]) -> Any:
    """What the data know together with each level's effects (J, k), less where chains start."""
    own = [
        loads @ beta[np.array(c, int)] for c, loads in zip(place.columns, place.loads, strict=True)
    ]
    mean = jnp.stack(own, axis=1)
    for parent, codes, names in zip(place.parents, place.codes, place.names, strict=True):
        for mine, theirs in names:
            mean = mean.at[:, mine].add(sums[parent][codes, theirs])
    return mean


def _fixed_prior(part: PartLayout, beta: Any) -> Any:
    total = jnp.zeros(())
    for i, law in enumerate(part.fixed):
        own = part.centred and i == 0
        total = total + coefficient_prior(law, part.means @ beta if own else beta[i])
    return total


def _random(name: str, term: TermLayout, mean: Any) -> Any:
    """Effects (J, k), of levels between b + mean (centred) and standard normal variables."""
    scales = [
        numpyro.sample(f"{name}.sd.{i}", scale_distribution(law))
        for i, law in enumerate(term.scales)
    ]
    sd = jnp.stack(scales) if len(scales) == term.k else jnp.full(term.k, scales[0])
    sd = numpyro.deterministic(f"{name}.sd", sd)
    lower = numpyro.deterministic(f"{name}.lower", _lower(name, term))
    own = dist.ImproperUniform(dist.constraints.real, (), (term.levels, term.k))
    c = term.centred[:, None]
    z = numpyro.sample(f"{name}.z", own)
    apart = jnp.where(c > 0, z @ term.turn.T, z) - c * mean
    if term.k == 1:
        # z ~ normal(c mean, sd^c), b = sd^(1 - c) (z - c mean)
        white, b = apart * sd**-c, apart * sd ** (1.0 - c)
    else:
        # c is 0 or 1: there is no such power of a matrix that is as cheap.
        factor = sd[:, None] * lower
        white = jnp.where(c > 0, solve_triangular(factor, apart.T, lower=True).T, apart)
        b = jnp.where(c > 0, apart, apart @ factor.T)
    log_det = jnp.log(sd).sum() + jnp.log(jnp.diagonal(lower)).sum()
    numpyro.factor(f"{name}.law", -0.5 * (white**2).sum() - term.centred.sum() * log_det)
    return numpyro.deterministic(f"{name}.b", b)


def _lower(name: str, term: TermLayout) -> Any:
    """Cholesky factor of the correlation matrix."""
    if term.correlation is None:
        return jnp.eye(term.k)
    (shape,) = term.correlation.numbers
    if term.structure == "unstructured":
        return numpyro.sample(f"{name}.L", dist.LKJCholesky(term.k, shape))
    if term.structure in BY_LAG:
        return _toeplitz(name, term.k, shape)
    serial = term.structure in SERIAL
    low = -1.0 if serial else -1.0 / (term.k - 1)
    place = numpyro.sample(f"{name}.rho", dist.Uniform(0.0, 1.0))
    rho = low + (1.0 - low) * place
    index = jnp.arange(term.k)
    lag = jnp.abs(index[:, None] - index[None, :])
    power = jnp.where(lag % 2 == 1, jnp.sign(rho), 1.0) * jnp.abs(rho) ** lag
    matrix = power if serial else jnp.where(lag == 0, 1.0, rho)
    lower = jnp.linalg.cholesky(matrix)
    log_det = 2.0 * jnp.log(jnp.diagonal(lower)).sum()
    numpyro.factor(f"{name}.corr", (shape - 1.0) * log_det)
    return lower


def _toeplitz(name: str, k: int, shape: Any) -> Any:
    """The same from partial autocorrelations, by Durbin's and Levinson's recursion."""
    partial = numpyro.sample(f"{name}.partial", dist.Uniform(-1.0, 1.0).expand([k - 1]).to_event(1))
    corr, weights, rest = [jnp.ones(())], jnp.zeros(0), jnp.ones(())
    for m in range(k - 1):
        z = partial[m]
        corr.append(z * rest + sum(weights[j] * corr[m - j] for j in range(m)))
        weights = jnp.append(weights - z * weights[::-1], z)
        rest = rest * (1.0 - z * z)
    index = jnp.arange(k)
    lower = jnp.linalg.cholesky(jnp.stack(corr)[jnp.abs(index[:, None] - index[None, :])])
    log_det = 2.0 * jnp.log(jnp.diagonal(lower)).sum()
    numpyro.factor(f"{name}.corr", (shape - 1.0) * log_det)
    return lower
