"""One model fitted to many responses at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import Refits as CoreRefits
from partialpool.core import matrix
from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.solve.problem import EXACT_FIT
from partialpool.solve.solution import MAX_EVALUATIONS, NO_RESIDUAL, TOLERANCE, Solution

__all__ = ["Refits", "solve_many"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """Estimates of one model for r responses, in the user's units.

    Attributes
    ----------
    objective : (r,) array
        Minus twice the log-likelihood, or the REML criterion.
    sigma : (r,) array
        Residual standard deviations.
    beta : (r, p) array
        Fixed effects, NaN for aliased columns.
    root : (r, p, m) array
        R with sigma^2 R R' the covariance of the fixed effects, m of them kept.
    psi : (r, parameters) array
        Where the search ended, as the core has it.
    factors
        Relative factors Lambda (r, k, k) of every random term.
    effects
        Conditional means (r, J, k) of every random term; empty unless they were asked for.
    evaluations : (r,) array of int
        Evaluations of the objective.
    converged : (r,) array of bool
        Whether the search ended by its own rule.
    """

    objective: Array
    sigma: Array
    beta: Array
    root: Array
    psi: Array
    factors: tuple[Array, ...]
    effects: tuple[Array, ...]
    evaluations: NDArray[np.int64]
    converged: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.objective)


def solve_many(design: Design, last: Solution, responses: Array, effects: bool = False) -> Refits:
    """Estimate the model of a solution for many responses, each as if alone.

    Parameters
    ----------
    design
        The design of ``last``.
    last
        The solution for the first response.
    responses : (r, n) array
        One response in each row.
    effects
        Keep the conditional means of the random effects too.

    Raises
    ------
    ModelError
        If a response leaves no residual variance; its position is named.
    """
    reduced, likelihood = last.reduced, last.likelihood
    with reduced.algebra():
        found = reduced.problem.refit(
            matrix(responses),
            likelihood.reml,
            likelihood.fixed,
            TOLERANCE,
            MAX_EVALUATIONS,
            effects,
        )
    none = (found.y_deviation == 0.0) | (found.residual_ratio < EXACT_FIT)
    if design.random and likelihood.sigma is None:
        none |= found.penalised_residual < NO_RESIDUAL * reduced.problem.n
    if none.any():
        raise ModelError(
            f"the response at position {int(np.flatnonzero(none)[0])} (counted from 0) is constant "
            f"or fitted exactly, as are {int(none.sum())} of {len(responses)}: without residual "
            "variance no likelihood exists. Leave such responses out."
        )
    r, p = len(responses), design.X.shape[1]
    kept = reduced.problem.kept
    m = len(kept)
    beta, root = np.full((r, p), np.nan), np.full((r, p, m), np.nan)
    beta[:, kept] = found.beta.reshape(r, m)
    root[:, kept] = found.root.reshape(r, m, m)
    sizes = [len(term.columns) for term in design.random]
    factors = [found.factors(reduced.core_term(i)).reshape(r, k, k) for i, k in enumerate(sizes)]
    return Refits(
        found.objective,
        # As Solution.sigma: least squares divides by n - m.
        found.sigma if reduced.blocks else found.sigma * _unbiased(last),
        beta,
        root,
        found.psi.reshape(r, -1),
        tuple(factors),
        _effects(design, last, found) if effects else (),
        np.array(found.evaluations),
        np.array(found.converged, dtype=bool),
    )


def _unbiased(last: Solution) -> float:
    n, m = last.reduced.problem.n, len(last.reduced.problem.kept)
    if last.likelihood.reml or last.likelihood.sigma is not None:
        return 1.0
    return float(np.sqrt(n / (n - m)))


def _effects(design: Design, last: Solution, found: CoreRefits) -> tuple[Array, ...]:
    """Cut the effects of the blocks into those of the terms."""
    out: dict[int, Array] = {}
    for b, block in enumerate(last.reduced.blocks):
        J = len(design.random[block.terms[0]].factor.levels)
        values = found.effects(b).reshape(len(found.objective), J, -1)
        stop = 0
        for term in block.terms:
            start, stop = stop, stop + len(design.random[term].columns)
            out[term] = values[:, :, start:stop]
    return tuple(out[i] for i in range(len(design.random)))
