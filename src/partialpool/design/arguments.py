"""The arguments ``weights`` and ``offset``: a column, an expression or an array."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.columns import as_column, check_finite
from partialpool.design.evaluation import State, columns_of, evaluate
from partialpool.design.factors import combined_mask
from partialpool.design.labels import Labels
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError
from partialpool.formula import python_expression
from partialpool.formula.names import quote
from partialpool.frames import Column, Table, read_column

__all__ = [
    "Argument",
    "RowVector",
    "as_expression",
    "check_weights",
    "evaluate_argument",
    "evaluate_vector",
    "read_argument",
]


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    """An argument that gives one number for each row.

    Attributes
    ----------
    name
        ``"weights"`` or ``"offset"``.
    text
        Expression over columns, or None for an array.
    array
        The array, as a column.
    """

    name: str
    text: str | None
    array: Column | None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data that it uses."""
        return () if self.text is None else columns_of(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class RowVector:
    """One number for each row, and what the functions that made it learned."""

    values: NDArray[np.float64]
    states: tuple[State, ...] = ()


def read_argument(name: str, value: Any, table: Table) -> Argument | None:
    """Read ``weights`` or ``offset``.

    Raises
    ------
    DataError
        If an array doesn't fit the rows.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return Argument(name, as_expression(value, table.names), None)
    if np.ndim(value) == 0 and not hasattr(value, "__len__"):
        raise DataError(f"{name}={value!r} must be a column's name, an expression or an array.")
    column = read_column(f"{name}=", value)
    if len(column) != table.n:
        raise DataError(
            f"{name} has {len(column)} values, but the data have {table.n} rows. Give one value "
            "for each row of the data, missing ones included."
        )
    return Argument(name, None, column)


def as_expression(text: str, names: Collection[str]) -> str:
    """Read a column's name, whatever it looks like, or an expression over columns."""
    return quote(text) if text in names else python_expression(text)


def evaluate_argument(
    argument: Argument,
    sheet: Sheet,
    masks: Mapping[str, NDArray[np.bool_]],
) -> RowVector:
    """Compute an argument's values on the rows to fit.

    Raises
    ------
    DataError
        If they are no finite numbers.
    """
    if argument.text is None:
        key = f"{argument.name}="
        values = sheet.columns[key].as_float(key)
        check_finite(key, values, sheet)
        return RowVector(values)
    return evaluate_vector(argument.text, sheet, masks, argument.name)


def evaluate_vector(
    text: str,
    sheet: Sheet,
    masks: Mapping[str, NDArray[np.bool_]],
    what: str,
    states: tuple[State, ...] | None = None,
    present: NDArray[np.bool_] | None = None,
) -> RowVector:
    """Compute an expression that gives one number for each row; 0 where it doesn't apply."""
    applies = combined_mask(columns_of(text), masks)
    known = applies if present is None else present if applies is None else applies & present
    rows = sheet if known is None else sheet.take(known)
    evaluated = evaluate(text, rows, states)
    value = as_column(text, evaluated.value, rows)
    if isinstance(value, Labels):
        # A condition counts as 0 and 1.
        value = value.column.as_float(f"{what}={text}")
    if value.ndim != 1:
        raise DataError(f"{what}={text} makes several columns, but one number per row is needed.")
    check_finite(text, value, rows)
    if known is None:
        return RowVector(value, evaluated.states)
    spread = np.zeros(sheet.n)
    spread[known] = value
    return RowVector(spread, evaluated.states)


def check_weights(weights: NDArray[np.float64], sheet: Sheet) -> None:
    """Refuse weights that are negative, or all zero.

    Raises
    ------
    DataError
        Naming the first rows.
    """
    negative = weights < 0
    if negative.any():
        raise DataError(
            f"weights are negative in {np.count_nonzero(negative)} row(s): "
            f"{sheet.show_rows(negative)}. A weight is at least 0."
        )
    if not weights.any():
        raise DataError("all weights are zero, so that no row is left to fit.")
