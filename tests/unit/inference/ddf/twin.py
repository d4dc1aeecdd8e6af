"""Small-sample inference written out with n x n matrices, from the papers' own formulas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import partialpool as pp

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Rows with weight: X, y, the covariance V and its derivatives in each parameter."""

    X: Matrix
    y: Matrix
    V: Matrix
    G: tuple[Matrix, ...]
    second: tuple[tuple[Matrix, ...], ...] = ()


def parts(fit: pp.LmmFit) -> Parts:
    """Covariance of the rows, linear in sigma^2 and the entries of every term's covariance."""
    design = fit.design
    w = np.ones(len(design.y)) if design.weights is None else design.weights
    use = w > 0
    offset = 0.0 if design.offset is None else design.offset
    V = np.diag(fit.sigma**2 / w[use])
    G = [] if fit.sigma_fixed else [np.diag(1.0 / w[use])]
    for effects, term in zip(design.random, fit.varcorr.terms, strict=True):
        same = np.equal.outer(effects.factor.codes, effects.factor.codes)[np.ix_(use, use)]
        z = effects.basis[use]
        V = V + same * (z @ term.cov @ z.T)
        G += [same * (z @ E @ z.T) for E in entries(term)]
    return Parts(design.X[use], (design.y - offset)[use], V, tuple(G))


def entries(term) -> list[Matrix]:
    k = len(term.columns)
    unit = np.eye(k)
    if term.structure == "unstructured":
        pairs = [(r, c) for c in range(k) for r in range(c, k)]
        return [
            np.outer(unit[r], unit[c]) + (r != c) * np.outer(unit[c], unit[r]) for r, c in pairs
        ]
    if term.structure == "diagonal":
        return [np.outer(e, e) for e in unit]
    if term.structure == "homdiag":
        return [unit]
    if term.structure == "homcs":
        return [unit, np.ones((k, k)) - unit]
    rho = term.corr[0, 1]
    if term.structure == "ar1":
        lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
        return [rho**lag, lag * rho ** np.maximum(lag - 1, 0)]
    if term.structure in ("toep", "homtoep"):
        lag, D = np.abs(np.subtract.outer(np.arange(k), np.arange(k))), np.outer(term.sd, term.sd)
        by_lag = [D * (lag == m) for m in range(1, k)]
        if term.structure == "homtoep":
            return [term.corr, *by_lag]
        own = [np.outer(e, term.sd) * term.corr + np.outer(term.sd, e) * term.corr for e in unit]
        return [*own, *by_lag]
    if term.structure == "hetar1":
        lag, D = np.abs(np.subtract.outer(np.arange(k), np.arange(k))), np.outer(term.sd, term.sd)
        own = [np.outer(e, term.sd) * term.corr + np.outer(term.sd, e) * term.corr for e in unit]
        return [*own, D * lag * rho ** np.maximum(lag - 1, 0)]
    # Compound symmetry with its own standard deviations: tangents in each, and in rho.
    R, D = term.corr, term.sd
    own = [np.outer(e, D) * R + np.outer(D, e) * R for e in unit]
    return [*own, np.outer(D, D) * (1 - unit)]


def kenward_roger(fit: pp.LmmFit) -> tuple[Matrix, Matrix, Matrix, list[Matrix]]:
    """The adjusted covariance, the plain one, W and the P_i of Kenward & Roger (1997)."""
    p = parts(fit)
    W0 = np.linalg.inv(p.V)
    Phi = np.linalg.inv(p.X.T @ W0 @ p.X)
    half = [p.X.T @ W0 @ G @ W0 for G in p.G]
    P = [-h @ p.X for h in half]
    Q = [[h @ G @ W0 @ p.X for G in p.G] for h in half]
    project = W0 - W0 @ p.X @ Phi @ p.X.T @ W0
    info = np.array([[0.5 * np.trace(project @ A @ project @ B) for B in p.G] for A in p.G])
    W = np.linalg.inv(info)
    inner = sum(
        W[i, j] * (Q[i][j] - P[i] @ Phi @ P[j]) for i in range(len(P)) for j in range(len(P))
    )
    return Phi + 2 * Phi @ inner @ Phi, Phi, W, P


def kenward_roger_test(fit: pp.LmmFit, L: Matrix) -> tuple[float, float]:
    """F and its denominator's degrees of freedom for L beta = 0, L of full rank above one."""
    adjusted, Phi, W, P = kenward_roger(fit)
    q = len(L)
    beta = fit.fixef.values
    theta = L.T @ np.linalg.inv(L @ Phi @ L.T) @ L
    M = [theta @ Phi @ x @ Phi for x in P]
    m = len(P)
    a1 = sum(W[i, j] * np.trace(M[i]) * np.trace(M[j]) for i in range(m) for j in range(m))
    a2 = sum(W[i, j] * np.trace(M[i] @ M[j]) for i in range(m) for j in range(m))
    B = (a1 + 6 * a2) / (2 * q)
    g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
    c1, c2, c3 = (x / (3 * q + 2 * (1 - g)) for x in (g, q - g, q + 2 - g))
    E = 1 / (1 - a2 / q)
    V = 2 / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
    rho = V / (2 * E**2)
    den = 4 + (q + 2) / (q * rho - 1)
    lam = den / (E * (den - 2))
    wald = (L @ beta) @ np.linalg.solve(L @ adjusted @ L.T, L @ beta) / q
    return lam * wald, den


def criterion(fit: pp.LmmFit, steps: Matrix) -> float:
    """The objective where the parameters have moved by ``steps`` along each G."""
    p = parts(fit)
    V = p.V + sum(s * G for s, G in zip(steps, p.G, strict=True))
    W0 = np.linalg.inv(V)
    XWX = p.X.T @ W0 @ p.X
    r = p.y - p.X @ np.linalg.solve(XWX, p.X.T @ W0 @ p.y)
    value = np.linalg.slogdet(V)[1] + r @ W0 @ r
    return value + (np.linalg.slogdet(XWX)[1] if fit.reml else 0.0)


def satterthwaite(fit: pp.LmmFit, l_row: Matrix) -> float:
    """Degrees of freedom of l'beta, with the observed information in the linear parameters."""
    p = parts(fit)
    W0 = np.linalg.inv(p.V)
    Phi = np.linalg.inv(p.X.T @ W0 @ p.X)
    project = W0 - W0 @ p.X @ Phi @ p.X.T @ W0
    inner = project if fit.reml else W0
    y = p.y
    m = len(p.G)
    H = np.empty((m, m))
    for a in range(m):
        for b in range(m):
            A, B = p.G[a], p.G[b]
            score = 2 * y @ project @ A @ project @ B @ project @ y
            H[a, b] = score - np.trace(inner @ A @ inner @ B)
    slope = np.array([l_row @ Phi @ p.X.T @ W0 @ G @ W0 @ p.X @ Phi @ l_row for G in p.G])
    variance = l_row @ Phi @ l_row
    return 2 * variance**2 / (slope @ (2 * np.linalg.inv(H)) @ slope)
