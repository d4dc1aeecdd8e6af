"""Lines of a summary's tables, before they are text."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.named import NamedVector
from partialpool.results.varcorr import VarCorr

__all__ = ["Coefficient", "Component", "coefficient_lines", "components_of", "correlation_of"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One line of the fixed effects.

    Attributes
    ----------
    name
        Column of the fixed-effects matrix.
    estimate, std_error, statistic
        Estimate, its standard error and their ratio; NaN where there is none.
    df, p_value
        Degrees of freedom of the ratio and its two-sided p-value; NaN where they aren't known.
    state
        ``"aliased"`` when the other columns determine this one, ``"not applicable"``
        when no row identifies it.
    """

    name: str
    estimate: float
    std_error: float
    statistic: float
    state: Literal["estimated", "aliased", "not applicable"] = "estimated"
    df: float = np.nan
    p_value: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """Covariance of one random term, or the residual when ``columns`` is empty.

    Attributes
    ----------
    group
        Grouping factor, or ``"Residual"``.
    columns
        Names of the k effects of one level.
    sd : (k,) array
        Standard deviations, in units of the response or, where there is a link, of the linear
        predictor (per unit of the column).
    corr : (k, k) array
        Correlations.
    structure
        Form of the covariance matrix.
    decay
        Rate or range of correlations that fall with distance.
    """

    group: str
    columns: tuple[str, ...]
    sd: Vector
    corr: Vector
    structure: str
    decay: float | None = None


def components_of(varcorr: VarCorr) -> tuple[Component, ...]:
    """List the random terms, and last the residual if there is one."""
    terms = [
        Component(t.group, t.columns, t.sd, t.corr, t.structure, t.decay) for t in varcorr.terms
    ]
    if varcorr.residual_sd is None:
        return tuple(terms)
    return (*terms, Component("Residual", (), np.array([varcorr.residual_sd]), np.eye(1), ""))


def coefficient_lines(
    fixef: NamedVector,
    stderr: NamedVector,
    aliased: Collection[str],
    not_applicable: tuple[str, ...],
) -> tuple[Coefficient, ...]:
    """List the coefficients with their errors, those that left the model last."""
    estimated = [
        Coefficient(
            name,
            float(estimate),
            float(std_error),
            float(estimate / std_error) if std_error > 0 else np.nan,
            "aliased" if name in aliased else "estimated",
        )
        for name, estimate, std_error in zip(fixef.names, fixef.values, stderr.values, strict=True)
    ]
    absent = [
        Coefficient(name, np.nan, np.nan, np.nan, "not applicable") for name in not_applicable
    ]
    return (*estimated, *absent)


def correlation_of(vcov: Vector) -> Vector:
    """Correlations of the estimated coefficients, those left out left out."""
    kept = np.isfinite(np.diag(vcov))
    cov = vcov[np.ix_(kept, kept)]
    sd = np.sqrt(np.diag(cov))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(cov / np.outer(sd, sd))
