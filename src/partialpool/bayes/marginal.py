"""The marginal engine: Gaussian models with fixed and random effects integrated out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import PartPriors
from partialpool.bayes.control import Control
from partialpool.bayes.draws import Draws, PartDraws, in_single_precision
from partialpool.bayes.priors import (
    LKJ,
    Constant,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    InverseGamma,
    LogNormal,
    Normal,
    Prior,
)
from partialpool.bayes.statement import Statement, crowds
from partialpool.core import Posterior, matrix, vector
from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.solve.problem import Reduced, reduce

__all__ = ["make_posterior", "sample_marginal", "why_not_marginal"]

Array = NDArray[np.float64]
Progress = Callable[[int, int], None]
_STATS = ("accept", "step_size", "energy", "log_density", "steps", "depth", "diverging")


def why_not_marginal(stated: Statement) -> str | None:
    """Say why the marginal engine can't fit a model; None if it can."""
    family = stated.family
    if family.name != "gaussian" or family.link.name != "identity":
        return f"the family is {family.name} with the link {family.link.name}"
    if tuple(stated.designs) != ("mean",):
        return "the dispersion has a formula"
    if crowds(stated.design, stated.response):
        p, n = len(stated.design.columns), int(stated.response.counted.sum())
        return f"it needs more rows than coefficients, and there are {n:,} and {p:,}"
    for assigned in stated.priors.parts["mean"].fixed:
        if not isinstance(assigned.prior, (Normal, Flat)):
            return f"the prior of {assigned.parameter} is {assigned.prior}, and not normal or flat"
    return None


def sample_marginal(stated: Statement, control: Control, progress: Progress | None) -> Draws:
    """Draw from the posterior of a Gaussian model.

    Raises
    ------
    ModelError
        If the model can't be identified on these rows, or no chain finds a place to start.
    """
    sigma = stated.priors.scales["sigma"].prior
    reduced = reduce(stated.design, sigma.value if isinstance(sigma, Constant) else None)
    posterior = make_posterior(stated, reduced)
    with reduced.algebra():
        _, described, beta, effects, how, lost = posterior.sample(
            control.chains,
            control.tune,
            control.draws,
            control.seed,
            control.target_accept,
            control.max_depth,
            progress,
            in_single_precision(stated.designs, control.chains * control.draws),
        )
    if lost:
        raise ModelError(
            "no point with a finite posterior density was found in 100 attempts. Look for priors "
            "that exclude what the data say, or for values of extreme size."
        )
    return _gather(stated, reduced, described, beta, effects, how)


def make_posterior(stated: Statement, reduced: Reduced) -> Posterior:
    """Hand model and priors to the core."""
    priors = stated.priors.parts["mean"]
    terms = []
    for block in reduced.blocks:
        for i in block.terms:
            own = priors.terms[i]
            correlation = own.correlation.prior if own.correlation else LKJ(1.0)
            assert isinstance(correlation, LKJ)
            terms.append(([_code(a.prior) for a in own.scales], correlation.eta))
    combinations, mean, sd = _fixed(stated, reduced, priors)
    return Posterior(
        reduced.problem.mapped,
        terms,
        _code(stated.priors.scales["sigma"].prior),
        matrix(combinations),
        vector(mean),
        vector(sd),
    )


def _fixed(
    stated: Statement, reduced: Reduced, priors: PartPriors
) -> tuple[Array, list[float], list[float]]:
    """Rows a with a'beta ~ Normal(mean, sd) for every prior that isn't flat."""
    kept = reduced.problem.kept
    assert list(kept) == stated.kept["mean"]
    means = stated.design.X[:, kept].mean(axis=0)
    rows, mean, sd = [], [], []
    for place, assigned in enumerate(priors.fixed):
        if isinstance(assigned.prior, Normal):
            own = place == 0 and priors.centred
            rows.append(means if own else np.eye(len(kept))[place])
            mean.append(assigned.prior.mean)
            sd.append(assigned.prior.sd)
    return np.array(rows).reshape(len(rows), len(kept)), mean, sd


def _code(prior: Prior) -> tuple[int, float, float]:
    """Write a prior as the core has it."""
    match prior:
        case HalfNormal():
            return (1, prior.scale, 0.0)
        case HalfStudentT():
            return (2, prior.df, prior.scale)
        case HalfCauchy():
            return (2, 1.0, prior.scale)
        case Exponential():
            return (3, 1.0 / prior.rate, 0.0)
        case Gamma():
            return (4, prior.shape, prior.rate)
        case InverseGamma():
            return (5, prior.shape, prior.scale)
        case LogNormal():
            return (6, prior.mean, prior.sd)
        case Constant():
            return (7, prior.value, 0.0)
        case _:
            return (0, 0.0, 0.0)


def _gather(
    stated: Statement, reduced: Reduced, described: Array, beta: Array, effects: Array, how: Array
) -> Draws:
    design = stated.design
    fixef = np.full((*beta.shape[:2], len(design.columns)), np.nan)
    fixef[:, :, reduced.problem.kept] = beta
    terms = dict(_terms(design, reduced, described, effects))
    sd, corr, b = zip(*(terms[i] for i in range(len(terms))), strict=True) if terms else ((),) * 3
    part = PartDraws(fixef, sd, corr, b)
    stats = {name: how[:, :, i] for i, name in enumerate(_STATS)}
    return Draws({"mean": part}, {"sigma": described[:, :, -1]}, stats)


def _terms(
    design: Design, reduced: Reduced, described: Array, effects: Array
) -> Iterator[tuple[int, tuple[Array, Array, Array]]]:
    """Standard deviations, correlations and effects of every term, block by block of the core."""
    at = start = 0
    for block in reduced.blocks:
        J = len(design.random[block.terms[0]].factor.levels)
        width = sum(len(design.random[i].columns) for i in block.terms)
        own = effects[:, :, start : start + J * width].reshape(*effects.shape[:2], J, width)
        start += J * width
        first = 0
        for i in block.terms:
            k = len(design.random[i].columns)
            sd = described[:, :, at : at + k]
            corr = _correlations(described[:, :, at + k : at + k * (k + 1) // 2], k)
            yield i, (sd, corr, own[:, :, :, first : first + k])
            at += k * (k + 1) // 2
            first += k


def _correlations(lower: Array, k: int) -> Array:
    out = np.zeros((*lower.shape[:2], k, k))
    out[:, :] = np.eye(k)
    rows, columns = np.tril_indices(k, -1)
    out[:, :, rows, columns] = lower
    out[:, :, columns, rows] = lower
    return out
