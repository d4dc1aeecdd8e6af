"""New responses drawn from a fitted generalized model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.generalized.estimates import LinearPredictor
from partialpool.inference.counts import check_count
from partialpool.inference.fitted import linear_part
from partialpool.inference.seeds import Seed, generator

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["simulate"]

Vector = NDArray[np.float64]


def simulate(
    fit: GlmmFit, nsim: int = 1, seed: Seed = None, *, conditional: bool = False
) -> Vector:
    """Draw responses from the fitted model.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    nsim
        Number of draws.
    seed
        Seed of NumPy's default generator; the same seed gives the same draws.
    conditional
        Keep the random effects at their conditional modes, instead of drawing new ones for
        every level.

    Returns
    -------
    (n, nsim) array
        Numbers, as :meth:`GlmmFit.refit` takes them: successes where there are trials,
        positions of categories (from 0) where there are categories.

    Raises
    ------
    DataError
        If ``nsim`` is below one.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson")
    >>> simulate(fit, 2, seed=1).shape
    (403, 2)
    """
    check_count("nsim", nsim)
    rng = generator(seed)
    trials = fit.response.trials if fit.family.has_trials else None
    draws = [
        fit.family.simulate(_predictors(fit, rng, conditional), rng, trials, fit.solution.zero)
        for _ in range(nsim)
    ]
    return np.column_stack(draws)


def _predictors(fit: GlmmFit, rng: np.random.Generator, conditional: bool) -> dict[str, Vector]:
    eta = dict(fit.eta)
    if conditional:
        return eta
    for predictor in fit.predictors:
        if predictor.design.random:
            eta[predictor.name] = _with_new_effects(predictor, rng)
    return eta


def _with_new_effects(predictor: LinearPredictor, rng: np.random.Generator) -> Vector:
    design = predictor.design
    eta = linear_part(design.X, predictor.fixef.values, design.offset)
    for i, effects in enumerate(design.random):
        J, k = len(effects.factor.levels), len(effects.columns)
        b = rng.standard_normal((J, k)) @ predictor.solution.factor(i).T
        eta = eta + np.einsum("ij,ij->i", effects.basis, b[effects.factor.codes])
    return eta
