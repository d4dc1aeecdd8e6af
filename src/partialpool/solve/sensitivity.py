"""How the estimates hang on the covariance parameters: what small-sample inference needs.

Everything here is sums over levels of p x p and smaller matrices, so that it costs about as much
as an evaluation of the likelihood, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import (
    CoreForm,
    covariance_directions,
    covariance_size,
    matrix,
    structure_name,
)
from partialpool.design import Design
from partialpool.formula.structures import BY_LAG, SQUARED
from partialpool.solve.problem import structure_code
from partialpool.solve.solution import Solution

__all__ = [
    "Direction",
    "Sensitivity",
    "chart_directions",
    "information",
    "linear_directions",
    "sensitivity",
    "unprofiled_hessian",
]

Matrix = NDArray[np.float64]
# Relative size below which a direction of a structured covariance leads nowhere.
_NOWHERE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """A change of the relative covariance Sigma of one random term.

    Attributes
    ----------
    term
        Position among the core's terms.
    change : (k, k) array
        dSigma, symmetric, in the core's coordinates.
    """

    term: int
    change: Matrix


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivity:
    """Sums over levels, for m directions E_a of Sigma.

    With V = I + Z Sigma Z', N = Z'V^-1 Z, F = Z'V^-1 X R where R R' = (X'V^-1 X)^-1, and
    g = Z'P y.

    Attributes
    ----------
    fixed : (m, p, p) array
        F'E_a F: what a step along E_a adds to the relative covariance of the fixed effects,
        in coordinates in which that is the identity.
    products : (m, m, p, p) array
        F'E_a N E_b F; empty unless asked for.
    product_traces : (m, m) array
        Their traces, tr(F'E_a N E_b F).
    traces : (m, m) array
        tr(E_a N E_b N).
    trace : (m,) array
        tr(E_a N).
    scores : (m, m) array
        g'E_a N E_b g.
    mixed : (p, m) array
        F'E_a g.
    score : (m,) array
        g'E_a g.
    residual
        y'P y, in the core's units.
    """

    fixed: Matrix
    products: Matrix
    product_traces: Matrix
    traces: Matrix
    trace: Matrix
    scores: Matrix
    mixed: Matrix
    score: Matrix
    residual: float


def chart_directions(solution: Solution, design: Design) -> tuple[Direction, ...]:
    """List dSigma / dpsi for every parameter of the search, in its order."""
    return tuple(
        Direction(term, change)
        for term, code, k, psi in _core_terms(solution, design)
        for change in covariance_directions(code, k, psi)
    )


def linear_directions(solution: Solution, design: Design) -> tuple[Direction, ...]:
    """List directions that span the covariances near the optimum, at singular ones too.

    Unstructured and diagonal covariances are linear in their entries, compound symmetry with one
    standard deviation in two, Toeplitz ones in those of each lag; of the others these are the
    tangents.
    """
    return tuple(
        Direction(term, np.ascontiguousarray(change))
        for term, code, k, psi in _core_terms(solution, design)
        for change in _span(code, k, psi)
    )


def _core_terms(solution: Solution, design: Design) -> Iterable[tuple[int, CoreForm, int, Matrix]]:
    """Position, structure, number of columns and parameters of the core's terms."""
    first = position = 0
    for block in solution.reduced.blocks:
        for i in block.terms:
            effects = design.random[i]
            code, k = structure_code(effects), len(effects.columns)
            last = first + covariance_size(code, k)
            yield position, code, k, solution.optimum.psi[first:last]
            first, position = last, position + 1


def _span(code: CoreForm, k: int, psi: Matrix) -> Iterable[Matrix]:
    structure = structure_name(code)
    unit = np.eye(k)
    if structure == "unstructured":
        for c in range(k):
            for r in range(c, k):
                change = np.outer(unit[r], unit[c])
                yield change if r == c else change + change.T
    elif structure == "diagonal":
        yield from (np.outer(e, e) for e in unit)
    elif structure == "homdiag":
        yield unit
    elif structure == "homcs":
        yield unit
        yield np.ones((k, k)) - unit
    elif structure in BY_LAG:
        # Linear in the covariances by lag; with own deviations these are tangents.
        sd = psi[:k] ** 2 if structure == "toep" else np.ones(k)
        if structure == "toep":
            yield from covariance_directions(code, k, psi)[:k]
        else:
            yield unit
        lag = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
        yield from (np.outer(sd, sd) * (lag == m) for m in range(1, k))
    else:
        # With one standard deviation the correlations' direction, whatever that is.
        at = psi if structure in SQUARED else np.array([1.0, *psi[1:]])
        changes = covariance_directions(code, k, at)
        largest = max(float(np.abs(change).max()) for change in changes)
        yield from (c for c in changes if np.abs(c).max() > _NOWHERE * largest)


def sensitivity(
    solution: Solution, directions: tuple[Direction, ...], *, products: bool = False
) -> Sensitivity:
    """Sum up what small-sample inference needs, at the optimum.

    Parameters
    ----------
    solution
        Where the search ended.
    directions
        Changes of the covariance.
    products
        Whether to make the (m, m, p, p) products, which only Kenward-Roger needs.
    """
    likelihood, problem = solution.likelihood, solution.reduced.problem
    with solution.reduced.algebra():
        fixed, pairs, inner, traces, trace, scores, mixed, score, residual = problem.sensitivity(
            solution.optimum.psi,
            likelihood.reml,
            likelihood.fixed,
            [(d.term, matrix(d.change)) for d in directions],
            products,
        )
    m, p = len(directions), len(problem.kept)
    return Sensitivity(
        fixed.reshape(m, p, p),
        pairs.reshape(m, m, p, p) if products else np.empty((0, 0, p, p)),
        inner,
        traces,
        trace,
        scores,
        mixed,
        score,
        residual,
    )


def information(found: Sensitivity, n: int, *, reml: bool, residual: bool = True) -> Matrix:
    """Compute tr(P V_a P V_b) over directions, with V itself (the scale) first.

    Twice the expected information where REML was used; with V^-1 in place of P for ML. Relative
    to sigma: for V_a = dV / d(sigma^2 Sigma) it is divided by sigma^4.

    Parameters
    ----------
    found
        Sums.
    n
        Rows.
    reml
        Whether the fixed effects are projected out.
    residual
        Whether the scale is a parameter.
    """
    m, p = found.score.size, found.mixed.shape[0]
    out = np.empty((m + 1, m + 1))
    out[0, 0] = n - p if reml else n
    out[1:, 1:] = found.traces
    out[0, 1:] = out[1:, 0] = found.trace
    if reml:
        out[0, 1:] -= np.trace(found.fixed, axis1=1, axis2=2)
        out[1:, 0] = out[0, 1:]
        out[1:, 1:] -= 2.0 * found.product_traces
        out[1:, 1:] += np.einsum("aij,bji->ab", found.fixed, found.fixed)
    out = 0.5 * (out + out.T)
    return out if residual else out[1:, 1:]


def unprofiled_hessian(solution: Solution, design: Design) -> tuple[Matrix, Sensitivity]:
    """Compute the exact Hessian of the objective in (psi, log sigma^2) at the optimum.

    Without the last row and column if sigma is known.

    Returns
    -------
    (m + 1, m + 1) array
        Second derivatives of minus twice the (restricted) log-likelihood.
    Sensitivity
        The sums it was made of, for directions :func:`chart_directions`.
    """
    likelihood, problem = solution.likelihood, solution.reduced.problem
    found = sensitivity(solution, chart_directions(solution, design))
    tau = information(found, problem.n, reml=likelihood.reml, residual=False)
    average = _average_information(solution)
    scale = (problem.y_scale / solution.sigma) ** 2
    scores = scale * (found.scores - found.mixed.T @ found.mixed)
    # Average information holds the curvature of the chart, and the scores once.
    psi = average + scores - tau
    if likelihood.sigma is not None:
        return psi, found
    across = scale * found.score[:, None]
    last = np.array([[scale * found.residual]])
    return np.block([[psi, across], [across.T, last]]), found


def _average_information(solution: Solution) -> Matrix:
    """Average information with sigma held, chart curvature included."""
    average = 2
    with solution.reduced.algebra():
        _, _, curvature = solution.reduced.problem.local(
            solution.optimum.psi, solution.likelihood.reml, solution.sigma, average
        )
    return curvature
