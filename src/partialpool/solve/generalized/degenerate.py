"""Models whose likelihood has no maximum, since the rows leave nothing for a dispersion."""

from __future__ import annotations

import numpy as np

from partialpool.errors import ModelError
from partialpool.families import Gaussian, Response, ResponseFamily, Tweedie
from partialpool.solve.generalized.layout import Layout
from partialpool.solve.generalized.solution import GeneralizedSolution

__all__ = ["refuse_exact_fit", "refuse_levels_of_one_row", "refuse_multiples"]

# Residuals in units of the response's spread that are rounding and the end of a search.
_EXACT = 1e-6
# Logit of a Tweedie power less one to which only a likelihood without end leads.
_PEAKED = -20.0
_DENSITIES = ("gaussian", "student_t", "gamma", "inverse_gaussian", "beta")


def refuse_levels_of_one_row(layout: Layout, response: Response, family: ResponseFamily) -> None:
    """Refuse a Gaussian effect of every row, which can't be told from the residual.

    Raises
    ------
    ModelError
        Naming the grouping factor.
    """
    mean, *others = layout.parts
    if not isinstance(family, Gaussian) or family.link.name != "identity":
        return
    if any(part.X.shape[1] > 1 or part.random for part in others):
        return
    n = len(response.values)
    for effects in mean.random:
        levels = len(np.unique(layout.rows(effects.factor.codes)))
        if levels >= n:
            raise ModelError(
                f"the grouping factor {effects.factor.name!r} has {levels} levels in {n} rows; "
                "with a Gaussian response a random effect needs fewer levels than rows, or it "
                "can't be told from the residual. Check that the column is a group and not a "
                "measurement."
            )


def refuse_exact_fit(solution: GeneralizedSolution, response: Response) -> None:
    """Refuse a density of measurements that the means fit exactly: it rises without end.

    Raises
    ------
    ModelError
        If they do.
    """
    if solution.family.name not in _DENSITIES:
        return
    y = response.values
    mu = solution.family.mean({k: solution.layout.rows(v) for k, v in solution.eta.items()})
    if np.abs(y - mu).max() > _EXACT * np.ptp(y):
        return
    raise ModelError(
        f"the response {response.text!r} is fitted exactly in all {len(y)} rows, so that the "
        f"{solution.family.name} likelihood rises without end as its dispersion vanishes. Look "
        "for a column that the response was computed from, or that is constant in every group."
    )


def refuse_multiples(solution: GeneralizedSolution, response: Response) -> None:
    """Refuse a Tweedie density of whole multiples of phi: towards power 1 it rises without end.

    Raises
    ------
    ModelError
        If all rows are multiples, and the search went there.
    """
    if not isinstance(solution.family, Tweedie) or not solution.beta["shape"][0] < _PEAKED:
        return
    phi = np.exp(solution.layout.rows(solution.eta["dispersion"]))
    counts = response.values / phi
    if np.abs(counts - np.round(counts)).max() > _EXACT:
        return
    same = np.ptp(phi) <= _EXACT * phi[0]
    unit = f"{phi[0]:.6g}" if same else "the dispersion"
    raise ModelError(
        f"the response {response.text!r} is a whole multiple of {unit} in all {len(phi)} rows, so "
        "that the tweedie likelihood rises without end as its power goes to 1. Fit the counts, "
        f"which are {response.text} / {unit}, as 'poisson' or 'nbinom2'."
    )
