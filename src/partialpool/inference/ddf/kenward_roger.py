"""Kenward and Roger's covariance and degrees of freedom, without an n x n matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import ModelError
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import information, linear_directions, sensitivity

__all__ = ["KenwardRoger", "kenward_roger"]

Matrix = NDArray[np.float64]
# Information below this share of the largest says nothing: a generalised inverse leaves it out.
_NOTHING = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class KenwardRoger:
    """Covariance adjusted for the uncertainty of the covariance parameters, and its scaled F.

    Everything is relative to sigma^2, in coordinates in which the plain covariance is the
    identity.

    Attributes
    ----------
    root : (r, r) array
        R with sigma^2 R R' the plain covariance of the fixed effects.
    sigma
        Residual standard deviation.
    slopes : (m, r, r) array
        Derivatives of the covariance in the covariance parameters (the paper's -P_i).
    parameter_vcov : (m, m) array
        The paper's W.
    adjustment : (r, r) array
        What is added to the identity.
    """

    root: Matrix
    sigma: float
    slopes: Matrix
    parameter_vcov: Matrix
    adjustment: Matrix

    @property
    def name(self) -> str:
        """How it is called in a table's note."""
        return "Kenward-Roger"

    @property
    def vcov(self) -> Matrix:
        """Adjusted covariance (r, r) of the fixed effects."""
        adjusted = np.eye(len(self.adjustment)) + self.adjustment
        return self.sigma**2 * (self.root @ adjusted @ self.root.T)

    def df(self, L: Matrix) -> Matrix:
        """Degrees of freedom (m,) of t for every row of L (m, r)."""
        return np.array([self._moments(row[None])[1] for row in L])

    def scaled(self, L: Matrix, statistic: float) -> tuple[float, float]:
        """Scale F so that its first two moments are those of an F distribution."""
        scale, den = self._moments(L)
        return scale * statistic, den

    def _moments(self, L: Matrix) -> tuple[float, float]:
        """Scale and denominator's degrees of freedom."""
        A = L @ self.root
        theta = np.linalg.qr(A.T)[0]  # basis of the hypotheses: Theta Phi is its projection
        T = np.einsum("ki,akl,lj->aij", theta, self.slopes, theta)
        trace = np.trace(T, axis1=1, axis2=2)
        W = self.parameter_vcov
        a1 = float(trace @ W @ trace)
        a2 = float(np.einsum("ab,aij,bji->", W, T, T))
        return match_moments(len(L), a1, a2)


def match_moments(q: int, a1: float, a2: float) -> tuple[float, float]:
    """Find scale and denominator's degrees of freedom of F from A1 and A2.

    Parameters
    ----------
    q
        Number of hypotheses.
    a1, a2
        The paper's A1 and A2.

    References
    ----------
    Kenward & Roger (1997), Biometrics 53, 983-997, section 3.
    """
    if a2 <= 0.0:
        return 1.0, np.inf  # the covariance is known
    if q == 1:
        # A1 = A2, and the paper's formulas come down to this without their 0 / 0.
        return 1.0, 2.0 / a2
    b = (a1 + 6.0 * a2) / (2.0 * q)
    g = ((q + 1.0) * a1 - (q + 4.0) * a2) / ((q + 2.0) * a2)
    c = np.array([g, q - g, q + 2.0 - g]) / (3.0 * q + 2.0 * (1.0 - g))
    mean = 1.0 - a2 / q  # 1 / E*
    top = 1.0 + c[0] * b
    top = 0.0 if abs(top) < 1e-10 else top
    near = 1.0 - c[1] * b
    ratio = 1.0 if abs(mean) < 1e-14 and abs(near) < 1e-14 else mean / near
    rho = ratio**2 * top / (1.0 - c[2] * b) / q
    den = 4.0 + (q + 2.0) / (q * rho - 1.0)
    # Where the degrees of freedom come down to two, F has no mean that could be matched.
    return (1.0 if abs(den - 2.0) < 1e-2 else den * mean / (den - 2.0)), den


def kenward_roger(fit: GaussianFit) -> KenwardRoger:
    """Prepare Kenward and Roger's inference.

    Notes
    -----
    The covariance of the response is linear in sigma^2 and the entries of unstructured,
    diagonal and compound-symmetric covariances. Where it isn't (``cs`` with several standard
    deviations, ``ar1``), its second derivatives are left out, which is the Prasad-Rao form:
    only that doesn't depend on how the parameters are written.

    The direction of sigma^2 is replaced by that of the whole covariance, which with the others
    spans the same: then no power of V^-1 beyond the first is needed, and everything is a sum of
    p x p matrices over levels.

    Raises
    ------
    ModelError
        If the fit is not by REML.

    References
    ----------
    Kenward & Roger (1997), Biometrics 53, 983-997; Halekoh & Hojsgaard (2014), Journal of
    Statistical Software 59(9).
    """
    solution = fit.solution
    if not solution.likelihood.reml:
        raise ModelError(
            "Kenward-Roger needs a fit by REML, and this is one by maximum likelihood, whose "
            "variances are too small. Fit it with reml=True, or take ddf='satterthwaite'."
        )
    found = sensitivity(solution, linear_directions(solution, fit.design), products=True)
    estimated = solution.likelihood.sigma is None
    info = information(found, solution.reduced.problem.n, reml=True, residual=estimated)
    P, Q = found.fixed, found.products
    if estimated:
        P, Q = _with_scale(P, Q)
    W = np.asarray(2.0 * np.linalg.pinv(info, rcond=_NOTHING, hermitian=True), np.float64)
    inner = np.einsum("ab,abij->ij", W, Q) - np.einsum("ab,aik,bkj->ij", W, P, P)
    adjustment = inner + inner.T
    return KenwardRoger(solution.root, solution.sigma, P, W, adjustment)


def _with_scale(P: Matrix, Q: Matrix) -> tuple[Matrix, Matrix]:
    """Put the scale of the whole covariance first."""
    m, p = P.shape[0], P.shape[1]
    first = np.concatenate([np.eye(p)[None], P])
    pairs = np.empty((m + 1, m + 1, p, p))
    pairs[0] = first
    pairs[:, 0] = first
    pairs[1:, 1:] = Q
    return first, pairs
