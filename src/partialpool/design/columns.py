"""The value of an expression as a column that a model can use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.labels import Basis, Labels
from partialpool.design.sheet import Sheet
from partialpool.design.terms import factor_name
from partialpool.errors import DataError
from partialpool.frames import read_column

__all__ = ["as_column", "check_finite"]


def as_column(text: str, value: Any, sheet: Sheet) -> Labels | NDArray[np.float64]:
    """Return what an expression gave as labels or as numbers, one for each row."""
    if isinstance(value, Labels):
        return value
    if isinstance(value, Basis):
        return value.values
    if isinstance(value, (str, list)):
        raise DataError(f"{text} is a constant, not a column.")
    values = np.asarray(value)
    if values.ndim == 0:
        values = np.broadcast_to(values, sheet.n)
    if values.dtype == bool:
        # As R has it: a condition is a factor of the levels FALSE and TRUE.
        return Labels(read_column(text, np.ascontiguousarray(values)))
    return values.astype(np.float64, copy=False)


def check_finite(text: str, values: NDArray[np.float64], sheet: Sheet) -> None:
    """Refuse infinite values, and what is no number although its columns are.

    Raises
    ------
    DataError
        Naming the expression, the count and the first rows.
    """
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):
            return
    bad: NDArray[np.bool_] = ~np.isfinite(values)
    if bad.ndim == 2:
        bad = np.logical_or.reduce(bad, axis=1)
    if not bad.any():
        return
    infinite = np.isinf(values).any()
    where = sheet.show_rows(bad)
    count = int(np.count_nonzero(bad))
    what = "infinite" if infinite else "not a number (the logarithm or root of a negative?)"
    if text in sheet.columns or text.startswith("`"):
        subject, cure = f"column {factor_name(text)!r}", "Mark them as missing, or remove the rows."
    else:
        subject, cure = text, "Change the expression, or remove the rows."
    raise DataError(f"{subject} is {what} in {count} row(s): {where}. {cure}")
