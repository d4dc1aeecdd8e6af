"""Rows of a table of means: on the linear predictor, or through the inverse link."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference.ddf import Calibration
from partialpool.inference.means.adjust import Adjustment, adjust_p, critical_values
from partialpool.inference.protocol import SearchedFit, WaldFit
from partialpool.inference.wald import Contrasts, contrast_tests, two_sided

if TYPE_CHECKING:
    from partialpool.inference.means.response import ResponseMean

__all__ = [
    "IDENTITY",
    "RATIOS",
    "Link",
    "LinkedFit",
    "Scale",
    "Table",
    "Work",
    "check_scale",
    "compare_means",
    "ends_through",
    "table_of",
    "tabulate",
]

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Scale: TypeAlias = Literal["link", "response"]
RATIOS = ("log", "logit")
"""Links whose differences are logarithms of ratios."""


class Link(Protocol):
    """What means need of a link; those of :mod:`partialpool.families` are ones."""

    @property
    def name(self) -> str:
        """Its name."""

    def __call__(self, mean: Any, /) -> Any:
        """Return the linear predictor of a mean."""

    @property
    def inverse(self) -> Callable[[Any], Any]:
        """The mean of a linear predictor."""

    @property
    def slope(self) -> Callable[[Any], Any]:
        """Derivative of the mean in the linear predictor."""


class LinkedFit(SearchedFit, Protocol):
    """A fit whose linear predictor has a link to a mean."""

    def link_of_means(self, scale: Scale, contrasts: bool) -> Link:
        """Return the link through which means on a scale are taken, or contrasts of them."""

    def response_mean(self) -> ResponseMean | None:
        """Return how the response's mean comes about; None if by the link alone."""


@dataclass(frozen=True, slots=True)
class _Identity:
    name: str = "identity"

    def __call__(self, mean: Any) -> Any:
        return mean * 1.0

    @property
    def inverse(self) -> Callable[[Any], Any]:
        return lambda eta: eta * 1.0

    @property
    def slope(self) -> Callable[[Any], Any]:
        return lambda eta: eta * 0.0 + 1.0


# Not families' own: linear models do without that room, and import 20 ms sooner.
IDENTITY: Link = _Identity()


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What all comparisons of one call share.

    Attributes
    ----------
    fit, calibration
        The model, and covariance and degrees of freedom.
    level
        Confidence level.
    link
        What contrasts are taken through. With a logarithmic link they come out as ratios (of
        odds, for the logit): the exponential of a difference. With others than these and the
        identity they are differences of the response, by the delta method.
    offset
        Of the linear predictor.
    """

    fit: WaldFit
    calibration: Calibration
    level: float
    link: Link
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Estimates with errors, tests and intervals, (m,) each."""

    estimate: Vector
    std_error: Vector
    df: Vector
    conf_low: Vector
    conf_high: Vector
    statistic: Vector
    p_value: Vector

    def columns(self, *, tests: bool) -> dict[str, Vector]:
        """Return the columns by name, tests only where they mean something."""
        names = ["estimate", "std_error", *(["statistic"] if tests else []), "df"]
        names += [*(["p_value"] if tests else []), "conf_low", "conf_high"]
        return {name: getattr(self, name) for name in names}


def check_scale(scale: str) -> None:
    """Refuse a scale that isn't one.

    Raises
    ------
    DataError
        Naming the two there are.
    """
    if scale not in ("link", "response"):
        raise DataError(f"scale must be 'link' or 'response', found {scale!r}.")


def tabulate(
    fit: WaldFit,
    calibration: Calibration,
    L: Matrix,
    level: float,
    link: Link = IDENTITY,
    shift: float = 0.0,
) -> Table:
    """Estimate combinations; through a link's inverse with errors by the delta method.

    Intervals are those of the linear predictor, taken through.
    """
    found = contrast_tests(fit, calibration, L)
    low, high = found.interval(level)
    eta = found.estimate + shift
    ends = np.sort(np.vstack([link.inverse(low + shift), link.inverse(high + shift)]), axis=0)
    return Table(
        np.asarray(link.inverse(eta)),
        np.asarray(np.abs(link.slope(eta)) * found.std_error),
        found.df,
        ends[0],
        ends[1],
        found.statistic,
        found.p_value,
    )


def ends_through(link: Link, mean: Vector, std_error: Vector, z: float) -> tuple[Vector, Vector]:
    """Make an interval on the scale of a link, where it can't leave the mean's range.

    At an end of its range a mean has no linear predictor, and no interval.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = np.asarray(link(mean), dtype=np.float64)
        half = z * std_error / np.abs(np.asarray(link.slope(eta)))
        ends = np.sort([link.inverse(eta - half), link.inverse(eta + half)], axis=0)
    return ends[0], ends[1]


def compare_means(work: Work, weights: Matrix, L: Matrix, adjust: Adjustment) -> Table:
    """Estimate contrasts of the means L, as one family.

    Parameters
    ----------
    work
        The model and how its contrasts are shown.
    weights : (c, m) array
        Contrasts.
    L : (m, p) array
        The means, on the linear predictor.
    adjust
        Of the intervals and p-values.
    """
    means, ratios = len(L), work.link.name in RATIOS
    if ratios or work.link.name == "identity":
        found = contrast_tests(work.fit, work.calibration, weights @ L)
    else:
        found = _delta(work, weights, L)
    return table_of(found, work.level, adjust, means, ratios=ratios)


def table_of(
    found: Contrasts, level: float, adjust: Adjustment, means: int, *, ratios: bool
) -> Table:
    """Adjust contrasts of some means as one family."""
    half = critical_values(found.df, level, adjust, means) * found.std_error
    low, high = found.estimate - half, found.estimate + half
    p = adjust_p(found.p_value, found.statistic, found.df, adjust, means)
    estimate, std_error = found.estimate, found.std_error
    if ratios:
        estimate, low, high = np.exp(estimate), np.exp(low), np.exp(high)
        std_error = estimate * std_error
    return Table(estimate, std_error, found.df, low, high, found.statistic, p)


def _delta(work: Work, weights: Matrix, L: Matrix) -> Contrasts:
    eta = contrast_tests(work.fit, work.calibration, L).estimate + work.offset
    slope = np.asarray(work.link.slope(eta))
    linear = contrast_tests(work.fit, work.calibration, weights @ (slope[:, None] * L))
    estimate = weights @ np.asarray(work.link.inverse(eta))
    statistic = estimate / linear.std_error
    p_value = two_sided(statistic, linear.df)
    return Contrasts(estimate, linear.std_error, linear.df, statistic, p_value, linear.method)
