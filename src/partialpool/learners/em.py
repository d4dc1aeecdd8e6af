"""The variance step of mixed-effects forests: one pass of expectation and maximisation.

As in merf 1.0, but over all groups at once and on cross-products, so that a step costs
a few passes over the rows and a k x k solve for each group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["EmState", "Grouped", "em_start", "em_step", "gather"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Rows of a random term with what doesn't change from step to step.

    Attributes
    ----------
    codes : (n,) array of int
        Each row's group.
    basis : (n, k) array
        Random-effects columns, times the root of the row's weight.
    products : (J, k, k) array
        Z_j'Z_j of every group.
    """

    codes: NDArray[np.int32]
    basis: Vector
    products: Vector


@dataclass(frozen=True, slots=True, eq=False)
class EmState:
    """Estimates after a step.

    Attributes
    ----------
    b : (J, k) array
        Random effects, given the residuals and the last step's covariance.
    precision_inverse : (J, k, k) array
        K_j with Var(b_j | y) = sigma^2 K_j, at the last step's covariance.
    D : (k, k) array
        Covariance of the random effects.
    sigma2
        Residual variance.
    gll
        merf's generalized log-likelihood: minus twice the joint log-density of rows and
        effects, less its constants. Not the marginal likelihood, and not monotone.
    """

    b: Vector
    precision_inverse: Vector
    D: Vector
    sigma2: float
    gll: float


def gather(codes: NDArray[np.int32], basis: Vector, n_groups: int) -> Grouped:
    """Add up Z'Z by group.

    Parameters
    ----------
    codes : (n,) array of int
        Each row's group, from 0.
    basis : (n, k) array
        Random-effects columns.
    n_groups
        Number of groups J.

    Examples
    --------
    >>> gather(np.array([0, 1, 0], dtype=np.int32), np.ones((3, 1)), 2).products.ravel()
    array([2., 1.])
    """
    k = basis.shape[1]
    products = np.empty((n_groups, k, k))
    for r in range(k):
        for c in range(r + 1):
            products[:, r, c] = np.bincount(codes, basis[:, r] * basis[:, c], n_groups)
            products[:, c, r] = products[:, r, c]
    return Grouped(codes, basis, products)


def em_start(n_groups: int, k: int) -> EmState:
    """Return merf's starting values: no effects, identity covariance, unit variance."""
    eye = np.eye(k)
    spread = np.broadcast_to(eye, (n_groups, k, k)).copy()
    return EmState(np.zeros((n_groups, k)), spread, eye, 1.0, np.nan)


def em_step(grouped: Grouped, residuals: Vector, state: EmState) -> EmState:
    """Update random effects, then covariance and residual variance.

    Parameters
    ----------
    grouped
        The rows' groups and columns.
    residuals : (n,) array
        Response less the learner's predictions, times the root of the row's weight.
    state
        After the step before.

    References
    ----------
    Hajjem, Bellavance & Larocque (2014), Journal of Statistical Computation and Simulation
    84(6), 1313-1328, section 2.2, with V_j^-1 written by Woodbury's identity.
    """
    D, sigma2, A = state.D, state.sigma2, grouped.products
    n_groups = len(A)
    zr = _by_group(grouped, residuals)
    K = _precision_inverse(A, D, sigma2)
    b = np.einsum("jrc,jc->jr", K, zr)
    trace = float(np.einsum("jrc,jcr->", K, A))
    squares = _squares(A, residuals, zr, b)
    sigma2_new = (squares + sigma2 * trace) / len(residuals)
    D_new = (b.T @ b + sigma2 * K.sum(axis=0)) / n_groups
    gll = _gll(squares, b, D_new, sigma2_new, len(residuals))
    return EmState(b, K, D_new, sigma2_new, gll)


def _by_group(grouped: Grouped, residuals: Vector) -> Vector:
    n_groups, k = grouped.products.shape[:2]
    out = np.empty((n_groups, k))
    for c in range(k):
        out[:, c] = np.bincount(grouped.codes, grouped.basis[:, c] * residuals, n_groups)
    return out


def _precision_inverse(A: Vector, D: Vector, sigma2: float) -> Vector:
    # (sigma^2 D^-1 + A)^-1 without D's inverse, which a vanished effect doesn't have.
    if len(D) == 1:
        return D / (sigma2 + A * D)
    K = D @ np.linalg.inv(sigma2 * np.eye(len(D)) + A @ D)
    return np.asarray(0.5 * (K + K.transpose(0, 2, 1)))


def _squares(A: Vector, residuals: Vector, zr: Vector, b: Vector) -> float:
    crossed = float(np.einsum("jc,jc->", b, zr))
    own = float(np.einsum("jr,jrc,jc->", b, A, b))
    return float(residuals @ residuals) - 2.0 * crossed + own


def _gll(squares: float, b: Vector, D: Vector, sigma2: float, n: int) -> float:
    outer = b.T @ b
    # The generalized inverse of merf: a covariance may have lost a dimension.
    prior = float(np.sum(np.linalg.pinv(D) * outer))
    dets = len(b) * float(np.linalg.slogdet(D)[1]) + n * float(np.log(sigma2))
    return squares / sigma2 + prior + dets
