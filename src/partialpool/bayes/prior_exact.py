"""Prior densities that are known without drawing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.densities import prior_density
from partialpool.bayes.priors import LKJ, Flat, Normal, Prior

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["Coefficients", "coefficients_of", "exact_prior_density"]

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
    if len(taking) == 1:
        prior, weight = taking[0]
        if isinstance(prior, Flat):
            return None
        return prior_density(prior, x / weight) / abs(weight)
    if not all(isinstance(prior, Normal) for prior, _ in taking):
        return None
    mean = sum(w * prior.mean for prior, w in taking if isinstance(prior, Normal))
    sd = np.sqrt(sum((w * prior.sd) ** 2 for prior, w in taking if isinstance(prior, Normal)))
    return prior_density(Normal(float(mean), float(sd)), x)


def _independent(fit: BayesFit, combination: Coefficients) -> Iterator[tuple[Prior, float]]:
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
            yield assigned.prior, float(weight)


def _means(X: Array) -> Array:
    """Columns' means; those of centred columns are zero but for rounding."""
    means = X.mean(axis=0)
    return np.where(np.abs(means) > _ROUNDING * np.abs(X).max(axis=0), means, 0.0)


def _own(fit: BayesFit, weights: Mapping[str, float], x: float) -> float | None:
    """Density of a parameter that has a prior of its own and is no coefficient."""
    if len(weights) > 1:
        return None
    ((name, weight),) = weights.items()
    own = {a.parameter: a.prior for a in fit.statement.priors.everything()}
    prior = own.get(name)
    # Thresholds rise, and their priors hold at the columns' means.
    if prior is None or isinstance(prior, (Flat, LKJ)) or name in fit.draws.thresholds:
        return None
    return prior_density(prior, x / weight) / abs(weight)
