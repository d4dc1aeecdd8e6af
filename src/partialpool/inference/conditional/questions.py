"""What is asked of conditional effects: columns and values, refused where they are none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from partialpool.design import DesignSpec
from partialpool.errors import DataError, did_you_mean
from partialpool.inference.conditional.expectation import slope_columns

__all__ = ["check_names", "read_values"]


def check_names(
    x: str, by: tuple[str, ...], specs: Mapping[str, DesignSpec], known: Collection[str]
) -> None:
    """Refuse columns that can't vary.

    Parameters
    ----------
    x, by
        As asked for.
    specs
        Of the linear predictors that matter.
    known
        Columns that the fixed parts and offsets use.

    Raises
    ------
    DataError
        Saying what the column is, and which there are.
    """
    if not isinstance(x, str):
        raise DataError(f"effects takes the name of one column, found {x!r}.")
    if len(by) > 2:
        raise DataError(
            f"by= takes up to two columns, found {len(by)}: {', '.join(map(repr, by))}. Hold the "
            "others at a value with at={'column': value}."
        )
    if x in by:
        raise DataError(f"{x!r} stands in by= too. Name it in one of the two places.")
    for name in (x, *by):
        if name not in known:
            raise _unknown(name, specs, known)


def _unknown(name: str, specs: Mapping[str, DesignSpec], known: Collection[str]) -> DataError:
    groups = {column for spec in specs.values() for g in spec.groups for column in g.columns}
    columns = f"The columns of its fixed effects are {', '.join(map(repr, known)) or 'none'}."
    if name in groups:
        return DataError(
            f"{name!r} is a grouping factor, whose effects are random and held at zero here. "
            f"plots.caterpillar and plots.fitted_lines draw them. {columns}"
        )
    if any(name in slope_columns(spec) for spec in specs.values()):
        return DataError(
            f"{name!r} has random effects only, which are held at zero here, so that nothing "
            f"depends on it. {columns}"
        )
    return DataError(
        f"{name!r} is no column on which the expected response depends. {columns}"
        f"{did_you_mean(name, known)}"
    )


def read_values(
    at: Mapping[str, Any] | None, specs: Mapping[str, DesignSpec], known: Collection[str]
) -> dict[str, tuple[Any, ...]]:
    """Read the values that columns are given.

    Raises
    ------
    DataError
        If a column isn't known, or has no value.
    """
    if at is None:
        return {}
    if not isinstance(at, Mapping):
        raise DataError(f"at must give values by column, as {{'age': [0, 9]}}, found {at!r}.")
    out = {}
    for name, value in at.items():
        if name not in known:
            raise _unknown(name, specs, known)
        single = isinstance(value, str) or not isinstance(value, Iterable)
        found = (value,) if single else tuple(value)
        if not found or any(v is None for v in found):
            raise DataError(f"at= has no value for {name!r}. Give at least one.")
        out[name] = tuple(v.item() if isinstance(v, np.generic) else v for v in found)
    return out
