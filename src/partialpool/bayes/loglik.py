"""Log-likelihoods of rows given all parameters, and of groups with their effects integrated out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import core_predictors
from partialpool.bayes.rows import posterior_rows
from partialpool.errors import NotAvailableError
from partialpool.solve.generalized import row_constants, row_density

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["group_loglik", "row_loglik"]

Array = NDArray[np.float64]


def row_loglik(fit: BayesFit, chosen: NDArray[np.intp] | None = None) -> Array:
    """Log-density of every row that counts, given the draw's effects (S, n)."""
    statement = fit.statement
    rows = posterior_rows(fit, draws=chosen)
    response, used = statement.response, statement.response.counted
    if fit.family.name == "gaussian":
        out = np.empty((rows.size, rows.n))
        for block in rows.blocks():
            eta = rows.eta(block)
            mu = fit.family.mu(eta)
            log_sd = eta["dispersion"]
            if response.weights is not None:
                with np.errstate(divide="ignore"):
                    log_sd = log_sd - 0.5 * np.log(response.weights[block])
            z = (response.values[block] - mu) * np.exp(-log_sd)
            out[:, block] = -0.5 * (np.log(2 * np.pi) + z * z) - log_sd
        return out[:, used]
    density = row_density(response, fit.family, statement.zero)
    constants = row_constants(response, fit.family, statement.zero)
    order = fit.family.parts(statement.zero)
    out = np.empty((rows.size, rows.n))
    eta = rows.eta(slice(0, rows.n))
    if rows.thresholds is not None:
        eta["thresholds"] = rows.thresholds
    for s in range(rows.size):
        mine = {part: eta[part][s] for part in order}
        own = core_predictors(order, mine, response.values)
        out[s] = density.evaluate(own, 0, True)[0] + constants
    return out[:, used]


def group_loglik(fit: BayesFit) -> Array:
    """Log-density of every group's rows together, their effects integrated out (S, J).

    Raises
    ------
    NotAvailableError
        If the model isn't Gaussian with one grouping factor.
    """
    factors = {effects.factor.name for effects in fit.design.random}
    if fit.engine != "marginal" or len(factors) != 1:
        found = (
            f"this one has {len(factors)}"
            if fit.engine == "marginal"
            else f"this one was fitted by engine={fit.engine!r}, which samples the effects"
        )
        raise NotAvailableError(
            "a whole group can be left out of Gaussian models by engine='marginal', whose effects "
            f"are integrated out, with one grouping factor; {found}. Ask for kind='conditional'."
        )
    design, own = fit.design, fit.draws.parts["mean"]
    S = fit.draws.chains * fit.draws.draws
    weights = np.ones(len(design.y)) if design.weights is None else design.weights
    root = np.sqrt(weights)[:, None]
    basis = root * np.hstack([effects.basis for effects in design.random])
    offset = 0.0 if design.offset is None else design.offset
    y = root[:, 0] * (design.y - offset)
    X = root * design.X
    beta = np.nan_to_num(own.fixef.reshape(S, -1))
    sigma = fit.draws.scales["sigma"].reshape(S)
    factor = _block_factor(own.sd, own.corr, S)
    codes = design.random[0].factor.codes
    J = len(design.random[0].factor.levels)
    out = np.empty((S, J))
    order = np.argsort(codes, kind="stable")
    for j, rows in enumerate(np.split(order, np.cumsum(np.bincount(codes, minlength=J))[:-1])):
        rows = rows[weights[rows] > 0]
        r = y[rows] - beta @ X[rows].T
        half = basis[rows] @ factor / sigma[:, None, None]
        log_jacobian = 0.5 * np.log(weights[rows]).sum()
        out[:, j] = _normal(r / sigma[:, None], half) - len(rows) * np.log(sigma) + log_jacobian
    return out


def _block_factor(sd: tuple[Array, ...], corr: tuple[Array, ...], S: int) -> Array:
    """Factor of the covariance of all terms of the factor together (S, K, K)."""
    K = sum(x.shape[-1] for x in sd)
    out = np.zeros((S, K, K))
    at = 0
    for own_sd, own_corr in zip(sd, corr, strict=True):
        k = own_sd.shape[-1]
        lower = np.linalg.cholesky(own_corr.reshape(S, k, k))
        out[:, at : at + k, at : at + k] = own_sd.reshape(S, k, 1) * lower
        at += k
    return out


def _normal(r: Array, half: Array) -> Array:
    """Log-density of r (S, n) under N(0, I + half half'), by the k x k identity of Woodbury."""
    n, k = half.shape[1:]
    inner = np.einsum("snk,snl->skl", half, half) + np.eye(k)
    lower = np.linalg.cholesky(inner)
    projected = np.linalg.solve(lower, np.einsum("snk,sn->sk", half, r)[:, :, None])[:, :, 0]
    log_det = 2.0 * np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
    quadratic = (r * r).sum(axis=1) - (projected**2).sum(axis=1)
    return np.asarray(-0.5 * (n * np.log(2 * np.pi) + log_det + quadratic))
