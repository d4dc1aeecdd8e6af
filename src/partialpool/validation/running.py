"""Models of every kind on rows, or groups, that they haven't seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, show_rows
from partialpool.frames import Table, collect, read_column, read_table
from partialpool.inference.seeds import Seed
from partialpool.validation.candidates import candidate
from partialpool.validation.kinds import Candidate, Random
from partialpool.validation.result import CrossValidation, Scores, score
from partialpool.validation.splits import Scheme, split

__all__ = ["cross_validate"]

Vector = NDArray[np.float64]


def cross_validate(
    model: Any,
    data: Any,
    groups: Any,
    scheme: Scheme = "within",
    *,
    response: str | None = None,
    folds: int = 5,
    seed: Seed = 0,
) -> CrossValidation:
    """Score models on rows that they haven't seen.

    Parameters
    ----------
    model
        A fit of :func:`partialpool.lmm` or :func:`partialpool.glmm`, which is fitted again to
        each fold's training rows; a scikit-learn estimator; a function from a table to a fit,
        or to anything with ``predict(table)``; or a dict of these by name. Models with random
        effects are scored with and without them.
    data
        The table. Estimators get its columns but the response, and but the groups unless
        they name them in ``random=``.
    groups
        Column of the groups, or their labels (n,). Estimators whose ``fit`` takes ``groups``
        get them; others get none.
    scheme
        ``"within"``: rows are held out of groups that the models know. ``"new-groups"``: whole
        groups are held out.
    response
        Column of the response, for estimators and functions; a fit knows its own, which has
        to be the same.
    folds
        How many.
    seed
        Of the folds.

    Returns
    -------
    CrossValidation
        One table: MAE, RMSE, MAPE, R squared, log-likelihood (the sum of log predictive
        densities) and seconds; of classes accuracy and Brier's score too, of more than two
        classes instead of the first four. The log-likelihood is NaN of models that give no density:
        generalized models with zero inflation, a dispersion or other parts besides the mean,
        ``MixedEffectsRegressor`` of counts, regressors whose ``predict`` has no
        ``return_std``, and predictions of fits and regressors without random effects.

    Raises
    ------
    DataError
        If groups are missing or too few, arguments don't fit the table, or models have
        different responses, whose errors can't stand in one table.
    ModelError
        If something is no model.
    NotAvailableError
        If a model is ordinal.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", sleep)
    >>> found = pp.cross_validate(fit, sleep, "Subject")
    >>> found.to_frame()[["random", "rmse", "r2"]].round(2)
        random   rmse    r2
    0     with  28.73  0.74
    1  without  47.65  0.28
    """
    if scheme not in ("within", "new-groups"):
        raise DataError(f"scheme must be 'within' or 'new-groups', found {scheme!r}.")
    if not isinstance(folds, Integral) or folds < 2:
        raise DataError(f"folds must be a whole number from 2, found {folds!r}.")
    models = dict(model) if isinstance(model, Mapping) else {_name(model): model}
    data = collect(data)
    table = read_table(data)
    name = groups if isinstance(groups, str) else None
    candidates = {key: candidate(each, data, name, response) for key, each in models.items()}
    used = _usable(candidates, table.n)
    _refuse_other_responses(candidates, used, table, response)
    codes = _codes(table, groups, used)
    held_out = [used[rows] for rows in split(codes, scheme, int(folds), seed)]
    results = [
        result for key, each in candidates.items() for result in _run(key, each, used, held_out)
    ]
    return CrossValidation(
        scheme=scheme,
        names=tuple(result.name for result in results),
        random=tuple(result.random for result in results),
        scores=tuple(result.scores for result in results),
        seconds=tuple(result.seconds for result in results),
        predictions={(result.name, result.random): result.mean for result in results},
        rows=sum(len(rows) for rows in held_out),
        kind=table.kind if table.kind != "dict" else "pandas",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    name: str
    random: Random
    scores: Scores
    seconds: float
    mean: Vector


def _name(model: Any) -> str:
    named = getattr(model, "__name__", None)
    return str(named) if named else type(model).__name__


def _usable(candidates: Mapping[str, Candidate], n: int) -> NDArray[np.intp]:
    """Rows that every model uses, so that all are scored on the same."""
    if not candidates:
        raise DataError("there is no model to validate: the dict is empty.")
    usable = np.ones(n, dtype=bool)
    for each in candidates.values():
        usable &= np.isfinite(each.y)
    return np.flatnonzero(usable)


def _refuse_other_responses(
    candidates: Mapping[str, Candidate], used: NDArray[np.intp], table: Table, response: str | None
) -> None:
    """Refuse models of other responses: errors in other units can't stand in one table."""
    (first, model), *others = candidates.items()
    for name, other in others:
        if not _same(model.y[used], other.y[used]):
            raise DataError(
                f"models must predict the same response, but {first!r} predicts "
                f"{model.response!r} and {name!r} predicts {other.response!r}. Validate them "
                "apart, or fit them to one response."
            )
    if response is None:
        return
    column = table.column(response)
    if column.kind == "number" and model.response != response:
        asked = np.asarray(column.as_float("response="), dtype=np.float64)[used]
        if not _same(model.y[used], asked):
            raise DataError(
                f"response={response!r}, but {first!r} predicts {model.response!r}. Leave "
                "response= out, or fit the model to that column."
            )


def _same(a: Vector, b: Vector) -> bool:
    return np.allclose(a, b, rtol=1e-8, atol=1e-12)


def _codes(table: Table, groups: Any, used: NDArray[np.intp]) -> NDArray[np.int32]:
    if isinstance(groups, str):
        column = table.column(groups)
    else:
        column = read_column("groups=", groups)
        if len(column) != table.n:
            raise DataError(f"groups has {len(column)} labels, but the data have {table.n} rows.")
    column = column.take(used)
    if column.missing is not None:
        gone = used[np.flatnonzero(column.missing)]
        raise DataError(
            f"{column.name!r} is missing in {len(gone)} row(s): {show_rows(gone)}. Fill the groups "
            "in, or leave these rows out."
        )
    return column.coded().codes


def _run(
    name: str, model: Candidate, used: NDArray[np.intp], held_out: list[NDArray[np.intp]]
) -> list[_Result]:
    """Fit a model once for each fold, and predict in every way that it can."""
    means: dict[Random, Vector] = {}
    densities: dict[Random, Vector] = {}
    seconds: dict[Random, float] = {}
    for rows in held_out:
        start = perf_counter()
        trained = model.train(np.setdiff1d(used, rows, assume_unique=True))
        fitting = perf_counter() - start
        for way in trained.ways:
            start = perf_counter()
            prediction = trained.predict(rows, way)
            took = fitting + perf_counter() - start
            for store, values in ((means, prediction.mean), (densities, prediction.log_density)):
                shape = (len(model.y), *values.shape[1:])
                store.setdefault(way, np.full(shape, np.nan))[rows] = values
            seconds[way] = seconds.get(way, 0.0) + took
    scored = np.concatenate(held_out)
    return [
        _Result(
            name,
            way,
            score(model.y[scored], means[way][scored], densities[way][scored]),
            seconds[way],
            means[way],
        )
        for way in means
    ]
