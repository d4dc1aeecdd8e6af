"""Which rows of a table are used: those with nothing missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design.sheet import Sheet
from partialpool.design.values import RowReport
from partialpool.errors import DataError

__all__ = ["Missing", "choose_rows"]

Missing = Literal["error", "drop"]


def choose_rows(
    sheet: Sheet, masks: Mapping[str, NDArray[np.bool_]], missing: Missing, fewest: int = 2
) -> RowReport:
    """Find the rows to use.

    Parameters
    ----------
    sheet
        Every column that the model uses, and no other.
    masks
        Where a covariate applies: where it doesn't, nothing is missing.
    missing
        What to do about missing values.
    fewest
        How many rows have to be left; 0 for a batch, after which others come.

    Raises
    ------
    DataError
        If values are missing and ``missing`` is ``"error"``, or fewer rows are left.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"missing must be 'error' or 'drop', found {missing!r}.")
    if sheet.n == 0 and fewest:
        raise DataError("the data have no rows.")
    gaps = {name: gap for name in sheet.columns if (gap := _gap(sheet, masks, name)) is not None}
    if gaps and missing == "error":
        raise _missing_values(gaps, sheet, batch=not fewest)
    dropped = {name: int(np.count_nonzero(gap)) for name, gap in gaps.items()}
    kept = np.flatnonzero(~np.logical_or.reduce([*gaps.values()])) if gaps else None
    left = sheet.n if kept is None else len(kept)
    if left < fewest:
        raise _too_few(left, sheet.n, dropped)
    return RowReport(sheet.n, kept, dropped)


def _gap(
    sheet: Sheet, masks: Mapping[str, NDArray[np.bool_]], name: str
) -> NDArray[np.bool_] | None:
    missing = sheet.columns[name].missing
    if missing is not None and name in masks:
        missing = missing & masks[name]
    return missing if missing is not None and missing.any() else None


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name!r} in {count} row(s)" for name, count in counts.items())


def _missing_values(gaps: Mapping[str, NDArray[np.bool_]], sheet: Sheet, batch: bool) -> DataError:
    counts = {name: int(np.count_nonzero(gap)) for name, gap in gaps.items()}
    where = sheet.show_rows(np.logical_or.reduce([*gaps.values()]))
    if batch:
        return DataError(
            f"values are missing, first of all {_listed(counts)} of one batch ({where}). Fill them "
            "in the source, or pass missing='drop' to leave these rows out."
        )
    return DataError(
        f"values are missing: {_listed(counts)} ({where}). "
        "Fill them, pass missing='drop' to leave these rows out, or say with applicable= "
        "where a covariate does not apply."
    )


def _too_few(left: int, given: int, dropped: Mapping[str, int]) -> DataError:
    if not dropped:
        return DataError(f"the data have {given} row, but a model needs at least 2.")
    return DataError(
        f"only {left} of {given} rows have no missing value, but a model needs at least 2. "
        f"Missing are {_listed(dropped)}."
    )
