"""merf 1.0's iteration, written densely, group by group; and data to try it on."""

from __future__ import annotations

import numpy as np
import pandas as pd

import partialpool as pp


def dense_step(Z, codes, residuals, D, sigma2):
    """One step from the formulas of Hajjem et al.: b, D, sigma^2, generalized log-likelihood."""
    n_groups = codes.max() + 1
    b = np.zeros((n_groups, len(D)))
    squares, covariance = 0.0, np.zeros_like(D)
    for j in range(n_groups):
        z, r = Z[codes == j], residuals[codes == j]
        V = z @ D @ z.T + sigma2 * np.eye(len(r))
        inverse = np.linalg.inv(V)
        b[j] = D @ z.T @ inverse @ r
        e = r - z @ b[j]
        squares += e @ e + sigma2 * (len(r) - sigma2 * np.trace(inverse))
        covariance += np.outer(b[j], b[j]) + D - D @ z.T @ inverse @ z @ D
    D_new, sigma2_new = covariance / n_groups, squares / len(residuals)
    gll = 0.0
    for j in range(n_groups):
        z, r = Z[codes == j], residuals[codes == j]
        e = r - z @ b[j]
        gll += e @ e / sigma2_new + b[j] @ np.linalg.pinv(D_new) @ b[j]
        gll += np.linalg.slogdet(D_new)[1] + len(r) * np.log(sigma2_new)
    return b, D_new, sigma2_new, gll


def dense_loglik(Z, codes, residuals, D, sigma2):
    """Log-density of all residuals at once."""
    same = codes[:, None] == codes[None, :]
    V = np.where(same, Z @ D @ Z.T, 0.0) + sigma2 * np.eye(len(residuals))
    quadratic = residuals @ np.linalg.solve(V, residuals)
    return -0.5 * (len(residuals) * np.log(2 * np.pi) + np.linalg.slogdet(V)[1] + quadratic)


def grouped_rows(k=2, J=12, n=90, seed=1):
    """Unsorted groups of different sizes, a single row among them."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([[J - 1], np.arange(J - 1), rng.integers(0, J - 1, n - J)])
    rng.shuffle(codes)
    Z = np.column_stack([np.ones(n), rng.normal(size=(n, k - 1))])[:, :k]
    b = rng.normal(size=(J, k)) * 1.5
    x = rng.uniform(-1, 1, size=(n, 2))
    y = np.sin(3 * x[:, 0]) + x[:, 1] + (Z * b[codes]).sum(axis=1) + rng.normal(size=n) * 0.5
    return x, Z, codes.astype(np.int32), y


def ratpups():
    """Rat pups as the worked example shapes them: X, Z, clusters, y."""
    rats = pp.load_dataset("ratpup").astype({"sex": str, "treatment": str, "litter": int})
    X = pd.DataFrame(
        {
            "litsize": rats["litsize"],
            "treatment": rats["treatment"].map({"Control": 0, "Low": 1, "High": 2}),
            "sex": rats["sex"].map({"Male": 1, "Female": 0}),
        }
    )
    return X, X[["sex"]], rats["litter"], rats["weight"]
