"""Posterior predictions: of means, and of new responses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.categories import probabilities
from partialpool.bayes.responses import means, responses
from partialpool.bayes.rows import NewLevels, PosteriorRows, posterior_rows
from partialpool.bayes.trials import trials_of, weights_of
from partialpool.errors import DataError, ModelError
from partialpool.families import Ordinal, most_probable
from partialpool.frames import make_frame, read_schema, row_index
from partialpool.inference.rows import RandomPart
from partialpool.inference.seeds import Seed, generator

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["PredictionType", "fitted", "predict", "summaries"]

Array = NDArray[np.float64]
Interval = Literal["confidence", "prediction"]
_ENDS = (-np.inf, np.inf)
PredictionType = Literal["response", "link", "probabilities", "class"]


def predict(
    fit: BayesFit,
    new: Any = None,
    *,
    type: PredictionType = "response",  # noqa: A002 - as in R
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
        ``"response"``: the mean, zero inflation included; ``"link"``: its linear predictor. Of an
        ordinal response ``"response"`` or ``"probabilities"`` is a frame with a column for each
        category, and ``"class"`` the most probable one.
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
        in the row. New rows have the trials that the response's cbind(), or the column or
        expression ``weights=``, gives in the table, unless ``trials`` says others; those of
        Gaussian models the weight that ``weights=`` gives, if the table has its columns, and
        else of weight 1. A row of weight zero has no bounds.
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
    (m,) array, or native frame with columns ``estimate`` and, as asked,
    ``std_error``, ``conf_low`` and ``conf_high``, of probabilities behind the category's name
        In units of the response (proportions of families with trials) or of the link. NaN where
        a row lacks a value.

    Raises
    ------
    DataError
        If columns are missing or of another type, a level is new, or a new response
        needs a number of trials that the table doesn't say.
    ModelError
        If categories are asked for, and there are none.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> predict(fit, {"Days": [0, 10], "Subject": ["308", "308"]}).round(-1)
    array([250., 450.])
    """
    if interval not in (None, "confidence", "prediction"):
        raise DataError(f"interval must be None, 'confidence' or 'prediction', found {interval!r}.")
    _check(fit, type, interval, level, se)
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
    kind = fit.design.spec.kind if new is None else read_schema(new).kind
    index = row_index(new)
    if isinstance(fit.family, Ordinal) and type != "link":
        chances = probabilities(fit, rows, level)
        labels = fit.statement.response.levels or ()
        if type == "class":
            return most_probable(chances.mean, labels)
        return _framed(chances.columns(labels, se, interval is not None), kind, index)
    of = weights = None
    if interval == "prediction":
        of, weights = trials_of(fit, new, rows.n, trials), weights_of(fit, new)
    found = np.hstack(list(summaries(fit, rows, type, interval, level, weights, of, seed)))
    if interval is None and not se:
        return found[0]
    columns = {"estimate": found[0]} | ({"std_error": found[1]} if se else {})
    columns |= {} if interval is None else {"conf_low": found[2], "conf_high": found[3]}
    return _framed(columns, kind, index)


def _framed(columns: dict[str, Array], kind: Any, index: Any) -> Any:
    frame = make_frame(columns, kind)
    if kind == "pandas" and index is not None:
        frame.index = index
    return frame


def _check(fit: BayesFit, kind: str, interval: str | None, level: float, se: bool) -> None:
    if kind not in get_args(PredictionType):
        kinds = ", ".join(map(repr, get_args(PredictionType)))
        raise DataError(f"type must be one of {kinds}, found {kind!r}.")
    ordered = isinstance(fit.family, Ordinal)
    if kind in ("probabilities", "class") and not ordered:
        raise ModelError(
            f"type={kind!r} is for ordinal models; this one is {fit.family.name}. Ask for "
            "type='response'."
        )
    if kind == "class" and (se or interval):
        raise DataError("a most probable category has no interval: ask for type='probabilities'.")
    if interval == "prediction" and kind == "link":
        raise DataError("a new response has no link scale: ask for type='response'.")
    if interval == "prediction" and ordered:
        raise DataError(
            "a new response is a category, of which there is no interval: its distribution is what "
            "type='probabilities' gives, and fit.simulate() draws it."
        )
    if not 0 < level < 1:
        raise DataError(f"level={level!r} is no probability between 0 and 1. Try level=0.95.")


def summaries(
    fit: BayesFit,
    rows: PosteriorRows,
    kind: str,
    interval: Interval | None,
    level: float,
    weights: Array | None = None,
    trials: Array | None = None,
    seed: Seed = None,
) -> Iterator[Array]:
    """Mean, standard deviation and limits, if asked for, of every row (2 or 4, rows), in blocks."""
    rng = generator(seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    for block in rows.blocks():
        eta = rows.eta(block)
        values = eta["mean"] if kind == "link" else means(fit, eta)
        out = [values.mean(axis=0), values.std(axis=0, ddof=1)]
        if interval == "prediction":
            values = responses(fit, eta, block, weights, trials, rng)
            if trials is not None and fit.family.has_trials:
                values = values / np.maximum(trials[block], 1.0)
        if interval is not None:
            out += list(np.quantile(values, tails, axis=0))
        if interval == "prediction" and weights is not None:
            out[2:] = [
                np.where(weights[block] == 0, end, x) for end, x in zip(_ENDS, out[2:], strict=True)
            ]
        yield np.array(out)


def fitted(fit: BayesFit) -> tuple[Array, Array, Array]:
    """Posterior mean and standard deviation of every row's mean, and the mean's fixed part."""
    mean, sd = _moments(fit, "all")
    return mean, sd, _moments(fit, "none")[0]


def _moments(fit: BayesFit, random: RandomPart) -> Array:
    rows = posterior_rows(fit, random=random)
    return np.hstack(list(summaries(fit, rows, "response", None, 0.95)))
