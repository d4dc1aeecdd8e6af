"""What a test of fixed effects is measured with: a covariance and degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "FTest", "Fixed", "independent_rows", "joint_test"]

Matrix = NDArray[np.float64]
# Singular values below this share of the largest are rounding: the rows are dependent.
_DEPENDENT = 1e-9


@dataclass(frozen=True, slots=True)
class FTest:
    """A test of one or several linear hypotheses at once.

    Attributes
    ----------
    statistic
        F; its square root is |t| for one hypothesis.
    unscaled
        F before Kenward and Roger's scaling.
    num_df, den_df
        Degrees of freedom; an infinite ``den_df`` makes num_df * F a chi-square.
    p_value
        Probability of a larger F.
    """

    statistic: float
    unscaled: float
    num_df: int
    den_df: float
    p_value: float


class Calibration(Protocol):
    """Covariance of the estimated fixed effects, and how well it is known."""

    @property
    def name(self) -> str:
        """How it is called in a table's note."""

    @property
    def vcov(self) -> Matrix:
        """Covariance (r, r) of the estimated coefficients, those left out left out."""

    def df(self, L: Matrix) -> Matrix:
        """Degrees of freedom (m,) of t for every row of L (m, r)."""

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Return F and its denominator's degrees of freedom for independent rows L (m, r).

        ``statistic`` is the Wald statistic over m.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Fixed:
    """One number of degrees of freedom for everything.

    Attributes
    ----------
    name
        How it is called.
    vcov : (r, r) array
        Covariance of the estimated coefficients.
    degrees
        Degrees of freedom; infinite for the normal distribution.
    """

    name: str
    vcov: Matrix
    degrees: float

    def df(self, L: Matrix) -> Matrix:
        """Return the same degrees of freedom for every row."""
        return np.full(len(L), self.degrees)

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Leave the statistic as it is."""
        return statistic, self.degrees


def joint_test(
    calibration: Calibration, beta: Matrix, L: Matrix, rhs: Matrix | None = None
) -> FTest:
    """Test L beta = rhs; rows that repeat others are left out.

    Parameters
    ----------
    calibration
        Covariance and degrees of freedom.
    beta : (r,) array
        Estimated coefficients.
    L : (m, r) array
        Hypotheses.
    rhs : (m,) array, optional
        What they say; zero if it isn't given.
    """
    from scipy.special import chdtrc, fdtrc  # a tenth of a second, only here

    difference = L @ beta - (0.0 if rhs is None else rhs)
    L, difference = independent_rows(L, difference)
    q = len(L)
    if q == 0:
        return FTest(np.nan, np.nan, 0, np.nan, np.nan)
    wald = float(difference @ np.linalg.solve(L @ calibration.vcov @ L.T, difference)) / q
    f, den = calibration.scaled(L, wald)
    p = chdtrc(q, q * f) if np.isinf(den) else fdtrc(q, den, f)
    return FTest(f, wald, q, den, float(p))


def independent_rows(L: Matrix, rhs: Matrix) -> tuple[Matrix, Matrix]:
    """Take a basis of the rows, and what it says: right-hand sides go the same way.

    Rows that are independent stay as they are.
    """
    if not len(L):
        return L, rhs
    size = np.linalg.norm(L, axis=1, keepdims=True)
    scaled = L / np.where(size > 0, size, 1.0)
    U, d, Vt = np.linalg.svd(scaled, full_matrices=False)
    rank = int(np.sum(d > _DEPENDENT * max(d[0], 1e-300)))
    if rank == len(L):
        return L, rhs
    values = U.T[:rank] @ (rhs / np.where(size > 0, size, 1.0)[:, 0]) / d[:rank]
    return Vt[:rank], values
