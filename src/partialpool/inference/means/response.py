"""Means of a response that aren't the inverse link of one linear predictor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec, Typical
from partialpool.errors import NotAvailableError
from partialpool.inference.ddf import DDF
from partialpool.inference.ddf.estimable import estimable
from partialpool.inference.means.estimates import Link, ends_through
from partialpool.inference.means.grid import Cells, Grid, matrix_at, slope_matrix
from partialpool.inference.protocol import Fit
from partialpool.inference.wald import Contrasts, two_sided

__all__ = [
    "MeanRows",
    "ResponseMean",
    "averaged",
    "derivative_along",
    "mean_rows",
    "only_normal",
    "slope_tests",
    "typical_of",
]

Vector = NDArray[np.float64]
Predictors = Mapping[str, Vector]
Function = Callable[[Predictors], Vector]
# Of differences, once: half the digits; twice: a quarter, at an error of its square.
_STEP, _WIDE_STEP = 6e-6, 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class ResponseMean:
    """How a response's mean follows from the coefficients of all linear predictors.

    Attributes
    ----------
    predictors
        Those that have a formula and move it, by part, the mean's first.
    beta
        Coefficients of all parts that move it, zero for those left out; one for a part that is a
        number.
    vcov : (P, P) array
        Covariance of all of these, in their order.
    function
        The response's mean for linear predictors by part.
    link
        Of the mean's linear predictor: intervals are made on its scale.
    """

    predictors: Mapping[str, Fit]
    beta: Mapping[str, Vector]
    vcov: Vector
    function: Function
    link: Link

    @property
    def typical(self) -> dict[str, Typical]:
        """Levels and means of the columns of all its linear predictors."""
        return typical_of({part: p.design.spec for part, p in self.predictors.items()})


@dataclass(frozen=True, slots=True, eq=False)
class MeanRows:
    """Means of a response at averages of its linear predictors.

    Attributes
    ----------
    of
        What they are means of.
    columns : by part, (m, p) arrays
        Combinations of each part's coefficients; NaN where the data determine none.
    offset
        Of the mean's linear predictor.
    """

    of: ResponseMean
    columns: Mapping[str, Vector]
    offset: float

    @property
    def eta(self) -> dict[str, Vector]:
        """Linear predictors (m,) by part."""
        out = {part: L @ self.of.beta[part] for part, L in self.columns.items()}
        out["mean"] = out["mean"] + self.offset
        return out

    @property
    def values(self) -> Vector:
        """The means (m,)."""
        return self.of.function(self.eta)

    @property
    def jacobian(self) -> Vector:
        """Derivatives (m, P) in all coefficients."""
        slopes = _derivatives(self.of.function, self.eta, _STEP)
        return np.hstack([slopes[part][:, None] * L for part, L in self.columns.items()])

    def table(self, level: float) -> dict[str, Vector]:
        """Means with errors by the delta method, and intervals on the link's scale."""
        values, J = self.values, self.jacobian
        error = _errors(J, self.of.vcov)
        z = NormalDist().inv_cdf(0.5 + 0.5 * level)
        low, high = ends_through(self.of.link, values, error, z)
        df = np.where(np.isnan(values), np.nan, np.inf)
        return {
            "estimate": values,
            "std_error": error,
            "df": df,
            "conf_low": low,
            "conf_high": high,
        }

    def differences(self, weights: Vector, rows: slice) -> Contrasts:
        """Test contrasts (c, m) of the means at some places."""
        J = self.jacobian[rows]
        return _tests(weights @ self.values[rows], weights @ J, self.of.vcov)


def typical_of(specs: Mapping[str, DesignSpec]) -> dict[str, Typical]:
    """Levels and means of the columns of several linear predictors, the mean's first."""
    out: dict[str, Typical] = {}
    for spec in specs.values():
        out |= {name: known for name, known in spec.typical.items() if name not in out}
    return out


def averaged(
    predictors: Mapping[str, Fit], cells: Cells, table: Mapping[str, NDArray[Any]]
) -> dict[str, Vector]:
    """Combinations (m, p) of every predictor's coefficients; NaN where the data determine none."""
    out = {}
    for part, predictor in predictors.items():
        L = matrix_at(predictor.design.spec, table)
        # One row of intercepts stands for all.
        L = cells.average @ np.broadcast_to(L, (cells.average.shape[1], L.shape[1]))
        out[part] = np.where(estimable(predictor, L).ok[:, None], L, np.nan)
    return out


def mean_rows(
    mean: ResponseMean, cells: Cells, table: Mapping[str, NDArray[Any]], offset: float
) -> MeanRows:
    """Average the linear predictors over a grid."""
    columns = averaged(mean.predictors, cells, table)
    one = np.ones((len(cells.average), 1))
    return MeanRows(mean, {part: columns.get(part, one) for part in mean.beta}, offset)


def slope_tests(
    rows: MeanRows, cells: Cells, variable: str, known: Typical, grid: Grid
) -> Contrasts:
    """Derivatives of the response's mean in a covariate, through all linear predictors."""
    mean = rows.of
    along = {
        part: cells.average @ slope_matrix(predictor.design.spec, variable, known, grid)
        for part, predictor in mean.predictors.items()
    }
    m = len(cells.average)
    along = {p: along.get(p, np.zeros((m, len(beta)))) for p, beta in mean.beta.items()}
    direction = {part: D @ mean.beta[part] for part, D in along.items()}
    eta = rows.eta
    bends = _derivatives(lambda at: derivative_along(mean.function, at, direction), eta, _WIDE_STEP)
    slopes = _derivatives(mean.function, eta, _STEP)
    # Both where the mean is taken and how fast the predictors move hang on the coefficients.
    J = np.hstack(
        [
            bends[part][:, None] * rows.columns[part] + slopes[part][:, None] * along[part]
            for part in mean.beta
        ]
    )
    return _tests(derivative_along(mean.function, eta, direction), J, mean.vcov)


def derivative_along(function: Function, eta: Predictors, direction: Predictors) -> Vector:
    """Differentiate a function of linear predictors where all move at once, each at its speed."""
    speed = np.max([np.abs(d) for d in direction.values()], axis=0)
    step = _WIDE_STEP / np.where(speed > 0, speed, 1.0)
    above, below = (
        function(
            {part: x + s * direction[part] if part in direction else x for part, x in eta.items()}
        )
        for s in (step, -step)
    )
    return np.asarray((above - below) / (2.0 * step))


def only_normal(ddf: DDF | None) -> None:
    """Refuse covariances of the mean's coefficients alone, where other predictors count too.

    Raises
    ------
    NotAvailableError
        If there is one.
    """
    if ddf not in (None, "z"):
        raise NotAvailableError(
            "the mean of this response doesn't follow from its linear predictor by the link alone "
            "(zero inflation, truncation or a family's own mean=), and ddf= is about its "
            "coefficients alone. Leave ddf= out, or take scale='link'."
        )


def _derivatives(function: Function, eta: Predictors, step: float) -> dict[str, Vector]:
    """Differentiate in each linear predictor, (m,) by part."""
    return {
        part: (function({**eta, part: x + step}) - function({**eta, part: x - step})) / (2 * step)
        for part, x in eta.items()
    }


def _errors(J: Vector, vcov: Vector) -> Vector:
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", J, vcov, J)))


def _tests(estimate: Vector, J: Vector, vcov: Vector) -> Contrasts:
    error = _errors(J, vcov)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(error > 0, estimate / error, np.nan)
    df = np.where(np.isnan(estimate), np.nan, np.inf)
    return Contrasts(estimate, error, df, statistic, two_sided(statistic, df), "normal")
