"""What is known about the optimum of a generalized model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partialpool.results import Certificate, find_null_directions

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["certify"]


def certify(fit: GlmmFit) -> Certificate:
    """Collect what is known about the optimum of a fit."""
    solution = fit.solution
    nulls = tuple(
        null for p in fit.predictors for null in find_null_directions(p.design, p.solution)
    )
    return Certificate(
        gradient=solution.gradient_norm,
        smallest_eigenvalue=solution.smallest_eigenvalue,
        exact=True,
        evaluations=solution.evaluations,
        singular=bool(nulls),
        converged=solution.converged,
        null_directions=nulls,
    )
