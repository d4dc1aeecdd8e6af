"""Intervals by bootstrap: whole groups drawn again, or rows within them.

References
----------
Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
Davison & Hinkley (1997), Bootstrap Methods and their Application, section 3.8.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, PartialPoolWarning
from partialpool.frames import make_frame
from partialpool.inference.parameters import fixed_columns
from partialpool.inference.seeds import Seed, generator
from partialpool.shrinkage.design_rows import groupings, make_problem
from partialpool.shrinkage.resampling import Drawn, draw_groups, draw_rows
from partialpool.shrinkage.solving import prepare, solve

if TYPE_CHECKING:
    from partialpool.shrinkage.fit import PenalizedFit

__all__ = ["intervals", "percentiles"]

Vector = NDArray[np.float64]


def intervals(
    fit: PenalizedFit,
    level: float,
    nsim: int,
    seed: Seed,
    of: Literal["shared", "deviations"] = "shared",
) -> Any:
    """Percentile intervals of the coefficients.

    For the shared coefficients whole groups are drawn again, one drawn twice counting as two:
    their intervals are for other groups of the same kind. Nested levels come with the outer
    ones; crossed factors are drawn independently. For the deviations of the groups fitted, rows
    are drawn within each level of the first factor: their intervals are for other rows of these
    groups. The model is fitted to each draw with the same penalty, and weights by size are
    computed anew. Penalised estimates are biased, and these intervals are of the estimates: they
    say how much these would vary, not where an unpenalised truth is.

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
    of
        ``"shared"`` coefficients or ``"deviations"``.

    Returns
    -------
    native frame
        ``effect`` ("fixed"; of deviations "ran_vals"), ``group``, ``level`` (of deviations),
        ``term``, ``estimate``, ``std_error``, ``conf_low`` and ``conf_high``.

    Raises
    ------
    DataError
        If an argument is none of its values, or there are fewer than two draws.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.penalized("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> list(fit.confint(nsim=20, seed=1).columns)
    ['effect', 'group', 'term', 'estimate', 'std_error', 'conf_low', 'conf_high']
    """
    if of not in ("shared", "deviations"):
        raise DataError(f"of must be 'shared' or 'deviations', found {of!r}.")
    design = fit.design
    weights = design.weights
    used = np.arange(len(design.y)) if weights is None else np.flatnonzero(weights > 0)
    groups = groupings(design, used)
    draw = draw_groups if of == "shared" else draw_rows
    refit = _shared if of == "shared" else _deviations

    def estimate(rng: np.random.Generator) -> Vector:
        drawn = draw(groups, len(used), rng)
        return refit(fit, Drawn(used[drawn.rows], drawn.groups))

    values = fit.solution.beta if of == "shared" else _flat(fit.solution.deviations)
    names = fixed_columns(design.columns) if of == "shared" else _names(fit)
    return make_frame(names | percentiles(estimate, values, level, nsim, seed), design.spec.kind)


def percentiles(
    estimate: Callable[[np.random.Generator], Vector],
    values: Vector,
    level: float,
    nsim: int,
    seed: Seed,
) -> dict[str, Vector]:
    """Columns of a table of percentile intervals.

    Parameters
    ----------
    estimate
        Gives the estimates of one draw, NaN where it has none; draws for which it raises a
        ModelError are left out.
    values
        Estimates of the data.
    level, nsim, seed
        Probability of the intervals, number of draws and their seed.

    Raises
    ------
    DataError
        If the level isn't a probability, or there are fewer than two draws.
    ModelError
        If fewer than two draws can be fitted.
    """
    if not 0 < level < 1:
        raise DataError(f"level must be a probability between 0 and 1, found {level!r}.")
    if nsim < 2:
        raise DataError(f"nsim must be at least 2, found {nsim!r}.")
    rng = generator(seed)
    draws = _collect(estimate, rng, nsim)
    lower, upper = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    spread = np.nanstd(draws, axis=0, ddof=1)
    return {"estimate": values, "std_error": spread, "conf_low": lower, "conf_high": upper}


def _collect(
    estimate: Callable[[np.random.Generator], Vector], rng: np.random.Generator, nsim: int
) -> Vector:
    draws = []
    failure: ModelError | None = None
    for _ in range(nsim):
        try:
            draws.append(estimate(rng))
        except ModelError as error:
            failure = error
    if len(draws) < 2:
        raise ModelError(
            f"{nsim - len(draws)} of {nsim} draws of the bootstrap can't be fitted: {failure}"
        ) from failure
    if failure is not None:
        warnings.warn(
            f"{nsim - len(draws)} of {nsim} draws of the bootstrap can't be fitted and are left "
            f"out, so that the intervals may be too short: {failure}",
            PartialPoolWarning,
            stacklevel=5,
        )
    return np.array(draws)


def _shared(fit: PenalizedFit, drawn: Drawn) -> Vector:
    made = make_problem(fit.design, fit.asked, drawn)
    solution = solve(prepare(made.problem, fit.asked.penalty), fit.asked.penalty, certify=False)
    out = np.full(len(fit.design.columns), np.nan)
    out[made.kept] = solution.theta[: len(made.kept)]
    return out


def _deviations(fit: PenalizedFit, drawn: Drawn) -> Vector:
    made = make_problem(fit.design, fit.asked, drawn)
    prepared = prepare(made.problem, fit.asked.penalty)
    solution = solve(prepared, fit.asked.penalty, certify=False)
    found = prepared.problem.layout.deviations(solution.theta)
    out = []
    for e, term, u in zip(fit.design.random, made.problem.bare.terms, found, strict=True):
        own = np.full((len(e.factor.levels), len(e.columns)), np.nan)
        codes = e.factor.codes[drawn.rows]
        there = np.zeros(len(u), dtype=np.intp)
        there[term.codes[term.codes >= 0]] = codes[term.codes >= 0]
        own[there] = u / term.omega[:, None]
        out.append(own)
    return _flat(out)


def _flat(blocks: Any) -> Vector:
    return np.concatenate([np.zeros(0), *(np.ravel(block) for block in blocks)])


def _names(fit: PenalizedFit) -> dict[str, Any]:
    rows = [
        (e.factor.name, label, column)
        for e in fit.design.random
        for label in e.factor.levels
        for column in e.columns
    ]
    each = zip(*(("ran_vals", *row) for row in rows), strict=True) if rows else ([], [], [], [])
    names = ("effect", "group", "level", "term")
    return {
        n: np.array([str(x) for x in c], dtype=object) for n, c in zip(names, each, strict=True)
    }
