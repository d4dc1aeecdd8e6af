"""Numbers of trials, and weights, of new rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.expressions import evaluate_expression
from partialpool.design import as_expression, columns_of, new_weights
from partialpool.errors import DataError
from partialpool.frames import read_table
from partialpool.results.summary.wording import listed

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["trials_of", "weights_of"]

Array = NDArray[np.float64]


def trials_of(fit: BayesFit, new: Any, n: int, given: Any = None) -> Array | None:
    """Read the numbers of trials of rows: those fitted if ``new`` is None, else the n new ones.

    Parameters
    ----------
    fit
        A Bayesian fit.
    new
        Table of the new rows, or None.
    n
        Number of rows.
    given
        The user's numbers of trials: one, an array (n,), or a column or expression of the table.

    Returns
    -------
    (m,) array, or None
        None for families without trials, and where all rows fitted had one.

    Raises
    ------
    DataError
        If the new table doesn't say them, or those given are no numbers of trials.
    """
    if given is not None:
        return _given(fit, new, n, given)
    known = fit.statement.response.trials
    if new is None or known is None or not fit.family.has_trials or np.all(known == 1):
        return known if new is None else None
    text = fit.design.formula.response
    if not text.startswith("cbind("):
        return _weighing(fit, new)
    successes, failures = text.removeprefix("cbind(").removesuffix(")").rsplit(",", 1)
    sums, names = f"({successes}) + ({failures})", read_table(new).names
    absent = [name for name in columns_of(as_expression(sums, names)) if name not in names]
    if absent:
        raise _wanting(f"{text} needs {listed([repr(name) for name in absent])}")
    values = evaluate_expression(sums, _numbers(new))
    return np.broadcast_to(values, (n,)).astype(np.float64)


def weights_of(fit: BayesFit, new: Any) -> Array | None:
    """Read the weights of responses: those fitted if ``new`` is None, else of new ones.

    Parameters
    ----------
    fit
        A Bayesian fit.
    new
        Table of the new rows, or None.

    Returns
    -------
    (m,) array, or None
        None for 1, and for families other than the Gaussian, of whose responses weights say
        nothing.
    """
    if fit.family.name != "gaussian":
        return None
    return (
        fit.statement.response.weights if new is None else new_weights(fit.design.spec.weights, new)
    )


def _weighing(fit: BayesFit, new: Any) -> Array:
    """Trials that came by weights=."""
    spec = fit.design.spec.weights
    values = new_weights(spec, new)
    if values is None:
        raise _wanting(
            "they came by weights=, as an array"
            if spec is None
            else f"they came by weights={spec.text!r}"
        )
    return values


def _wanting(why: str) -> DataError:
    return DataError(
        f"new responses need numbers of trials, which the table doesn't say: {why}. Add what is "
        "missing, say trials= (a number, an array, or a column or expression of the new table), or "
        "ask for interval='confidence'."
    )


def _given(fit: BayesFit, new: Any, n: int, given: Any) -> Array:
    if not fit.family.has_trials:
        raise DataError(
            f"trials= is for binomial and betabinomial responses; this one is {fit.family.name}."
        )
    if isinstance(given, str):
        if new is None:
            raise DataError(
                "trials= names a column of new rows, but there are none. Give a number or an array."
            )
        given = evaluate_expression(given, _numbers(new))
    values = np.asarray(given, dtype=np.float64)
    if values.ndim > 1 or (values.ndim == 1 and len(values) != n):
        raise DataError(
            f"trials= must be one number or {n}, one for each row, found {values.shape}."
        )
    if not (np.isfinite(values) & (values >= 0) & (values == np.floor(values))).all():
        raise DataError("trials= must be whole numbers of at least 0.")
    return np.broadcast_to(values, (n,)).astype(np.float64)


def _numbers(new: Any) -> Mapping[str, Array]:
    out = {}
    table = read_table(new)
    for name in table.names:
        try:
            out[name] = np.asarray(table.column(name).values, dtype=np.float64)
        except (TypeError, ValueError, DataError):
            continue
    return out
