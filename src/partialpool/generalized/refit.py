"""The same model fitted to another response."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool.errors import DataError
from partialpool.families import Response
from partialpool.generalized.solving import solve_designs
from partialpool.results.response import new_values

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["refit"]


_ADVICE = "Give refit a response such as fit.simulate() draws."


def refit(fit: GlmmFit, y: ArrayLike) -> GlmmFit:
    """Fit the same model to another response.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    y : (n,) array_like
        One number for each row that was fitted: successes where there are trials, positions
        of categories (from 0) where there are categories, as :meth:`GlmmFit.simulate` draws
        them.

    Raises
    ------
    DataError
        If the length differs, a value isn't finite or is none that the family can have.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> fit.refit(fit.response.values).loglik == fit.loglik
    True
    """
    values = new_values(y, len(fit.response.values))
    response = dataclasses.replace(
        fit.response, values=values, text="given to refit", rows=None, advice=_ADVICE
    )
    if fit.family.name == "ordinal":
        _check_positions(response)
    fit.family.check(response, fit.solution.zero)
    designs = {
        name: dataclasses.replace(design, y=response.values) for name, design in fit.designs.items()
    }
    asked = fit.approximation
    solution = solve_designs(designs, response, fit.family, fit.solution.zero, asked)
    return type(fit)(designs, response, asked, solution)


def _check_positions(response: Response) -> None:
    K = len(response.levels or ())
    y: NDArray[np.float64] = response.values
    strange = (y != np.floor(y)) | (y < 0) | (y >= K)
    if strange.any():
        raise DataError(
            f"refit needs positions of categories, 0 to {K - 1}, found other values in "
            f"{response.show(strange)}."
        )
