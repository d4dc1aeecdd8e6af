"""Arguments of a generalized model that don't go together."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, get_args

import numpy as np

from partialpool.design import Design
from partialpool.errors import DataError, ModelError
from partialpool.families import ResponseFamily, Zero
from partialpool.formula import Formula
from partialpool.generalized.approximation import Method

__all__ = [
    "MOST_DIMENSIONS",
    "check_information",
    "check_options",
    "check_parts",
    "check_quadrature",
    "wants_free_scale",
]

MOST_DIMENSIONS = 3


def check_options(
    method: Any, quadrature: Any, reml: Any, information: Any, penalty: Any, missing: Any
) -> None:
    """Refuse values that no model has.

    Raises
    ------
    DataError
        Naming the argument, what was found and what is needed.
    """
    if method not in get_args(Method):
        raise DataError(f"method must be 'laplace', 'pql' or 'joint', found {method!r}.")
    if isinstance(quadrature, bool) or not isinstance(quadrature, Integral) or quadrature < 1:
        raise DataError(
            "quadrature must be a whole number of nodes, 1 for the Laplace approximation, found "
            f"{quadrature!r}."
        )
    if not isinstance(reml, (bool, np.bool_)):
        raise DataError(f"reml must be True or False, found {reml!r}.")
    if information not in ("observed", "expected"):
        raise DataError(f"information must be 'observed' or 'expected', found {information!r}.")
    if missing not in ("error", "drop"):
        raise DataError(f"missing must be 'error' or 'drop', found {missing!r}.")
    number = isinstance(penalty, Real) and not isinstance(penalty, bool)
    if penalty is not None and not (number and 0 < float(penalty) < np.inf):
        raise DataError(
            "penalty must be a positive number, the standard deviation of a normal prior on the "
            f"coefficients, or None, found {penalty!r}."
        )
    _check_combination(method, int(quadrature), bool(reml), information)


def _check_combination(method: Method, quadrature: int, reml: bool, information: str) -> None:
    if quadrature > 1 and method != "laplace":
        raise ModelError(
            f"quadrature={quadrature} refines the Laplace approximation, but method is {method!r}. "
            "Leave method out, or quadrature."
        )
    if quadrature > 1 and reml:
        raise ModelError(
            f"reml=True integrates the fixed effects out by Laplace's method, which "
            f"quadrature={quadrature} doesn't reach. Use one of the two."
        )
    if quadrature > 1 and information == "expected":
        raise ModelError(
            "information='expected' is the Laplace approximation of lme4's glmer; with "
            f"quadrature={quadrature} there is none. Leave it out."
        )
    if reml and information == "expected":
        raise ModelError(
            "information='expected' is the Laplace approximation of lme4's glmer, which has no "
            "REML. Leave information out, or reml."
        )
    if method == "pql" and information == "expected":
        raise ModelError(
            "information='expected' is for the Laplace approximation; penalised quasi-likelihood "
            "always uses it. Leave it out."
        )


def check_parts(family: ResponseFamily, formulas: Mapping[str, Formula], method: Method) -> None:
    """Refuse formulas for parts that a family doesn't have.

    Raises
    ------
    ModelError
        Naming the family and what it has.
    """
    if method == "pql":
        _check_quasi(family, formulas)
    elif "dispersion" in formulas and "dispersion" not in family.parts():
        raise ModelError(
            f"dispersion= is for families with a dispersion, but {family.name} has none. For "
            "counts that vary more use 'nbinom2', for successes 'betabinomial'."
        )


def _check_quasi(family: ResponseFamily, formulas: Mapping[str, Formula]) -> None:
    if family.name not in (*_FREE_SCALE, "gaussian", "gamma", "inverse_gaussian"):
        raise ModelError(
            "method='pql' is for binomial, Poisson, Gaussian, gamma and inverse Gaussian models, "
            f"found {family.name}. Use method='laplace'."
        )
    others = [name for name in formulas if name != "mean"]
    if others == ["dispersion"] and wants_free_scale(family, formulas):
        return
    if others:
        raise ModelError(
            f"method='pql' models the mean only, found {others[0]}="
            f"{formulas[others[0]].text!r}. Use method='laplace', or dispersion='~ 1' for a scale "
            "that binomial and Poisson models don't have."
        )


def check_information(
    family: ResponseFamily, zero: Zero, designs: Mapping[str, Design], information: str
) -> None:
    """Refuse expected information where it isn't defined as lme4 has it.

    Raises
    ------
    ModelError
        Naming the family, or the predictor with random effects.
    """
    if information != "expected":
        return
    if family.name not in _EXPECTED or zero != "none":
        zeros = "" if zero == "none" else " with zero_inflation="
        raise ModelError(
            f"information='expected' is known for {', '.join(_EXPECTED)} models, found "
            f"{family.name}{zeros}. Leave it out."
        )
    for name, design in designs.items():
        if name != "mean" and design.random:
            raise ModelError(
                "information='expected' is for random effects of the mean, but the model has "
                f"{design.random[0].term.source} in {name}=. Leave information out."
            )


_EXPECTED = ("gaussian", "gamma", "inverse_gaussian", "binomial", "poisson", "nbinom2")


def wants_free_scale(family: ResponseFamily, formulas: Mapping[str, Formula]) -> bool:
    """Whether ``dispersion="~ 1"`` asks for a scale that the family itself doesn't have."""
    asked = formulas.get("dispersion")
    plain = asked is not None and asked.fixed == "1" and not (asked.random or asked.offsets)
    return plain and family.name in _FREE_SCALE


_FREE_SCALE = ("binomial", "poisson")


def check_quadrature(designs: Mapping[str, Design], nodes: int) -> None:
    """Refuse quadrature where the integral is of too many dimensions.

    Raises
    ------
    ModelError
        Naming the factors or the number of effects.
    """
    if nodes == 1:
        return
    random = [effects for design in designs.values() for effects in design.random]
    groups = list(dict.fromkeys(effects.factor.name for effects in random))
    if len(groups) > 1:
        raise ModelError(
            f"quadrature={nodes} needs one grouping factor, whose levels can be integrated one by "
            f"one, but the model has {', '.join(groups)}. Use quadrature=1."
        )
    k = sum(len(effects.columns) for effects in random)
    if k > MOST_DIMENSIONS:
        raise ModelError(
            f"quadrature={nodes} is for up to {MOST_DIMENSIONS} random effects for each level, "
            f"but {groups[0]} has {k}, which would take {nodes}^{k} nodes. Use quadrature=1."
        )
    if not random:
        raise ModelError(
            f"quadrature={nodes} integrates over random effects, but the model has none."
        )
