"""Intervals by bootstrap: rows drawn again within each group.

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.frames import make_frame
from partialpool.shrinkage.design_rows import make_problem
from partialpool.shrinkage.solving import prepare, solve

if TYPE_CHECKING:
    from partialpool.shrinkage.fit import PenalizedFit

__all__ = ["intervals"]

Vector = NDArray[np.float64]


def intervals(fit: PenalizedFit, level: float, nsim: int, seed: int | None) -> Any:
    """Percentile intervals of the shared coefficients.

    Rows are drawn again within each level of the first grouping factor, and the model is fitted
    to them with the same penalty. Penalised estimates are biased, and these intervals are of the
    estimates: they say how much these would vary, not where an unpenalised truth is.

    Parameters
    ----------
    fit
        A penalised fit.
    level
        Probability of the intervals.
    nsim
        Number of draws.
    seed
        Of the draws.

    Returns
    -------
    native frame
        ``term``, ``estimate``, ``std_error``, ``lower`` and ``upper``.

    Raises
    ------
    DataError
        If the level isn't a probability, or there are fewer than two draws.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.confint(nsim=20, seed=1).columns)
    ['term', 'estimate', 'std_error', 'lower', 'upper']
    """
    if not 0 < level < 1:
        raise DataError(f"level must be a probability between 0 and 1, found {level!r}.")
    if nsim < 2:
        raise DataError(f"nsim must be at least 2, found {nsim!r}.")
    rng = np.random.default_rng(seed)
    draws = np.full((nsim, len(fit.design.columns)), np.nan)
    kappa = fit.solution.kappa
    for draw in draws:
        made = make_problem(fit.design, fit.asked, _draw(fit, rng))
        prepared = prepare(made.problem, fit.asked.penalty)
        solution = solve(prepared, fit.asked.penalty, kappa)
        draw[made.kept] = solution.theta[: len(made.kept)]
    lower, upper = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    columns = {
        "term": np.array(fit.design.columns, dtype=object),
        "estimate": fit.solution.beta,
        "std_error": np.nanstd(draws, axis=0, ddof=1),
        "lower": lower,
        "upper": upper,
    }
    return make_frame(columns, fit.design.spec.kind)


def _draw(fit: PenalizedFit, rng: np.random.Generator) -> NDArray[np.intp]:
    """Rows drawn with replacement within each level of the first factor."""
    n = len(fit.design.y)
    if not fit.design.random:
        return rng.integers(0, n, size=n)
    codes = fit.design.random[0].factor.codes
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    own = codes[order]
    return np.asarray(order[starts[own] + np.floor(rng.random(n) * sizes[own]).astype(np.intp)])
