"""The penalty and the objective.

With u = omega v by level and column, w the shared coefficients::

    l2 ||u||_2 + l1 ||u||_1 + linf ||v||_inf + main_l2 ||w||_2

or with the squares of the two norms of length. A reweighted penalty takes the place of the
first by l2 sum_g u_g'D^-1 u_g, least over all D of trace one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError
from partialpool.shrinkage.layout import Layout

__all__ = ["Penalty", "deviation_rows", "penalty_value"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Penalty:
    """How much each norm costs.

    Attributes
    ----------
    l2, l1, linf
        For the deviations.
    main_l2
        For the shared coefficients.
    squared
        Whether ``l2`` and ``main_l2`` go with squared norms.
    reweight
        Whether the deviations' metric D is chosen too.
    """

    l2: float
    l1: float = 0.0
    linf: float = 0.0
    main_l2: float = 0.0
    squared: bool = False
    reweight: bool = False

    def __post_init__(self) -> None:
        for name in ("l2", "l1", "linf", "main_l2"):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, Real)
                or not 0 <= float(value) < np.inf
            ):
                raise DataError(f"{name} must be a number that is not negative, found {value!r}.")
        if self.reweight and self.l2 == 0:
            raise ModelError(
                "reweighted deviations are penalised by l2, which is 0. Give l2 a positive number."
            )
        if self.reweight and (self.l1 or self.linf or (self.main_l2 and not self.squared)):
            raise ModelError(
                "reweighted deviations go with l2 alone, or with l2 and a squared main_l2. Set "
                "l1, linf and main_l2 to 0, or reweight_deviations to False."
            )

    @property
    def ridge(self) -> bool:
        """Whether penalised least squares with one parameter gives the solution."""
        return not (self.l1 or self.linf) and (self.squared or not self.main_l2)

    def scaled(self, s: float) -> Penalty:
        """The penalty for u / s in place of u."""
        l2 = self.l2 * s**2 if self.squared or self.reweight else self.l2 * s
        return replace(self, l2=l2, l1=self.l1 * s)


def deviation_rows(layout: Layout, theta: Vector, shared: bool) -> list[Vector]:
    """U by rows (levels, columns) of each metric: one for all terms, or one for each.

    Parameters
    ----------
    layout, theta
        The coefficients.
    shared
        Whether all terms have the same columns and one metric.
    """
    u = layout.deviations(theta)
    return [np.concatenate(u)] if shared and len(u) > 1 else list(u)


def penalty_value(
    penalty: Penalty,
    layout: Layout,
    theta: Vector,
    omega: Vector,
    main: NDArray[np.bool_],
    shared: bool,
) -> float:
    """Value of the penalty.

    Parameters
    ----------
    penalty
        What each norm costs.
    layout, theta
        The coefficients.
    omega
        Weight of every deviation, in the layout's order.
    main : (p,) array of bool
        Which shared coefficients are penalised.
    shared
        Whether a reweighted penalty has one metric for all terms.
    """
    u, w = theta[layout.p :], theta[: layout.p][main]
    power = 2 if penalty.squared else 1
    total = penalty.main_l2 * float(np.linalg.norm(w)) ** power if penalty.main_l2 else 0.0
    if not len(u):
        return total
    total += penalty.l1 * float(np.abs(u).sum())
    total += penalty.linf * float(np.abs(u / omega).max()) if penalty.linf else 0.0
    if penalty.reweight:
        rows = deviation_rows(layout, theta, shared)
        nuclear = [np.linalg.svd(V, compute_uv=False).sum() for V in rows]
        return total + penalty.l2 * float(np.sum(np.square(nuclear)))
    return total + penalty.l2 * float(np.linalg.norm(u)) ** power
