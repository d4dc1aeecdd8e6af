"""Posterior predictions: of means, and of new responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.rows import NewLevels, PosteriorRows, posterior_rows
from partialpool.bayes.trials import trials_of
from partialpool.errors import DataError
from partialpool.frames import make_frame, read_schema, row_index
from partialpool.inference.rows import RandomPart
from partialpool.inference.seeds import Seed, generator

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["fitted", "predict", "simulate", "simulate_draws"]

Array = NDArray[np.float64]
Interval = Literal["confidence", "prediction"]


def predict(
    fit: BayesFit,
    new: Any = None,
    *,
    type: Literal["response", "link"] = "response",  # noqa: A002 - as in R
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    se: bool = False,
    interval: Interval | None = None,
    level: float = 0.95,
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
    trials: Any = None,
    seed: Seed = None,
) -> Any:
    """Predict every row by its posterior mean, with an interval if asked for.

    Parameters
    ----------
    fit
        A Bayesian fit.
    new
        Table with the columns that the model needs; None for the rows fitted.
    type
        ``"response"``: the mean, zero inflation included; ``"link"``: its linear predictor.
    random
        Random effects to use: ``"all"``, ``"none"``, or names of grouping factors or terms.
    new_levels
        What to do with a level that the fit hasn't seen: ``"error"``; ``"population"``, without
        an effect of its own; ``"sample"``, with effects drawn anew for every draw, so that
        intervals carry what isn't known about the level.
    se
        Add the posterior standard deviation of the mean.
    interval
        ``"confidence"``: of the mean, a credible interval; ``"prediction"``: of a new response
        in the row. New rows are of weight 1, and have the trials that the response's cbind()
        gives in the table, unless ``trials`` says others.
    level
        Probability of the interval, which is cut off equally at both ends.
    inapplicable
        What to do with a value where its covariate doesn't apply: ``"error"``, or
        ``"ignore"`` to disregard it.
    offset, applicable
        For new rows, in place of arrays given with the rows fitted.
    trials
        Of new responses with trials: a number, an array (m,), or a column or expression of
        ``new``.
    seed
        For what is drawn anew.

    Returns
    -------
    (m,) array, or native frame with with columns ``estimate`` and, as asked,
    ``std_error``, ``conf_low`` and ``conf_high``
        In units of the response (proportions of families with trials) or of the link. NaN where
        a row lacks a value.

    Raises
    ------
    DataError
        If columns are missing or of another type, a level is new, or a new response
        needs a number of trials that the table doesn't say.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> predict(fit, {"Days": [0, 10], "Subject": ["308", "308"]}).round(-1)
    array([250., 450.])
    """
    if interval not in (None, "confidence", "prediction"):
        raise DataError(f"interval must be None, 'confidence' or 'prediction', found {interval!r}.")
    if type not in ("response", "link"):
        raise DataError(f"type must be 'response' or 'link', found {type!r}.")
    if interval == "prediction" and type == "link":
        raise DataError("a new response has no link scale: ask for type='response'.")
    _check_level(level)
    rows = posterior_rows(
        fit,
        new,
        random=random,
        new_levels=new_levels,
        inapplicable=inapplicable,
        offset=offset,
        applicable=applicable,
        seed=seed,
    )
    of = trials_of(fit, new, rows.n, trials) if interval == "prediction" else None
    found = np.hstack(list(_summaries(fit, rows, type, interval, level, new is None, of, seed)))
    if interval is None and not se:
        return found[0]
    kind = fit.design.spec.kind if new is None else read_schema(new).kind
    columns = {"estimate": found[0]} | ({"std_error": found[1]} if se else {})
    columns |= {} if interval is None else {"conf_low": found[2], "conf_high": found[3]}
    frame = make_frame(columns, kind)
    index = row_index(new)
    if kind == "pandas" and index is not None:
        frame.index = index
    return frame


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise DataError(f"level={level!r} is no probability between 0 and 1. Try level=0.95.")


def _summaries(
    fit: BayesFit,
    rows: PosteriorRows,
    kind: str,
    interval: Interval | None,
    level: float,
    own: bool,
    trials: Array | None,
    seed: Seed,
) -> Iterator[Array]:
    """Mean, standard deviation and limits, if asked for, of every row (2 or 4, rows), in blocks."""
    rng = generator(seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    for block in rows.blocks():
        eta = rows.eta(block)
        values = eta["mean"] if kind == "link" else means(fit, eta)
        out = [values.mean(axis=0), values.std(axis=0, ddof=1)]
        if interval == "prediction":
            values = responses(fit, eta, block, own, trials, rng)
            if trials is not None and fit.family.has_trials:
                values = values / np.maximum(trials[block], 1.0)
        if interval is not None:
            out += list(np.quantile(values, tails, axis=0))
        yield np.array(out)


def means(fit: BayesFit, eta: dict[str, Array]) -> Array:
    """Mean of the response for every draw and row."""
    shape = eta["mean"].shape
    flat = {name: values.ravel() for name, values in eta.items()}
    return fit.family.mean(flat, fit.statement.zero).reshape(shape)


def responses(
    fit: BayesFit,
    eta: dict[str, Array],
    rows: slice,
    own: bool,
    counts: Array | None,
    rng: np.random.Generator,
) -> Array:
    """Draw a response for every draw and row; rows fitted have their weights."""
    shape = eta["mean"].shape
    response = fit.statement.response
    trials = weights = None
    if own:
        weights = None if response.weights is None else response.weights[rows]
    if counts is not None:
        trials = np.broadcast_to(counts[rows], shape)
    flat = {name: np.array(values).ravel() for name, values in eta.items()}
    if weights is not None and fit.family.name == "gaussian":
        # A row's residual variance is sigma^2 / w.
        with np.errstate(divide="ignore"):
            half = 0.5 * np.log(np.where(weights > 0, weights, np.inf))
        flat["dispersion"] = flat["dispersion"] - np.broadcast_to(half, shape).ravel()
    there = np.isfinite(flat["mean"])
    out = np.full(flat["mean"].shape, np.nan)
    given = {name: values[there] for name, values in flat.items()}
    of = None if trials is None else trials.ravel()[there]
    out[there] = fit.family.simulate(given, rng, of, fit.statement.zero)
    return out.reshape(shape)


def fitted(fit: BayesFit) -> tuple[Array, Array, Array]:
    """Posterior mean and standard deviation of every row's mean, and the mean's fixed part."""
    rows = posterior_rows(fit)
    mean, sd = [], []
    for block in rows.blocks():
        values = means(fit, rows.eta(block))
        mean.append(values.mean(axis=0))
        sd.append(values.std(axis=0, ddof=1))
    return np.concatenate(mean), np.concatenate(sd), predict(fit, random="none")


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
        As for :func:`predict`.

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
    if not isinstance(nsim, (int, np.integer)) or nsim < 1:
        raise DataError(f"nsim must be a whole number of at least 1, found {nsim!r}.")
    rng = generator(seed)
    size = fit.draws.chains * fit.draws.draws
    chosen = rng.choice(size, nsim, replace=nsim > size)
    rows = posterior_rows(fit, new, random=random, new_levels=new_levels, seed=seed, draws=chosen)
    of = trials_of(fit, new, rows.n, trials)
    blocks = (
        responses(fit, rows.eta(block), block, new is None, of, rng) for block in rows.blocks()
    )
    return np.hstack(list(blocks)).T


def simulate_draws(fit: BayesFit, seed: Seed = None) -> Array:
    """Draw one response of the rows fitted by every posterior draw (S, n)."""
    rng = generator(seed)
    rows = posterior_rows(fit)
    trials = trials_of(fit, None, rows.n)
    blocks = (responses(fit, rows.eta(b), b, True, trials, rng) for b in rows.blocks())
    return np.hstack(list(blocks))
