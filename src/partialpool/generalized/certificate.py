"""What is known about the optimum of a generalized model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from partialpool.results import Certificate, find_null_directions
from partialpool.solve.generalized import link_unit

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["certify"]


# Decrease of the objective that may be left: no number of the summary shows it. The second is
# evidence enough for a search that rounding kept from ending by its own rule.
_LEFT, _NOTHING = 1e-3, 1e-6


def certify(fit: GlmmFit) -> Certificate:
    """Collect what is known about the optimum of a fit."""
    solution = fit.solution
    units = {"mean": link_unit(fit.family, fit.response)}
    nulls = tuple(
        null
        for p in fit.predictors
        for null in find_null_directions(p.design, p.solution, units.get(p.name, 1.0))
    )
    return Certificate(
        gradient=solution.gradient_norm,
        smallest_eigenvalue=solution.smallest_eigenvalue,
        exact=True,
        evaluations=solution.evaluations,
        singular=bool(nulls),
        converged=not solution.bends_down
        and solution.promised < (_LEFT if solution.converged else _NOTHING),
        null_directions=nulls,
    )
