"""New responses, drawn from the posterior predictive distribution; and means of draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import flattened
from partialpool.bayes.rows import NewLevels, posterior_rows
from partialpool.bayes.trials import trials_of, weights_of
from partialpool.families import Ordinal
from partialpool.inference.counts import check_count
from partialpool.inference.rows import RandomPart
from partialpool.inference.seeds import Seed, generator

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["means", "responses", "simulate", "simulate_draws"]

Array = NDArray[np.float64]


def means(fit: BayesFit, eta: dict[str, Array]) -> Array:
    """Mean of the response for every draw and row; of ordered categories, of their scores."""
    shape, flat = eta["mean"].shape, flattened(eta)
    if isinstance(fit.family, Ordinal):
        chances = fit.family.probabilities(flat)
        return np.asarray(chances @ fit.statement.response.scores).reshape(shape)
    return fit.family.mean(flat, fit.statement.zero).reshape(shape)


def responses(
    fit: BayesFit,
    eta: dict[str, Array],
    rows: slice,
    weights: Array | None,
    counts: Array | None,
    rng: np.random.Generator,
) -> Array:
    """Draw a response for every draw and row, of these weights and trials."""
    shape = eta["mean"].shape
    trials = None if counts is None else np.broadcast_to(counts[rows], shape)
    flat = flattened(eta)
    there = np.isfinite(flat["mean"])
    if trials is not None:
        there &= ~np.isnan(trials).ravel()
    if weights is not None:
        # A row's residual variance is sigma^2 / w; one of weight zero gets its mean.
        known = weights[rows]
        with np.errstate(divide="ignore"):
            half = 0.5 * np.log(np.where(known == 0, np.inf, known))
        flat["dispersion"] = flat["dispersion"] - np.broadcast_to(half, shape).ravel()
        there &= np.broadcast_to(~np.isnan(known), shape).ravel()
    out = np.full(flat["mean"].shape, np.nan)
    given = {name: values[there] for name, values in flat.items()}
    of = None if trials is None else trials.ravel()[there]
    out[there] = fit.family.simulate(given, rng, of, fit.statement.zero)
    return out.reshape(shape)


def simulate(
    fit: BayesFit,
    nsim: int = 1,
    seed: Seed = None,
    *,
    new: Any = None,
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    trials: Any = None,
) -> Array:
    """Draw new responses from the posterior predictive distribution.

    Parameters
    ----------
    fit
        A Bayesian fit.
    nsim
        Number of responses for each row, each by a posterior draw of its own as long as there
        are enough.
    seed
        Seed of NumPy's default generator.
    new, random, new_levels, trials
        As for :func:`predict`. New rows of Gaussian models are of the weight that the model's
        ``weights=`` gives them, where it was a column or an expression of columns that the table
        has; else of weight 1.

    Returns
    -------
    (m, nsim) array
        In units of the response; of families with trials, numbers of successes.

    Raises
    ------
    DataError
        If ``nsim`` is below one, or as for :func:`predict`.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> simulate(fit, 3, seed=2).shape
    (180, 3)
    """
    check_count("nsim", nsim)
    rng = generator(seed)
    size = fit.draws.chains * fit.draws.draws
    chosen = rng.choice(size, nsim, replace=nsim > size)
    rows = posterior_rows(fit, new, random=random, new_levels=new_levels, seed=seed, draws=chosen)
    of, weights = trials_of(fit, new, rows.n, trials), weights_of(fit, new)
    blocks = (responses(fit, rows.eta(block), block, weights, of, rng) for block in rows.blocks())
    return np.hstack(list(blocks)).T


def simulate_draws(fit: BayesFit, seed: Seed = None) -> Array:
    """Draw one response of the rows fitted by every posterior draw (S, n)."""
    rng = generator(seed)
    rows = posterior_rows(fit)
    trials, weights = trials_of(fit, None, rows.n), weights_of(fit, None)
    blocks = (responses(fit, rows.eta(b), b, weights, trials, rng) for b in rows.blocks())
    return np.hstack(list(blocks))
