"""Which prior every parameter has: the user's, or a default scaled to the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from partialpool.bayes.priors import LKJ, Constant, Flat, HalfStudentT, Normal, Prior, Uniform
from partialpool.bayes.reading import read_prior
from partialpool.bayes.scales import ResponseScale, effect_size, spread_of
from partialpool.design import Design, RandomEffects
from partialpool.errors import ModelError, did_you_mean
from partialpool.formula.structures import BY_DISTANCE, BY_LAG, OWN_SCALES, UNCORRELATED

__all__ = ["Assigned", "Assignment", "PartPriors", "TermPriors", "assign", "free_scales"]

# How many residual or linear-predictor units a coefficient may easily reach, as in rstanarm.
_WIDE = 2.5


@dataclass(frozen=True, slots=True)
class Assigned:
    """A parameter's prior.

    Attributes
    ----------
    parameter
        Its name.
    prior
        The distribution.
    own
        Whether the user gave it.
    """

    parameter: str
    prior: Prior
    own: bool


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


class _Given:
    """The user's priors, and which of them have been used."""

    def __init__(self, priors: Mapping[str, Any] | None) -> None:
        if priors is not None and not isinstance(priors, Mapping):
            raise ModelError(
                "priors must be a dict from parameters to priors, such as "
                f"{{'Days': 'normal(0, 10)', 'sd': 'half_normal(50)'}}, found {priors!r}."
            )
        self.priors = {key: read_prior(key, value) for key, value in (priors or {}).items()}
        self.used: set[str] = set()
        self.known: list[str] = []

    def find(self, parameter: str, keys: tuple[str, ...], support: str, default: Prior) -> Assigned:
        """Take the most particular of some keys, the first of which is the parameter."""
        self.known += keys
        for key in keys:
            if key in self.priors:
                prior = self.priors[key]
                # What is known is a single number: covariances are estimated.
                known = prior.support == "number" and support in _SINGLE and len(keys) == 1
                if prior.support not in (support, "any") and not known:
                    raise ModelError(
                        f"the prior {prior} of {key!r} is for {_KINDS[prior.support]}, but "
                        f"{parameter} is {_NUMBERS[support]}. Use one of {_CHOICES[support]}."
                    )
                if support in _FLAT and isinstance(prior, Flat):
                    prior = _FLAT[support]
                if support == "power" and isinstance(prior, Constant) and not 1 < prior.value < 2:
                    raise ModelError(
                        f"{parameter} must lie between 1 and 2, found {prior} in priors."
                    )
                self.used.add(key)
                return Assigned(parameter, prior, True)
        return Assigned(parameter, default, False)

    def refuse_unused(self, gone: set[str]) -> None:
        unused = [key for key in self.priors if key not in self.used and key not in self.known]
        for key in unused:
            if key in gone:
                raise ModelError(
                    f"priors has {key!r}, a column that was left out because it is a combination "
                    "of columns before it, so that it has no prior. Take it out of priors, or "
                    "out of the formula."
                )
        if unused:
            known = list(dict.fromkeys(self.known))
            shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
            raise ModelError(
                f"priors has {unused[0]!r}, which is no parameter of the model."
                f"{did_you_mean(unused[0], known)} Its parameters and classes are: {shown}."
            )


# What is one number by itself, and may be known.
_SINGLE = ("positive", "power")
# Where flat is a distribution.
_FLAT: Mapping[str, Prior] = {"correlation": LKJ(1.0), "power": Uniform(1.0, 2.0)}
_KINDS = {
    "real": "real numbers",
    "positive": "positive numbers",
    "correlation": "correlations",
    "number": "sigma and other single numbers",
    "power": "the power of a Tweedie variance",
}
_NUMBERS = {
    "real": "any number",
    "positive": "positive",
    "correlation": "a correlation matrix",
    "power": "between 1 and 2",
}
_CHOICES = {
    "real": "normal, student_t, flat",
    "positive": "half_normal, half_student_t, half_cauchy, exponential, gamma, inverse_gamma, "
    "log_normal, flat",
    "correlation": "lkj",
    "power": "uniform, constant",
}


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
    given = _Given(priors)
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
    part: str, design: Design, kept: list[int], scale: ResponseScale, given: _Given
) -> PartPriors:
    prefix = "" if part == "mean" else f"{part}."
    names = [design.columns[i] for i in kept]
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
        fixed.append(given.find(name, (name, f"{prefix}fixef"), "real", default))
    terms = tuple(_term(prefix, effects, scale, given) for effects in design.random)
    return PartPriors(tuple(fixed), centred, terms)


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


def _term(prefix: str, effects: RandomEffects, scale: ResponseScale, given: _Given) -> TermPriors:
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
