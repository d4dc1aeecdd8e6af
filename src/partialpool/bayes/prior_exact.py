"""Prior densities that are known without drawing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.densities import prior_density
from partialpool.bayes.given_priors import Assigned
from partialpool.bayes.priors import LKJ, Flat, Normal
from partialpool.errors import ModelError
from partialpool.formula.structures import corr_label

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["Coefficients", "coefficients_of", "exact_prior_density", "refuse_flat"]

Array = NDArray[np.float64]
# Sums that cancel to less than this are zero.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """A combination of one linear predictor's coefficients.

    Attributes
    ----------
    part
        Name of the predictor.
    weights : (p,) array
        Of every column that is kept.
    """

    part: str
    weights: Array


def coefficients_of(fit: BayesFit, weights: Mapping[str, float]) -> Coefficients | None:
    """Return a combination of parameters as one of coefficients; None if it is of others too."""
    for part, design in fit.designs.items():
        prefix = "" if part == "mean" else f"{part}."
        names = [f"{prefix}{design.columns[i]}" for i in fit.statement.kept[part]]
        if all(name in names for name in weights):
            return Coefficients(part, np.array([weights.get(name, 0.0) for name in names]))
    return None


def exact_prior_density(fit: BayesFit, weights: Mapping[str, float], x: float) -> float | None:
    """Prior density of a combination of parameters at x; None where only draws have it.

    Coefficients have independent priors but for an intercept, whose prior is of the predictor at
    the columns' means: a combination of these is normal if all that take part are, and a lone
    one has its own density.
    """
    combination = coefficients_of(fit, weights)
    if combination is None:
        return _own(fit, weights, x)
    taking = list(_independent(fit, combination))
    refuse_flat([assigned for assigned, _ in taking])
    if len(taking) == 1:
        assigned, weight = taking[0]
        return prior_density(assigned.prior, x / weight) / abs(weight)
    normal = [(a.prior, w) for a, w in taking if isinstance(a.prior, Normal)]
    if len(normal) < len(taking):
        return None
    mean = sum(w * prior.mean for prior, w in normal)
    sd = np.sqrt(sum((w * prior.sd) ** 2 for prior, w in normal))
    return prior_density(Normal(float(mean), float(sd)), x)


def refuse_flat(priors: Iterable[Assigned]) -> None:
    """Refuse a ratio of densities where a prior has none."""
    for assigned in priors:
        if isinstance(assigned.prior, Flat):
            raise ModelError(
                f"the prior of {assigned.parameter!r} is flat, which is no distribution, so that "
                "no data can be likelier under one value than under the model. Fit with a proper "
                "prior, chosen with care: the ratio depends on it."
            )


def _independent(fit: BayesFit, combination: Coefficients) -> Iterator[tuple[Assigned, float]]:
    """Weights of the combination on what has a prior of its own."""
    part, own = combination.part, combination.weights
    priors = fit.statement.priors.parts[part]
    shift = np.zeros(len(own))
    if priors.centred:
        shift[1:] = own[0] * _means(fit.designs[part].X[:, fit.statement.kept[part]])[1:]
    left = own - shift
    left[np.abs(left) <= _ROUNDING * (np.abs(own) + np.abs(shift))] = 0.0
    for assigned, weight in zip(priors.fixed, left, strict=True):
        if weight != 0.0:
            yield assigned, float(weight)


def _means(X: Array) -> Array:
    """Columns' means; those of centred columns are zero but for rounding."""
    means = X.mean(axis=0)
    return np.where(np.abs(means) > _ROUNDING * np.abs(X).max(axis=0), means, 0.0)


def _own(fit: BayesFit, weights: Mapping[str, float], x: float) -> float | None:
    """Density of a parameter that has a prior of its own and is no coefficient."""
    if len(weights) > 1:
        return None
    ((name, weight),) = weights.items()
    own = {a.parameter: a for a in fit.statement.priors.everything()}
    if name.startswith("corr("):
        density = _of_correlation(fit, name, x / weight)
        return None if density is None else density / abs(weight)
    # Thresholds rise, and their priors hold at the columns' means.
    if name not in own or isinstance(own[name].prior, LKJ) or name in fit.draws.thresholds:
        return None
    refuse_flat([own[name]])
    return prior_density(own[name].prior, x / weight) / abs(weight)


def _of_correlation(fit: BayesFit, name: str, x: float) -> float | None:
    """Density of a correlation of an unstructured term: of k effects beta(eta + k/2 - 1).

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Journal of Multivariate Analysis 100, 1989-2001.
    """
    from scipy import stats

    for part, design in fit.designs.items():
        prefix = "" if part == "mean" else f"{part}."
        priors = fit.statement.priors.parts[part].terms
        for effects, term in zip(design.random, priors, strict=True):
            if term.correlation is None or effects.term.structure != "unstructured":
                continue
            group, prior = f"{prefix}{effects.factor.name}", term.correlation.prior
            pairs = combinations(effects.columns, 2)
            if isinstance(prior, LKJ) and name in {corr_label(group, a, b) for a, b in pairs}:
                shape = prior.eta + 0.5 * len(effects.columns) - 1.0
                return float(stats.beta.pdf(x, shape, shape, loc=-1.0, scale=2.0))
    return None
