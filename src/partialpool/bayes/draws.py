"""Draws from a posterior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import free_scales
from partialpool.design import Design, RandomEffects
from partialpool.errors import UnknownNameError, did_you_mean
from partialpool.formula.structures import BY_LAG, UNCORRELATED, corr_label, sd_label
from partialpool.inference.parameters import ParameterName

__all__ = [
    "Draws",
    "NamedDraws",
    "PartDraws",
    "in_single_precision",
    "named_parameters",
    "parameter_names",
]

Array = NDArray[np.float64]


# Numbers of effects, draws times levels, from which on they are kept in single precision.
_MANY = 25_000_000


def in_single_precision(designs: Mapping[str, Design], draws: int) -> bool:
    """Whether so many draws of all effects are kept in single precision."""
    terms = [effects for design in designs.values() for effects in design.random]
    each = sum(len(effects.factor.levels) * len(effects.columns) for effects in terms)
    return each * draws > _MANY


@dataclass(frozen=True, slots=True, eq=False)
class PartDraws:
    """Draws of one linear predictor's parameters; C chains of D draws.

    Attributes
    ----------
    fixef : (C, D, p) array
        Coefficients; NaN of columns that others determine.
    sd
        Per random term (C, D, k): standard deviations of its effects.
    corr
        Per random term (C, D, k, k): their correlations.
    effects
        Per random term (C, D, J, k): the effects of every level. In single precision where
        there are more than 25 million, which is seven digits; nothing that is made of draws has
        as many.
    """

    fixef: Array
    sd: tuple[Array, ...]
    corr: tuple[Array, ...]
    effects: tuple[Array, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws of all parameters.

    Attributes
    ----------
    parts
        By linear predictor.
    scales
        Single numbers by their symbols, ``"sigma"`` (C, D).
    stats
        How every draw came about (C, D): ``accept``, ``step_size``, ``energy``,
        ``log_density``, ``steps``, ``depth``, ``diverging``.
    thresholds
        Those of an ordinal model by name, ``"low|high"`` (C, D), in order.
    """

    parts: Mapping[str, PartDraws]
    scales: Mapping[str, Array]
    stats: Mapping[str, Array]
    thresholds: Mapping[str, Array] = field(default_factory=dict)

    @property
    def chains(self) -> int:
        """Number of chains."""
        return int(self.parts["mean"].fixef.shape[0])

    @property
    def draws(self) -> int:
        """Draws in each chain."""
        return int(self.parts["mean"].fixef.shape[1])


class NamedDraws(dict[str, Array]):
    """Draws (C, D) by the parameter's name.

    Examples
    --------
    >>> NamedDraws({"Days": np.zeros((4, 1000))})["days"]
    Traceback (most recent call last):
        ...
    partialpool.errors.UnknownNameError: there is no parameter 'days'. Did you mean 'Days'?
    """

    def __missing__(self, name: object) -> Array:
        raise UnknownNameError(
            f"there is no parameter {name!r}.{did_you_mean(str(name), list(self))}"
        )


def named_parameters(designs: Mapping[str, Design], draws: Draws) -> NamedDraws:
    """Name every parameter that isn't a random effect: (C, D) each, in reading order."""
    return NamedDraws({name.label: values for name, values in _walk(designs, draws)})


def parameter_names(designs: Mapping[str, Design], draws: Draws) -> tuple[ParameterName, ...]:
    """Say what the parameters are, in the order of :func:`named_parameters`."""
    return tuple(name for name, _ in _walk(designs, draws))


def _walk(designs: Mapping[str, Design], draws: Draws) -> Iterator[tuple[ParameterName, Array]]:
    for label, values in draws.thresholds.items():
        yield ParameterName(label, "fixed", "", label, "thresholds"), values
    for part, design in designs.items():
        prefix = "" if part == "mean" else f"{part}."
        own = draws.parts[part]
        for i, column in enumerate(design.columns):
            name = ParameterName(f"{prefix}{column}", "fixed", "", column, part)
            yield name, own.fixef[:, :, i]
        for t, effects in enumerate(design.random):
            group = effects.factor.name
            for label, term, values in _covariance(f"{prefix}{group}", effects, own, t):
                yield ParameterName(label, "ran_pars", group, term, part), values
    for symbol, values in draws.scales.items():
        # As of a linear model, whose tables call sigma so; others go by their symbols.
        term = "sd__Observation" if symbol == "sigma" else symbol
        yield ParameterName(symbol, "ran_pars", "Residual", term, "mean"), values


def _covariance(
    group: str, effects: RandomEffects, own: PartDraws, t: int
) -> Iterator[tuple[str, str, Array]]:
    columns, structure = effects.columns, effects.term.structure
    if free_scales(effects) < len(columns):
        # One standard deviation for all effects has the term's name, and so does its prior.
        source = effects.term.source
        yield sd_label(group, source), f"sd__{source}", own.sd[t][:, :, 0]
    else:
        for c, column in enumerate(columns):
            yield sd_label(group, column), f"sd__{column}", own.sd[t][:, :, c]
    if structure in UNCORRELATED or len(columns) == 1:
        return
    if structure in BY_LAG:
        for lag in range(1, len(columns)):
            name = f"lag{lag}"
            yield corr_label(group, name), f"cor__{name}", own.corr[t][:, :, lag, 0]
        return
    if structure != "unstructured":
        yield f"corr({group})", f"cor__{effects.term.source}", own.corr[t][:, :, 1, 0]
        return
    for r, row in enumerate(columns):
        for c, column in enumerate(columns[:r]):
            yield corr_label(group, column, row), f"cor__{column}.{row}", own.corr[t][:, :, r, c]
