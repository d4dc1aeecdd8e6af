"""Numbers of trials of new rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.hypotheses import evaluate_expression
from partialpool.errors import DataError, UnknownNameError
from partialpool.frames import read_table

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["trials_of"]

Array = NDArray[np.float64]


def trials_of(fit: BayesFit, new: Any, n: int) -> Array | None:
    """Read the numbers of trials of rows: those fitted if ``new`` is None, else the n new ones.

    Returns
    -------
    (m,) array, or None
        None for families without trials, and where all rows fitted had one.

    Raises
    ------
    DataError
        If the new table doesn't say them.
    """
    known = fit.statement.response.trials
    if new is None or known is None or not fit.family.has_trials or np.all(known == 1):
        return known if new is None else None
    text = fit.design.formula.response
    if not text.startswith("cbind("):
        raise DataError(
            "new responses need numbers of trials, which came by weights= and aren't part of the "
            "formula. Fit the model with cbind(successes, failures) as the response, or ask for "
            "interval='confidence'."
        )
    successes, failures = text.removeprefix("cbind(").removesuffix(")").rsplit(",", 1)
    try:
        values = evaluate_expression(f"({successes}) + ({failures})", _numbers(new))
    except UnknownNameError as error:
        raise DataError(
            f"new responses need numbers of trials, which the table doesn't say: {text} can't be "
            f"computed from its columns. Add them, or ask for interval='confidence'. ({error})"
        ) from None
    return np.broadcast_to(values, (n,)).astype(np.float64)


def _numbers(new: Any) -> Mapping[str, Array]:
    out = {}
    table = read_table(new)
    for name in table.names:
        try:
            out[name] = np.asarray(new[name], dtype=np.float64)
        except (TypeError, ValueError):
            continue
    return out
