"""From designs to estimates: the border to the engine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from partialpool.design import Design
from partialpool.families import Response, ResponseFamily, Zero
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.estimates import Solved
from partialpool.generalized.quasi import solve_quasi
from partialpool.solve.generalized import Objective, Part, solve_generalized
from partialpool.solve.levels import refuse_numbers_as_text

__all__ = ["make_objective", "make_parts", "solve_designs"]


def solve_designs(
    designs: Mapping[str, Design],
    response: Response,
    family: ResponseFamily,
    zero: Zero,
    asked: Approximation,
) -> Solved:
    """Estimate a generalized model.

    Parameters
    ----------
    designs
        Of the predictors that have a formula.
    response, family, zero
        What is explained, and its distribution.
    asked
        Which approximation is maximised.

    Raises
    ------
    ModelError
        If the model can't be identified on these rows.
    """
    for design in designs.values():
        refuse_numbers_as_text(design, int(response.counted.sum()))
    if asked.method == "pql":
        return solve_quasi(designs["mean"], response, family, asked)
    objective = make_objective(asked)
    parts = make_parts(designs, family, zero, len(response.values))
    return solve_generalized(parts, response, family, zero, response.weights, objective)


def make_objective(asked: Approximation) -> Objective:
    """Return an approximation as the engine knows it."""
    assert asked.method != "pql"
    return Objective(asked.method, asked.quadrature, asked.reml, asked.information, asked.penalty)


def make_parts(
    designs: Mapping[str, Design], family: ResponseFamily, zero: Zero, n: int
) -> tuple[Part, ...]:
    """Lay out the linear predictors; one without a formula is the same number in all rows."""
    constant = np.ones((n, 1))
    return tuple(
        Part(name, d.X, d.offset, d.columns, d.random)
        if (d := designs.get(name)) is not None
        else Part(name, constant, None, ("Intercept",), ())
        for name in family.parts(zero)
        if name != "thresholds"
    )
