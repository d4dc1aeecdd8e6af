"""The numbers of a fit that a bootstrap draws again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference.protocol import Components, RefittableFit
from partialpool.named import NamedVector

__all__ = ["Statistic", "evaluate", "reported"]

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
    """Coefficients, standard deviations and correlations as the fit's ``tidy()`` calls them.

    Those of a generalized fit's other linear predictors follow, on the scale of these and with
    the predictor's name before them: ``zero_inflation:Intercept``.
    """
    values = fit.fixef.to_dict() | _spreads(fit.varcorr)
    source: Any = fit
    for part in getattr(fit, "parts", ("mean",))[1:]:
        own = source.fixef_of(part).to_dict()
        if part in source.designs:
            own |= _spreads(source.varcorr_of(part))
        values |= {f"{part}:{name}": value for name, value in own.items()}
    return NamedVector(tuple(values), np.array(list(values.values())))


def _spreads(varcorr: Components) -> dict[str, float]:
    values = {}
    for term in varcorr.terms:
        for j, column in enumerate(term.columns):
            values[f"sd__{column}|{term.group}"] = float(term.sd[j])
            if term.structure in ("diagonal", "homdiag"):
                continue
            for i in range(j + 1, len(term.columns)):
                name = f"cor__{column}.{term.columns[i]}|{term.group}"
                values[name] = float(term.corr[i, j])
    return values
