"""t and z values of the fixed effects, with p-values and intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import make_frame
from partialpool.inference.ddf import DDF, Calibration, calibrate, estimable
from partialpool.inference.parameters import fixed_columns
from partialpool.inference.protocol import WaldFit

__all__ = [
    "Contrasts",
    "check_level",
    "coefficient_tests",
    "combination_tests",
    "contrast_tests",
    "quantiles",
    "two_sided",
    "wald_intervals",
]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """Estimated combinations of the fixed effects, one for each row.

    Attributes
    ----------
    estimate, std_error, df, statistic, p_value : (m,) array
        NaN where the data don't determine the combination; ``df`` is infinite for z values.
    method
        What the degrees of freedom are: ``"Satterthwaite"``, ``"normal"``, ...
    """

    estimate: Vector
    std_error: Vector
    df: Vector
    statistic: Vector
    p_value: Vector
    method: str

    def among(self, places: NDArray[np.bool_]) -> Contrasts:
        """Return these rows at some places, NaN between them."""
        values = (self.estimate, self.std_error, self.df, self.statistic, self.p_value)
        out = np.full((len(values), len(places)), np.nan)
        out[:, places] = np.vstack(values)
        estimate, std_error, df, statistic, p_value = out
        return Contrasts(estimate, std_error, df, statistic, p_value, self.method)

    def interval(self, level: float) -> tuple[Vector, Vector]:
        """Return the ends of the intervals, each row by its own."""
        half = quantiles(self.df, level) * self.std_error
        return self.estimate - half, self.estimate + half

    def columns(self, level: float) -> dict[str, Vector]:
        """Return estimates, tests and intervals by their names in tables."""
        names = ("estimate", "std_error", "statistic", "df", "p_value")
        low, high = self.interval(level)
        return {name: getattr(self, name) for name in names} | {"conf_low": low, "conf_high": high}


def check_level(level: float) -> float:
    """Return a confidence level that is one.

    Raises
    ------
    DataError
        If it isn't a number between 0 and 1.
    """
    number = isinstance(level, (int, float, np.number)) and not isinstance(level, bool)
    if not (number and 0.0 < float(level) < 1.0):
        hint = f" For {level} per cent write {level / 100}." if number and 1 < level < 100 else ""
        raise DataError(f"level must lie between 0 and 1, found {level!r}.{hint}")
    return float(level)


def two_sided(statistic: Vector, df: Vector) -> Vector:
    """Probability of a t value further from zero; a z value where ``df`` is infinite."""
    from scipy.special import ndtr, stdtr  # a tenth of a second, only here

    size = -np.abs(statistic)
    finite = np.where(np.isfinite(df), df, 1.0)
    return np.asarray(2.0 * np.where(np.isinf(df), ndtr(size), stdtr(finite, size)))


def quantiles(df: Vector, level: float) -> Vector:
    """Half-width, in standard errors, of a two-sided interval."""
    from scipy.special import ndtri, stdtrit

    upper = 0.5 + 0.5 * level
    finite = np.where(np.isfinite(df), df, 1.0)
    t = np.where(np.isinf(df), ndtri(upper), stdtrit(finite, upper))
    return np.asarray(np.where(np.isnan(df), np.nan, t))


def contrast_tests(
    fit: WaldFit, calibration: Calibration, L: Matrix, null: Vector | float = 0.0
) -> Contrasts:
    """Estimate combinations of the coefficients and test that each is ``null``.

    Parameters
    ----------
    fit
        A fitted model.
    calibration
        Covariance and degrees of freedom.
    L : (m, p) array
        One combination of all coefficients in each row.
    null : (m,) array or float
        What they are under the hypothesis.
    """
    rows = estimable(fit, L)
    found = combination_tests(
        fit, calibration, rows.L[rows.ok], np.broadcast_to(null, len(L))[rows.ok]
    )
    return found.among(rows.ok)


def combination_tests(fit: WaldFit, calibration: Calibration, L: Matrix, null: Vector) -> Contrasts:
    """Test combinations of the estimated coefficients, those left out taken as zero.

    Parameters
    ----------
    fit
        A fitted model.
    calibration
        Covariance and degrees of freedom.
    L : (m, r) array
        One combination of the r coefficients that were estimated in each row.
    null : (m,) array
        What they are under the hypothesis.
    """
    beta = fit.fixef.values[np.isfinite(fit.fixef.values)]
    estimate = L @ beta
    variance = np.einsum("ij,jk,ik->i", L, calibration.vcov, L)
    std_error = np.sqrt(np.maximum(variance, 0.0))
    df = calibration.df(L)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(std_error > 0, (estimate - null) / std_error, np.nan)
    p_value = two_sided(statistic, df)
    return Contrasts(estimate, std_error, df, statistic, p_value, calibration.name)


def coefficient_tests(
    fit: WaldFit, ddf: DDF | None = None, calibration: Calibration | None = None
) -> Contrasts:
    """Test every coefficient against zero; NaN for those left out.

    Parameters
    ----------
    fit
        A fitted model.
    ddf
        As for :func:`partialpool.inference.calibrate`.
    calibration
        In its place, a covariance and degrees of freedom.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> coefficient_tests(fit).df.round(2)
    array([17., 17.])
    """
    kept = np.isfinite(fit.fixef.values)
    # The estimated ones given that those left out are zero, as in every table of them.
    rank = int(kept.sum())
    judge = calibrate(fit, ddf) if calibration is None else calibration
    return combination_tests(fit, judge, np.eye(rank), np.zeros(rank)).among(kept)


def wald_intervals(fit: WaldFit, level: float, ddf: DDF | None = None) -> Any:
    """Wald intervals of the fixed effects; see :func:`partialpool.inference.confint`."""
    found = coefficient_tests(fit, ddf)
    low, high = found.interval(level)
    columns = {
        **fixed_columns(fit.fixef.names),
        "estimate": found.estimate,
        "df": found.df,
        "conf_low": low,
        "conf_high": high,
    }
    return make_frame(columns, fit.design.spec.kind)
