"""Every parameter by name: coefficients, standard deviations, correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Decay, Design, RandomEffects
from partialpool.formula.structures import SpreadName, corr_label, list_spreads, sd_label
from partialpool.inference.protocol import Component, GaussianFit
from partialpool.solve import Refits

__all__ = [
    "Named",
    "Parameter",
    "ParameterName",
    "fixed_columns",
    "list_parameters",
    "parameter_columns",
    "parameters_of",
    "spread_value",
    "term_parameters",
    "values_of",
]

Array = NDArray[np.float64]
Kind = Literal["fixed", "sd", "cor", "decay", "sigma"]


class Named(Protocol):
    """What a table says of the parameter in a row."""

    @property
    def label(self) -> str:
        """Its one name among all."""

    @property
    def component(self) -> str:
        """Linear predictor of a generalized model; empty for a linear one."""

    @property
    def effect(self) -> str:
        """``"fixed"`` or ``"ran_pars"``."""

    @property
    def group(self) -> str:
        """Grouping factor, empty for coefficients."""

    @property
    def term(self) -> str:
        """``"Days"``, ``"sd__Days"``."""


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A parameter's place in tables, and its one name among all.

    Attributes
    ----------
    label
        ``"Days"``, ``"sd(Subject.Days)"``, ``"zero_inflation.Intercept"``.
    effect, group, term, component
        As in ``tidy()``.
    """

    label: str
    effect: str
    group: str
    term: str
    component: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one number of a fit is.

    Attributes
    ----------
    kind
        ``"fixed"``, a coefficient; ``"sd"`` or ``"cor"`` of random effects, ``"decay"`` for the
        rate or range of their correlations; ``"sigma"``, the residual standard deviation.
    term
        As in ``tidy()``: ``"Days"``, ``"sd__Days"``, ``"cor__Intercept.Days"``,
        ``"sd__Observation"``.
    group
        Grouping factor, empty for coefficients.
    position
        The coefficient's column, or the random term's number in the formula.
    effects
        The one or two effects of the random term, by their positions in it.
    columns
        Their names, in the order of the term's; of a correlation by lag that, ``"lag1"``.
    component
        Linear predictor of a generalized model; empty for a linear one.
    decay
        Of a rate or range, how it follows from the correlation of the two effects.
    """

    kind: Kind
    term: str
    group: str = ""
    position: int = -1
    effects: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    component: str = ""
    decay: Decay | None = None

    @property
    def label(self) -> str:
        """One name among all: ``"Days"``, ``"sd(Subject.Days)"``, ``"sigma"``.

        Those of other predictors than the mean have it before them, ``"dispersion.Intercept"``.
        """
        prefix = "" if self.component in ("", "mean") else f"{self.component}."
        if self.kind == "sd":
            return sd_label(f"{prefix}{self.group}", *self.columns)
        if self.kind == "cor":
            return corr_label(f"{prefix}{self.group}", *self.columns)
        if self.decay is not None:
            return corr_label(f"{prefix}{self.group}", *self.columns, symbol=self.decay.name)
        return "sigma" if self.kind == "sigma" else f"{prefix}{self.term}"

    @property
    def effect(self) -> str:
        """Which part of ``tidy()`` it stands in."""
        return "fixed" if self.kind == "fixed" else "ran_pars"


def list_parameters(design: Design, sigma: bool = True) -> tuple[Parameter, ...]:
    """Name the parameters in the order of ``tidy()``."""
    fixed = [Parameter("fixed", name, "", i) for i, name in enumerate(design.columns)]
    random = [p for i, term in enumerate(design.random) for p in term_parameters(i, term)]
    last = [Parameter("sigma", "sd__Observation", "Residual")] if sigma else []
    return (*fixed, *random, *last)


def term_parameters(position: int, effects: RandomEffects) -> list[Parameter]:
    """Name the standard deviations and correlations of a random term."""
    group, decay = effects.factor.name, effects.decay
    pair = (1, 0) if decay is None else decay.pair
    return [
        Parameter(
            name.kind,
            name.term,
            group,
            position,
            name.effects,
            name.columns,
            decay=decay if name.kind == "decay" else None,
        )
        for name in list_spreads(effects.term.structure, effects.columns, pair)
    ]


def spread_value(term: Component, name: SpreadName) -> float:
    """Read a standard deviation, a correlation, or a rate or range off a term's components."""
    if name.kind == "decay":
        return float("nan") if term.decay is None else term.decay
    return float(term.sd[name.effects] if name.kind == "sd" else term.corr[name.effects])


def values_of(
    parameters: tuple[Parameter, ...], beta: Array, sigma: Array, factors: tuple[Array, ...]
) -> Array:
    """Compute the parameters of r fits.

    Parameters
    ----------
    parameters
        Of :func:`list_parameters`.
    beta : (r, p) array
        Coefficients.
    sigma : (r,) array
        Residual standard deviations.
    factors
        Relative factors Lambda (r, k, k) of the random terms.

    Returns
    -------
    (r, number of parameters) array
        Correlations beside a standard deviation of zero are NaN.
    """
    relative = [np.einsum("rij,rkj->rik", f, f) for f in factors]
    sizes = [np.sqrt(np.einsum("rii->ri", s)) for s in relative]
    columns = []
    for parameter in parameters:
        if parameter.kind == "fixed":
            columns.append(beta[:, parameter.position])
        elif parameter.kind == "sigma":
            columns.append(sigma)
        elif parameter.kind == "sd":
            columns.append(sigma * sizes[parameter.position][:, parameter.effects[0]])
        else:
            i, j = parameter.effects
            size = sizes[parameter.position]
            with np.errstate(divide="ignore", invalid="ignore"):
                corr = relative[parameter.position][:, i, j] / (size[:, i] * size[:, j])
            corr = np.clip(corr, -1.0, 1.0)
            columns.append(corr if parameter.decay is None else parameter.decay.value(corr))
    return np.stack(columns, axis=1)


def parameters_of(fit: GaussianFit, refits: Refits | None = None) -> Array:
    """Compute the parameters of a fit (1, number), or of many refits of it (r, number)."""
    design, solution = fit.design, fit.solution
    names = list_parameters(design, solution.likelihood.sigma is None)
    if refits is not None:
        return values_of(names, refits.beta, refits.sigma, refits.factors)
    factors = tuple(solution.factor(i)[None] for i in range(len(design.random)))
    return values_of(names, fit.fixef.values[None], np.array([solution.sigma]), factors)


def parameter_columns(parameters: Sequence[Named]) -> dict[str, NDArray[Any]]:
    """Columns that say which parameter a row of a table is about."""
    names = ["effect", "component", "group", "term"]
    if not any(p.component for p in parameters):
        names.remove("component")
    return {n: np.array([getattr(p, n) for p in parameters], dtype=object) for n in names}


def fixed_columns(names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The same columns for coefficients, by their names."""
    return parameter_columns([Parameter("fixed", name) for name in names])
