"""What is known about the optimum: gradient, curvature, and directions without variance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.results.certificate import Certificate, NullDirection, find_null_directions
from partialpool.solve import Solution

__all__ = ["Certificate", "NullDirection", "certify"]

# Up to here exact second derivatives of crossed factors cost less than a second.
_MANY_EFFECTS = 1_000
# A curvature this small beside the largest is rounding: the likelihood is flat.
_FLAT = 1e-8


def certify(design: Design, solution: Solution) -> Certificate:
    """Collect what is known about the optimum of a fit."""
    optimum = solution.optimum
    gradient = optimum.gradient
    curvature, exact = _curvature(design, solution)
    nulls = find_null_directions(design, solution)
    return Certificate(
        gradient=float(np.abs(gradient).max()) if gradient.size else 0.0,
        smallest_eigenvalue=_smallest(curvature) if gradient.size else np.inf,
        exact=exact,
        evaluations=optimum.evaluations,
        singular=bool(nulls),
        converged=optimum.converged,
        null_directions=nulls,
    )


def _smallest(curvature: NDArray[np.float64]) -> float:
    """Return the smallest eigenvalue, 0 where it is rounding of the largest."""
    values = np.linalg.eigvalsh(curvature)
    smallest = float(values[0])
    return 0.0 if abs(smallest) <= _FLAT * float(values[-1]) else smallest


def _curvature(design: Design, solution: Solution) -> tuple[NDArray[np.float64], bool]:
    """Second derivatives at the optimum, and whether they are exact.

    With one factor the search had them. With crossed factors they take the square of the
    number of random effects in memory, so that large models make do with what the search used.
    """
    optimum, reduced = solution.optimum, solution.reduced
    if len(reduced.blocks) < 2:
        return optimum.curvature, True
    if sum(len(e.factor.levels) * len(e.columns) for e in design.random) > _MANY_EFFECTS:
        return optimum.curvature, False
    with reduced.algebra():
        exact = reduced.problem.local(
            optimum.psi, solution.likelihood.reml, solution.likelihood.fixed, 3
        )
    return exact[2], True
