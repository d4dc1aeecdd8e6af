"""p-values and intervals of several comparisons at once."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, did_you_mean
from partialpool.inference.wald import quantiles

__all__ = ["Adjustment", "adjust_p", "check_adjustment", "critical_values"]

Vector = NDArray[np.float64]
Adjustment: TypeAlias = Literal["tukey", "holm", "bonferroni", "sidak", "fdr", "none"]
_NAMES = ("tukey", "holm", "bonferroni", "sidak", "fdr", "none")


def check_adjustment(adjust: str, pairwise: bool) -> None:
    """Refuse an adjustment that doesn't exist, or doesn't go with the contrasts.

    Raises
    ------
    DataError
        Naming what there is.
    """
    if adjust not in _NAMES:
        raise DataError(
            f"adjust must be one of {', '.join(map(repr, _NAMES))}, found {adjust!r}."
            f"{did_you_mean(str(adjust), _NAMES)}"
        )
    if adjust == "tukey" and not pairwise:
        raise DataError(
            "adjust='tukey' is for all pairwise differences. Take 'sidak' or 'holm' for others."
        )


def adjust_p(p: Vector, t: Vector, df: Vector, adjust: Adjustment, means: int) -> Vector:
    """Adjust the p-values of one family.

    Parameters
    ----------
    p, t, df : (c,) array
        Unadjusted p-values, t values and their degrees of freedom.
    adjust
        ``"tukey"``: the studentised range; ``"fdr"``: Benjamini and Hochberg.
    means
        Number of means that are compared.

    References
    ----------
    Tukey (1953); Kramer (1956); Holm (1979), Scandinavian Journal of Statistics 6, 65-70;
    Benjamini & Hochberg (1995), JRSS B 57, 289-300.
    """
    c = int(np.sum(~np.isnan(p)))
    if adjust == "none":
        return p
    if adjust == "tukey":
        return _tukey(t, df, means)
    if adjust == "bonferroni":
        return np.minimum(c * p, 1.0)
    if adjust == "sidak":
        return np.asarray(-np.expm1(c * np.log1p(-p)))
    return _stepwise(p, c, holm=adjust == "holm")


def critical_values(df: Vector, level: float, adjust: Adjustment, means: int) -> Vector:
    """Half-width in standard errors of intervals that hold together.

    Holm's and Benjamini and Hochberg's tests have no intervals; they get Bonferroni's.
    """
    c = len(df)
    if adjust == "tukey":
        from scipy.stats import studentized_range

        finite = np.where(np.isfinite(df), df, 1e6)
        return np.asarray(studentized_range.ppf(level, means, finite) / np.sqrt(2.0))
    if adjust == "sidak":
        return quantiles(df, float(level ** (1.0 / c)))
    return quantiles(df, level if adjust == "none" else 1.0 - (1.0 - level) / c)


def _tukey(t: Vector, df: Vector, means: int) -> Vector:
    from scipy.stats import studentized_range

    finite = np.where(np.isfinite(df), df, 1e6)
    p = studentized_range.sf(np.sqrt(2.0) * np.abs(t), means, finite)
    return np.where(np.isnan(t), np.nan, np.clip(p, 0.0, 1.0))


def _stepwise(p: Vector, c: int, *, holm: bool) -> Vector:
    order = np.argsort(p)[:c]
    ranks = np.arange(1, c + 1)
    sorted_p = p[order]
    if holm:
        adjusted = np.maximum.accumulate((c - ranks + 1) * sorted_p)
    else:
        adjusted = np.minimum.accumulate((c / ranks * sorted_p)[::-1])[::-1]
    out = np.full_like(p, np.nan)
    out[order] = np.minimum(adjusted, 1.0)
    return out
