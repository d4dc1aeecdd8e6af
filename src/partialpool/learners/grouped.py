"""Rows as the learner sees them, and as the random part does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, build
from partialpool.errors import DataError, ModelError, show_rows
from partialpool.frames import Column, FrameKind, Table, read_column, read_table
from partialpool.learners.layout import Layout, fresh_name, parse_random

__all__ = [
    "GroupedRows",
    "build_design",
    "check_groups",
    "read_rows",
    "with_groups_absent",
]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupedRows:
    """Rows as the learner sees them, and as the random part does.

    Attributes
    ----------
    features
        The learner's table or array.
    table
        Columns of the random part.
    grouped
        Whether the rows say to which groups they belong.
    """

    features: Any
    table: Table
    grouped: bool


def read_rows(X: Any, layout: Layout, groups: Any = None, Z: Any = None) -> GroupedRows:
    """Split rows into what the learner sees and what the random part does.

    Parameters
    ----------
    X
        The table or array.
    layout
        What the random part is made of.
    groups, Z
        For a layout by arrays. Without groups, the rows belong to none that is known.

    Raises
    ------
    DataError
        If lengths differ, or columns are missing from the table.
    """
    n = _n_rows(X)
    if layout.group is None:
        if groups is not None or Z is not None:
            raise DataError(
                "groups= or Z= was given, but the model was fitted "
                + (f"by random={layout.text!r}." if layout.text else "without groups.")
            )
        table = read_table(X) if layout.text else Table(n, (), "dict", _nothing)
        _refuse_no_features(table, layout)
        plain = Table(table.n, table.names, "dict", table.column)
        return GroupedRows(_without(X, layout.leaving), plain, bool(layout.text))
    columns = {layout.group: _labels(groups, layout.group, n)}
    if groups is not None or Z is not None:
        columns |= _basis(Z, layout, n)
    table = Table(n, tuple(columns), "dict", columns.__getitem__)
    return GroupedRows(X, table, groups is not None)


def _refuse_no_features(table: Table, layout: Layout) -> None:
    if layout.leaving and not set(table.names) - set(layout.leaving):
        raise DataError(
            f"X holds grouping columns only, {', '.join(table.names)}, and leaves no feature. "
            "Add features, or fit the groups alone by partialpool.lmm."
        )


def check_groups(rows: GroupedRows, layout: Layout, single: bool) -> None:
    """Refuse rows without a group and, unless allowed, a group for every row.

    Parameters
    ----------
    rows, layout
        Groups of the rows to be fitted.
    single
        Whether every row may be a group of its own, as for counts.

    Raises
    ------
    DataError
        If a label is missing.
    ModelError
        If every row has a level of its own.
    """
    for name in (layout.group,) if layout.group is not None else layout.leaving:
        column = rows.table.column(name)
        gone = np.flatnonzero(np.zeros(0) if column.missing is None else column.missing)
        if len(gone):
            raise DataError(
                f"groups are missing: {name!r} in {len(gone)} row(s), {show_rows(gone)}. Fill them "
                "in, or leave these rows out of X and y."
            )
        if not single and len(column.coded().levels) == rows.table.n > 1:
            raise ModelError(
                f"the groups {name!r} have one row each: {rows.table.n} levels in {rows.table.n} "
                "rows. A random effect needs fewer levels than rows, or it can't be told from the "
                "residual. Check that the column is a group and not a measurement."
            )


def with_groups_absent(X: Any, layout: Layout, names: tuple[str, ...]) -> Any:
    """Add grouping columns that a table lacks, for predictions that don't use them.

    Parameters
    ----------
    X
        Rows to be predicted; returned as they are where no grouping column alone is lacking.
    layout
        Which columns are those of groups.
    names
        Columns of the fit, in order.
    """
    if not hasattr(X, "columns") or not layout.leaving:
        return X
    frame = nw.from_native(X, eager_only=True)
    absent = [name for name in layout.leaving if name not in frame.columns]
    if not absent or {*frame.columns, *absent} != set(names):
        return X
    return frame.with_columns(*(nw.lit(None).alias(a) for a in absent)).select(names).to_native()


def _nothing(name: str) -> Column:
    raise AssertionError(name)


def _n_rows(X: Any) -> int:
    if isinstance(X, Mapping):
        return read_table(X).n
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(X)


def _labels(groups: Any, name: str, n: int) -> Column:
    if groups is None:
        absent = np.full(n, -1, dtype=np.int32)
        nobody = np.array([""], dtype=object)
        return Column(name, "text", codes=absent, levels=nobody, missing=np.ones(n, dtype=bool))
    if isinstance(groups, str):
        raise DataError(
            f"groups must hold one label for each row, found the text {groups!r}. To name a column "
            f"of X, pass random='1 | {groups}' instead."
        )
    if np.ndim(groups) != 1:
        raise DataError(
            f"groups must hold one label for each row, found {np.ndim(groups)} dimensions. For "
            "several grouping factors pass random='(1 | a) + (1 | b)' and a table with columns "
            "a and b."
        )
    _check_length("groups", len(groups), n)
    return read_column(name, groups)


def _basis(Z: Any, layout: Layout, n: int) -> dict[str, Column]:
    if layout.basis is None:
        if Z is not None:
            raise DataError("Z= was given, but the model was fitted with a random intercept only.")
        return {}
    if Z is None:
        raise DataError(
            f"the model was fitted with Z= (columns {', '.join(layout.basis)}), which these rows "
            "need too."
        )
    if hasattr(Z, "columns"):
        table = read_table(Z)
        _check_length("Z", table.n, n)
        return {name: table.column(name) for name in layout.basis}
    values = np.asarray(Z)
    values = values.reshape(-1, 1) if values.ndim == 1 else values
    _check_length("Z", len(values), n)
    if values.shape[1] != len(layout.basis):
        raise DataError(
            f"Z has {values.shape[1]} columns, but the model was fitted with {len(layout.basis)}."
        )
    return {name: read_column(name, values[:, i]) for i, name in enumerate(layout.basis)}


def _check_length(what: str, found: int, n: int) -> None:
    if found != n:
        raise DataError(f"{what} has {found} rows, but X has {n}. Pass one for each row of X.")


def _without(X: Any, leaving: tuple[str, ...]) -> Any:
    """Leave the grouping columns out, in the library that the table came in."""
    if isinstance(X, Mapping):
        import pandas as pd

        return pd.DataFrame({k: v for k, v in X.items() if k not in leaving})
    if not leaving:
        return X
    frame = nw.from_native(X, eager_only=True)
    left = frame.drop([name for name in leaving if name in frame.columns])
    return left.to_pandas() if left.implementation.is_pyarrow() else left.to_native()


def build_design(
    rows: GroupedRows,
    layout: Layout,
    y: Vector,
    weights: Vector | None,
    kind: FrameKind = "dict",
) -> Design:
    """Make the random part's design, with no fixed effects.

    Parameters
    ----------
    rows, layout
        Groups and columns.
    y : (n,) array
        Response.
    weights : (n,) array, or None
        Prior weights.
    kind
        Library in which tables of effects come back.

    Raises
    ------
    DataError
        If a label or a value is missing, or there are fewer than two groups.
    FormulaError
        If the terms can't be read.

    Examples
    --------
    >>> from partialpool.learners.layout import lay_out
    >>> layout = lay_out(None, None, np.array(["b", "a", "b"]), None)
    >>> rows = read_rows(np.zeros((3, 1)), layout, np.array(["b", "a", "b"]))
    >>> design = build_design(rows, layout, np.array([1.0, 2.0, 4.0]), None)
    >>> design.X.shape, design.random[0].factor.levels.tolist()
    ((3, 0), ['a', 'b'])
    """
    table, name = rows.table, fresh_name("y", rows.table.names)
    response = read_column(name, y)

    def read(asked: str) -> Column:
        return response if asked == name else table.column(asked)

    whole = Table(table.n, (*table.names, name), kind, read)
    return build(parse_random(layout.text, name), whole, weights=weights)
