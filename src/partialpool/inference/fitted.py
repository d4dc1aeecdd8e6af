"""Fitted values, residuals and leverages of the rows a model was fitted to."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference.protocol import Fit, GaussianFit
from partialpool.solve.problem import core_blocks

__all__ = ["Residual", "fitted_values", "hat_values", "linear_part", "residuals"]

Residual = Literal["response", "pearson", "scaled"]


def linear_part(
    X: NDArray[np.float64], beta: NDArray[np.float64], offset: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """X beta + offset, with coefficients that are NaN left out of the sum."""
    eta = X @ np.where(np.isnan(beta), 0.0, beta)
    return eta if offset is None else eta + offset


def fitted_values(fit: Fit) -> NDArray[np.float64]:
    """Compute X beta + Z b + offset for every row (n,).

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fitted_values(fit)[:3].round(3)
    array([253.664, 273.33 , 292.996])
    """
    design = fit.design
    eta = linear_part(design.X, fit.fixef.values, design.offset)
    for effects, b in zip(design.random, fit.solution.effects(design), strict=True):
        eta = eta + np.einsum("ij,ij->i", effects.basis, b[effects.factor.codes])
    return eta


def residuals(fit: GaussianFit, kind: Residual = "response") -> NDArray[np.float64]:
    """Compute the residuals of every row (n,).

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    kind
        ``"response"``: response less fitted value; ``"pearson"``: that times the root of the
        row's weight, so that all have variance sigma^2; ``"scaled"``: Pearson over sigma.

    Raises
    ------
    DataError
        If the kind is unknown.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.residuals("scaled")[:2].round(3)
    array([-0.16 , -0.571])
    """
    if kind not in ("response", "pearson", "scaled"):
        raise DataError(f"kind must be 'response', 'pearson' or 'scaled', found {kind!r}.")
    raw = fit.design.y - fitted_values(fit)
    if kind == "response":
        return raw
    weights = fit.design.weights
    pearson = raw if weights is None else raw * np.sqrt(weights)
    return pearson if kind == "pearson" else pearson / fit.solution.sigma


def hat_values(fit: GaussianFit) -> NDArray[np.float64]:
    """Compute the leverage of every row (n,): the derivative of its fitted value in its response.

    The covariance parameters are held at their estimates, as in lme4.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.hatvalues()[:2].round(3)
    array([0.229, 0.17 ])
    """
    design, solution = fit.design, fit.solution
    blocks = core_blocks(solution.reduced.blocks, design.random)
    forms = solution.quadratic_forms(design.X, blocks)
    return forms if design.weights is None else forms * design.weights
