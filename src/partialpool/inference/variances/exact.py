"""The exact distribution of the likelihood ratio for one variance at zero."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.errors import ModelError

__all__ = ["null_distribution"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
# A dense eigenvalue problem of this size takes half a minute.
_MOST_EFFECTS = 4000
_BATCH = 1000


def null_distribution(
    design: Design, effects: RandomEffects, reml: bool, nsim: int, rng: np.random.Generator
) -> Vector:
    """Draw the (restricted) likelihood ratio under a variance of zero.

    Parameters
    ----------
    design
        Fixed effects and weights.
    effects
        The term with one variance.
    reml
        Whether restricted likelihoods are compared.
    nsim
        Number of draws.
    rng
        Where chance comes from.

    Returns
    -------
    (nsim,) array
        Draws of the ratio; about half of them are zero.

    Raises
    ------
    ModelError
        If the term has too many effects.

    References
    ----------
    Crainiceanu & Ruppert (2004), JRSS B 66, 165-185, theorem 1 and equation 9.
    """
    mu, xi, spare = _spectrum(design, effects)
    n = spare + len(mu) + (0 if reml else np.linalg.matrix_rank(design.X))
    # Values of lambda = Var(b) / sigma^2 among which the supremum is sought.
    top = max(float(mu.max()), 1e-300)
    grid = np.concatenate([[0.0], np.exp(np.linspace(-12.0, 14.0, 240)) / top])
    gain = grid[:, None] * mu / (1.0 + grid[:, None] * mu)
    loss = 1.0 / (1.0 + grid[:, None] * mu)
    scale = mu if reml else xi
    determinant = np.log1p(grid[:, None] * scale).sum(axis=1)
    out = np.empty(nsim)
    for begin in range(0, nsim, _BATCH):
        size = min(_BATCH, nsim - begin)
        w2 = rng.chisquare(1.0, (size, len(mu)))
        rest = rng.chisquare(spare, size)[:, None] if spare > 0 else np.zeros((size, 1))
        ratio = (w2 @ gain.T) / (w2 @ loss.T + rest)
        out[begin : begin + size] = (n * np.log1p(ratio) - determinant).max(axis=1)
    return np.maximum(out, 0.0)


def _spectrum(design: Design, effects: RandomEffects) -> tuple[Vector, Vector, int]:
    """Eigenvalues of Z'MZ and Z'Z, with M the projection off X, and how many rows are left."""
    J, k = len(effects.factor.levels), len(effects.columns)
    if J * k > _MOST_EFFECTS:
        raise ModelError(
            f"the term {effects.term.source} has {J * k:,} effects; the exact distribution is "
            f"drawn for up to {_MOST_EFFECTS:,}. With so many groups the mixture is exact enough: "
            "take method='mixture'."
        )
    w = design.row_weights
    root = np.sqrt(w)
    Q = np.linalg.qr(design.X[:, _independent(design.X)] * root[:, None])[0]
    ZQ = np.zeros((J, k, Q.shape[1]))
    np.add.at(ZQ, effects.factor.codes, (effects.basis * root[:, None])[:, :, None] * Q[:, None])
    ZZ = np.zeros((J, k, k))
    basis = effects.basis * root[:, None]
    np.add.at(ZZ, effects.factor.codes, basis[:, :, None] * basis[:, None, :])
    whole = np.zeros((J * k, J * k))
    for j in range(J):
        whole[j * k : (j + 1) * k, j * k : (j + 1) * k] = ZZ[j]
    flat = ZQ.reshape(J * k, -1)
    xi = np.asarray(np.linalg.eigvalsh(whole), np.float64)
    mu = np.asarray(np.maximum(np.linalg.eigvalsh(whole - flat @ flat.T), 0.0), np.float64)
    spare = int(np.count_nonzero(w)) - Q.shape[1] - J * k
    if spare < 0:
        mu, xi, spare = mu[-spare:], xi[-spare:], 0
    return mu, xi, spare


def _independent(X: Matrix) -> NDArray[np.bool_]:
    """Columns that those to their left don't determine."""
    R = np.linalg.qr(X, mode="r")
    size = np.linalg.norm(R, axis=0)
    return np.asarray(np.abs(np.diag(R)) > 1e-7 * np.where(size > 0, size, 1.0))
