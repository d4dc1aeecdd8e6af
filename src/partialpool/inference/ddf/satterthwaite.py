"""Satterthwaite's degrees of freedom: from the curvature of the likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.protocol import GaussianFit
from partialpool.solve import unprofiled_hessian

__all__ = ["Satterthwaite", "satterthwaite"]

Matrix = NDArray[np.float64]
# Curvature below this says nothing about its direction: the likelihood is flat there.
_FLAT = 1e-8
# Degrees of freedom this close are the same.
_SAME = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Satterthwaite:
    """Degrees of freedom that match mean and variance of an estimated variance.

    Attributes
    ----------
    root : (r, r) array
        R with sigma^2 R R' the covariance of the fixed effects.
    sigma
        Residual standard deviation.
    slopes : (m, r, r) array
        Derivatives of the relative covariance in each covariance parameter, in coordinates
        in which it is the identity.
    parameter_vcov : (m, m) array
        Covariance of the covariance parameters.
    """

    root: Matrix
    sigma: float
    slopes: Matrix
    parameter_vcov: Matrix

    @property
    def name(self) -> str:
        """How it is called in a table's note."""
        return "Satterthwaite"

    @property
    def vcov(self) -> Matrix:
        """Covariance (r, r) of the fixed effects."""
        return self.sigma**2 * (self.root @ self.root.T)

    def df(self, L: Matrix) -> Matrix:
        """Degrees of freedom (m,) of t for every row of L (m, r)."""
        A = L @ self.root
        variance = np.einsum("ij,ij->i", A, A)
        slope = np.einsum("ij,ajk,ik->ia", A, self.slopes, A)
        spread = np.einsum("ia,ab,ib->i", slope, self.parameter_vcov, slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(2.0 * variance**2 / spread)

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Match F's mean by those of independent squared t values (Fai & Cornelius 1996)."""
        A = L @ self.root
        _, vectors = np.linalg.eigh(A @ A.T)
        return statistic, _common(self.df(vectors.T @ L))


def _common(df: Matrix) -> float:
    q = len(df)
    if q == 1 or np.ptp(df) < _SAME:
        return float(df.mean())
    if np.any(df <= 2.0):
        return 2.0
    finite = np.where(np.isinf(df), 1.0, df / (df - 2.0))
    total = float(np.sum(finite))
    return 2.0 * total / (total - q) if total > q else np.inf


def satterthwaite(fit: GaussianFit) -> Satterthwaite:
    """Prepare Satterthwaite's degrees of freedom.

    Notes
    -----
    The variance of the covariance parameters is twice the inverse of the objective's exact
    Hessian in them and sigma, directions without curvature left out, as in R's lmerTest.

    References
    ----------
    Kuznetsova, Brockhoff & Christensen (2017), Journal of Statistical Software 82(13),
    section 2; Fai & Cornelius (1996), Journal of Statistical Computation and Simulation 54.
    """
    solution = fit.solution
    hessian, found = unprofiled_hessian(solution, fit.design)
    slopes = found.fixed
    if solution.likelihood.sigma is None:
        # Along log sigma^2 the covariance itself grows.
        slopes = np.concatenate([slopes, np.eye(slopes.shape[1])[None]])
    values, vectors = np.linalg.eigh(hessian)
    curved = values > _FLAT
    inverse = (vectors[:, curved] / values[curved]) @ vectors[:, curved].T
    return Satterthwaite(solution.root, solution.sigma, slopes, 2.0 * inverse)
