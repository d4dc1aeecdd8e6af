"""Every parameter by name: coefficients, standard deviations, correlations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import Refits

__all__ = [
    "Parameter",
    "list_parameters",
    "parameter_columns",
    "parameters_of",
    "term_parameters",
    "values_of",
]

Array = NDArray[np.float64]
Kind = Literal["fixed", "sd", "cor", "sigma"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """What one number of a fit is.

    Attributes
    ----------
    kind
        ``"fixed"``, a coefficient; ``"sd"`` or ``"cor"`` of random effects; ``"sigma"``, the
        residual standard deviation.
    term
        As in ``tidy()``: ``"Days"``, ``"sd__Days"``, ``"cor__Intercept.Days"``,
        ``"sd__Observation"``.
    group
        Grouping factor, empty for coefficients.
    position
        The coefficient's column, or the random term's number in the formula.
    effects
        The one or two effects of the random term, by their positions in it.
    component
        Of generalized models, the linear predictor: ``"mean"``, ``"dispersion"``, ...
    """

    kind: Kind
    term: str
    group: str = ""
    position: int = -1
    effects: tuple[int, ...] = ()
    component: str = ""

    @property
    def label(self) -> str:
        """One name among all: ``"Days"``, ``"sd__Days|Subject"``, ``"sigma"``.

        Those of other predictors than the mean have it before them, ``"dispersion:Intercept"``.
        """
        if self.kind == "sigma":
            return "sigma"
        name = f"{self.term}|{self.group}" if self.group else self.term
        return name if self.component in ("", "mean") else f"{self.component}:{name}"

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
    out = []
    group, columns = effects.factor.name, effects.columns
    correlated = effects.term.structure not in ("diagonal", "homdiag")
    for j, column in enumerate(columns):
        out.append(Parameter("sd", f"sd__{column}", group, position, (j,)))
        for i in range(j + 1, len(columns) if correlated else 0):
            name = f"cor__{column}.{columns[i]}"
            out.append(Parameter("cor", name, group, position, (i, j)))
    return out


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
            columns.append(np.clip(corr, -1.0, 1.0))
    return np.stack(columns, axis=1)


def parameters_of(fit: GaussianFit, refits: Refits | None = None) -> Array:
    """Compute the parameters of a fit (1, number), or of many refits of it (r, number)."""
    design, solution = fit.design, fit.solution
    names = list_parameters(design, solution.likelihood.sigma is None)
    if refits is not None:
        return values_of(names, refits.beta, refits.sigma, refits.factors)
    factors = tuple(solution.factor(i)[None] for i in range(len(design.random)))
    return values_of(names, fit.fixef.values[None], np.array([solution.sigma]), factors)


def parameter_columns(parameters: tuple[Parameter, ...]) -> dict[str, NDArray[Any]]:
    """Columns that say which parameter a row of a table is about."""
    component = {}
    if any(p.component for p in parameters):
        component["component"] = np.array([p.component for p in parameters], dtype=object)
    return {
        "effect": np.array([p.effect for p in parameters], dtype=object),
        **component,
        "group": np.array([p.group for p in parameters], dtype=object),
        "term": np.array([p.term for p in parameters], dtype=object),
    }
