"""Which prior every parameter has: the user's, or a default scaled to the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partialpool.bayes.given_priors import Assigned, GivenPriors
from partialpool.bayes.priors import LKJ, HalfStudentT, Normal, Prior
from partialpool.bayes.scales import ResponseScale, effect_size, spread_of
from partialpool.design import Design, RandomEffects
from partialpool.errors import ModelError
from partialpool.formula.structures import BY_DISTANCE, BY_LAG, OWN_SCALES, UNCORRELATED
from partialpool.inference.hypotheses.fixed_terms import fixed_terms

__all__ = ["Assigned", "Assignment", "PartPriors", "TermPriors", "assign", "free_scales"]

# How many residual or linear-predictor units a coefficient may easily reach, as in rstanarm.
_WIDE = 2.5


@dataclass(frozen=True, slots=True)
class TermPriors:
    """Priors of one random term: of its free standard deviations, and of its correlations."""

    scales: tuple[Assigned, ...]
    correlation: Assigned | None


@dataclass(frozen=True, slots=True)
class PartPriors:
    """Priors of one linear predictor.

    Attributes
    ----------
    fixed
        Of every column that is kept, in order.
    centred
        Whether the first is of the linear predictor at the columns' means, and not of the
        intercept itself.
    terms
        Of every random term.
    """

    fixed: tuple[Assigned, ...]
    centred: bool
    terms: tuple[TermPriors, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every prior of a model.

    Attributes
    ----------
    parts
        By linear predictor.
    scales
        Of single numbers such as ``sigma``.
    thresholds
        Of an ordinal model's thresholds at the columns' means, which are these distributions
        given that they rise.
    """

    parts: Mapping[str, PartPriors]
    scales: Mapping[str, Assigned]
    thresholds: tuple[Assigned, ...] = ()

    def everything(self) -> list[Assigned]:
        """List all of them in the order of the summary."""
        out = list(self.thresholds)
        for part in self.parts.values():
            out += part.fixed
            for term in part.terms:
                out += term.scales
                out += [term.correlation] if term.correlation else []
        return out + list(self.scales.values())


def assign(
    designs: Mapping[str, Design],
    kept: Mapping[str, list[int]],
    scales: Mapping[str, Prior],
    scale: ResponseScale,
    priors: Mapping[str, Any] | None,
    thresholds: tuple[str, ...] = (),
) -> Assignment:
    """Give every parameter its prior.

    Parameters
    ----------
    designs
        The linear predictors by name, the mean first.
    kept
        Columns of each that aren't combinations of others.
    scales
        Defaults of single numbers, by their names.
    scale
        Of the mean's linear predictor.
    priors
        The user's, by parameter or class.
    thresholds
        Names of an ordinal model's thresholds.

    Raises
    ------
    ModelError
        If a key is no parameter or a prior doesn't go with it.
    """
    given = GivenPriors(priors)
    # Where categories lie thresholds say, and not the coefficients.
    between = Normal(0.0 - scale.centre, _WIDE * scale.unit)
    cuts = tuple(given.find(name, (name, "thresholds"), "real", between) for name in thresholds)
    if thresholds:
        scale = replace(scale, centre=0.0)
    parts = {
        name: _part(name, design, kept[name], scale if name == "mean" else _LOG, given)
        for name, design in designs.items()
    }
    numbers = {name: given.find(name, (name,), p.support, p) for name, p in scales.items()}
    given.refuse_unused(
        {
            column if name == "mean" else f"{name}.{column}"
            for name, design in designs.items()
            for i, column in enumerate(design.columns)
            if i not in kept[name]
        }
    )
    return Assignment(parts, numbers, cuts)


_LOG = ResponseScale(0.0, 1.0, 2.5)


def _part(
    part: str, design: Design, kept: list[int], scale: ResponseScale, given: GivenPriors
) -> PartPriors:
    prefix = "" if part == "mean" else f"{part}."
    names = [design.columns[i] for i in kept]
    terms_of = _terms_of(design, prefix)
    centred = bool(names) and names[0] == "Intercept"
    fixed = []
    for place, i in enumerate(kept):
        name = f"{prefix}{names[place]}"
        wide = _WIDE * scale.unit
        if centred and place == 0:
            fixed.append(given.find(name, (name,), "real", Normal(scale.centre, wide)))
            continue
        # Without an intercept the columns of a factor are levels, which lie where the response is.
        middle = scale.centre if not centred and _is_level(design.X[:, i]) else 0.0
        default = Normal(middle, wide / spread_of(design.X[:, i]))
        if middle:
            default = Normal(middle, wide)
        keys = tuple(dict.fromkeys((name, *terms_of.get(i, ()), f"{prefix}fixef")))
        fixed.append(given.find(name, keys, "real", default))
    terms = tuple(_term(prefix, effects, scale, given) for effects in design.random)
    return PartPriors(tuple(fixed), centred, terms)


def _terms_of(design: Design, prefix: str) -> dict[int, tuple[str, ...]]:
    """Name the term that every column of the fixed effects belongs to."""
    return {
        int(column): (f"{prefix}{term.name}",)
        for term in fixed_terms(design.spec)
        for column in term.columns
    }


def _is_level(column: Any) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def free_scales(effects: RandomEffects) -> int:
    """Count the standard deviations that a term's structure leaves free."""
    return len(effects.columns) if effects.term.structure in OWN_SCALES else 1


def _refuse_distances(effects: RandomEffects) -> None:
    if effects.term.structure in BY_DISTANCE:
        raise ModelError(
            f"bmm() has no prior for how fast the correlations of {effects.term.source} fall with "
            "distance. Fit it by lmm() or glmm(), or take ar1(), toep() or an unstructured term."
        )


def _term(
    prefix: str, effects: RandomEffects, scale: ResponseScale, given: GivenPriors
) -> TermPriors:
    group = f"{prefix}{effects.factor.name}"
    _refuse_distances(effects)
    scales = []
    for c in range(free_scales(effects)):
        column = effects.columns[c] if free_scales(effects) > 1 else _common(effects)
        name = f"sd({group}.{column})"
        default = HalfStudentT(3.0, scale.effects / effect_size(effects, c))
        scales.append(given.find(name, (name, f"sd({group})", f"{prefix}sd"), "positive", default))
    correlated = effects.term.structure not in UNCORRELATED and len(effects.columns) > 1
    if not correlated:
        return TermPriors(tuple(scales), None)
    keys = (f"corr({group})", f"{prefix}corr")
    correlation = given.find(keys[0], keys, "correlation", LKJ(1.0))
    _refuse_improper(effects, correlation.prior)
    return TermPriors(tuple(scales), correlation)


def _refuse_improper(effects: RandomEffects, prior: Prior) -> None:
    # |R| has the first partial autocorrelation to the power of k - 1.
    k = len(effects.columns)
    if effects.term.structure not in BY_LAG or not isinstance(prior, LKJ):
        return
    if not (k - 1) * (prior.eta - 1.0) > -1.0:
        raise ModelError(
            f"lkj({prior.eta:g}) is no distribution of the correlations of {effects.term.source}: "
            f"with {k} effects eta has to be above {1 - 1 / (k - 1):.3g}. Give a larger eta."
        )


def _common(effects: RandomEffects) -> str:
    """Name the one standard deviation of a term: its column's, or that of all."""
    return effects.columns[0] if len(effects.columns) == 1 else effects.term.source
