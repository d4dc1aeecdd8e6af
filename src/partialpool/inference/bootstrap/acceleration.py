"""How skewed the influence of the groups on a statistic is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from partialpool.design import GroupingFactor
from partialpool.errors import PartialPoolError
from partialpool.inference.bootstrap.cases import without_unit
from partialpool.inference.protocol import LinearFit, RefittableFit
from partialpool.named import NamedVector

__all__ = ["find_acceleration"]

Array = NDArray[np.float64]
# Skewness is known well enough from so many groups.
_MOST = 500


def find_acceleration(
    fit: LinearFit,
    units: GroupingFactor | None,
    numbers: Callable[[RefittableFit], NamedVector],
    width: int,
) -> Array:
    """Compute the acceleration of BCa intervals by leaving groups out, one after the other.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    units
        The factor whose levels are left out; None for rows.
    numbers
        The statistic.
    width
        How many numbers it has.

    Returns
    -------
    (width,) array
        Zero where it can't be found.

    References
    ----------
    Davison & Hinkley (1997), Bootstrap Methods and their Application, equation 5.22 and
    section 3.2.1 for groups: the jackknife takes the place of the infinitesimal one.
    """
    size = len(fit.design.y) if units is None else len(units.levels)
    chosen = np.unique(np.linspace(0, size - 1, min(size, _MOST)).astype(int))
    values = []
    for unit in chosen:
        try:
            again = fit.with_design(without_unit(fit.design, units, int(unit)))
            values.append(numbers(again).values)
        except PartialPoolError:
            values.append(np.full(width, np.nan))
    table = np.array(values)
    known = np.isfinite(table)
    counts = np.maximum(known.sum(axis=0), 1)
    influence = np.where(known, table.sum(axis=0, where=known) / counts - table, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.sum(influence**3, axis=0) / (6.0 * np.sum(influence**2, axis=0) ** 1.5)
    return np.where(np.isfinite(found), found, 0.0)
