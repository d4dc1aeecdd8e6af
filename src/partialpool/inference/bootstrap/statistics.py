"""The numbers of a fit that a bootstrap draws again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.formula.structures import list_spreads
from partialpool.inference.parameters import ParameterName, spread_value
from partialpool.inference.protocol import Components, RefittableFit
from partialpool.named import NamedVector

__all__ = ["Statistic", "evaluate", "reported", "reported_names"]

Array = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Any], Any]


def evaluate(statistic: Statistic, fit: Any) -> NamedVector:
    """Call a user's statistic and give its numbers names.

    Raises
    ------
    DataError
        If what it returns isn't numbers.
    """
    found = statistic(fit)
    try:
        if isinstance(found, NamedVector):
            return found
        if isinstance(found, Mapping):
            return NamedVector(tuple(map(str, found)), np.array(list(found.values()), dtype=float))
        values = np.atleast_1d(np.asarray(found, dtype=float)).ravel()
    except (TypeError, ValueError) as error:
        raise DataError(
            "statistic has to return a number, an array of numbers or a dict of numbers, found "
            f"{type(found).__name__}: {error}."
        ) from error
    base = getattr(statistic, "__name__", "statistic")
    base = base if base.isidentifier() else "statistic"  # "<lambda>"
    names = (base,) if len(values) == 1 else tuple(f"{base}[{i}]" for i in range(len(values)))
    return NamedVector(names, values)


def reported(fit: RefittableFit) -> NamedVector:
    """Coefficients, standard deviations and correlations of a generalized fit, by their labels."""
    found = list(_reported(fit))
    return NamedVector(tuple(p.label for p, _ in found), np.array([x for _, x in found]))


def reported_names(fit: RefittableFit) -> tuple[ParameterName, ...]:
    """Say which parameters :func:`reported` gives, in its order."""
    return tuple(p for p, _ in _reported(fit))


def _reported(fit: Any) -> Iterator[tuple[ParameterName, float]]:
    """Everything on the scale of the linear predictors.

    These have their names before the labels, save the mean's.
    """
    for part in fit.parts:
        prefix = "" if part == "mean" else f"{part}."
        for name, value in fit.fixef_of(part).items():
            yield ParameterName(f"{prefix}{name}", "fixed", "", name, part), value
        if part in fit.designs:
            yield from _spreads(fit.varcorr_of(part), prefix, part)


def _spreads(varcorr: Components, prefix: str, part: str) -> Iterator[tuple[ParameterName, float]]:
    for term in varcorr.terms:
        group = f"{prefix}{term.group}"
        for name in list_spreads(term.structure, term.columns):
            value = spread_value(term, name)
            label = name.label(group)
            yield ParameterName(label, "ran_pars", term.group, name.term, part), value
