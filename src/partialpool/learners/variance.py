"""The variance step: the random part, given what the learner leaves over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.learners.em import EmState, Grouped, em_start, em_step, gather
from partialpool.learners.em_part import EmPart
from partialpool.learners.part import MlPart, RandomPart
from partialpool.solve import Likelihood, solve, solve_again

__all__ = ["Variance", "VarianceStep", "make_step", "marginal_loglik"]

Vector = NDArray[np.float64]
Variance = Literal["ml", "em"]
VarianceStep = Callable[[Vector, "RandomPart | None"], RandomPart]
"""From residuals (n,) and the last random part to the next."""


def make_step(design: Design, variance: Variance) -> VarianceStep:
    """Return the variance step of a design.

    Parameters
    ----------
    design
        Rows and random terms, without fixed effects.
    variance
        ``"ml"`` maximises the likelihood of the residuals, ``"em"`` takes one step of
        expectation and maximisation towards it.

    Raises
    ------
    ModelError
        If ``"em"`` is asked for several terms, or a structured one.
    """
    if variance == "ml":
        return _maximise(design)
    term = design.random[0].term
    if len(design.random) > 1 or term.structure != "unstructured":
        shown = " + ".join(effects.term.source for effects in design.random)
        raise ModelError(
            f"variance='em' takes one unstructured random term, found {shown}. Use variance='ml'."
        )
    return _expect(design)


def _maximise(design: Design) -> VarianceStep:
    def step(residuals: Vector, last: RandomPart | None) -> RandomPart:
        now = design.with_response(residuals)
        if isinstance(last, MlPart):
            return MlPart(now, solve_again(now, last.solution))
        return MlPart(now, solve(now, Likelihood(reml=False)))

    return step


def _expect(design: Design) -> VarianceStep:
    effects = design.random[0]
    root = None if design.weights is None else np.sqrt(design.weights)
    basis = effects.basis if root is None else effects.basis * root[:, None]
    grouped = gather(effects.factor.codes, basis, len(effects.factor.levels))

    def step(residuals: Vector, last: RandomPart | None) -> RandomPart:
        weighted = residuals if root is None else residuals * root
        start = em_start(*grouped.products.shape[:2])
        state = em_step(grouped, weighted, last.state if isinstance(last, EmPart) else start)
        loglik = marginal_loglik(grouped, weighted, state)
        if root is not None:
            loglik += float(np.log(root[root > 0]).sum())
        return EmPart(design.with_response(residuals), state, loglik)

    return step


def marginal_loglik(grouped: Grouped, residuals: Vector, state: EmState) -> float:
    """Log-density of residuals whose covariance is Z D Z' + sigma^2 I.

    Parameters
    ----------
    grouped
        Groups and columns.
    residuals : (n,) array
        What the learner leaves over.
    state
        Covariance and residual variance.
    """
    A, D, sigma2 = grouped.products, state.D, state.sigma2
    n, k = grouped.basis.shape
    inner = np.eye(k) + A @ D / sigma2
    zr = np.stack(
        [np.bincount(grouped.codes, grouped.basis[:, c] * residuals, len(A)) for c in range(k)],
        axis=1,
    )
    solved = np.linalg.solve(inner, zr[:, :, None])[:, :, 0] / sigma2
    quadratic = residuals @ residuals - np.einsum("jr,rc,jc->", zr, D, solved)
    logdet = n * np.log(2 * np.pi * sigma2) + np.linalg.slogdet(inner)[1].sum()
    return float(-0.5 * (logdet + quadratic / sigma2))
