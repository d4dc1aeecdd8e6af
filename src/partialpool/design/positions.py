"""Random terms whose effects stand at positions: times, or places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.design.factors import CodedFactor
from partialpool.design.matrix import ModelMatrix
from partialpool.errors import DataError, ModelError
from partialpool.formula import RandomTerm

__all__ = ["Positions", "find_positions", "place_rows", "refuse_elsewhere"]

Array = NDArray[np.float64]
Positions = tuple[tuple[float, ...], ...]
"""Coordinates of every effect of a term, in order."""

# A level's effects are factored together: beyond this a fit would take minutes and gigabytes.
_MOST = 1_000


def find_positions(
    term: RandomTerm, matrix: ModelMatrix, factors: Mapping[str, CodedFactor]
) -> tuple[tuple[str, ...], Positions]:
    """Find the distinct positions of a term's rows, and name an effect for each.

    Raises
    ------
    ModelError
        If a coordinate is a factor or doesn't apply everywhere, or there are too many of them, one
        position only, or too many positions.
    """
    _check_coordinates(term, matrix, factors)
    values = np.unique(matrix.values + 0.0, axis=0)
    if len(values) < 2:
        raise ModelError(
            f"all rows are at one position of {term.source}, so that no correlation can be told. "
            f"Write (1 | {term.group})."
        )
    if len(values) > _MOST:
        raise ModelError(
            f"{term.source} has {len(values):,} different positions, and each level's effects at "
            f"all of them are factored together: up to {_MOST:,} can be. Round the coordinates."
        )
    name = ",".join(matrix.columns)
    columns = tuple(f"{name}[{','.join(_short(x) for x in row)}]" for row in values.tolist())
    return columns, tuple(tuple(row) for row in values.tolist())


def _short(x: float) -> str:
    return repr(int(x)) if x == int(x) and abs(x) < 1e15 else repr(x)


def _check_coordinates(
    term: RandomTerm, matrix: ModelMatrix, factors: Mapping[str, CodedFactor]
) -> None:
    most = 1 if term.structure == "ou" else 3
    name = "mat" if term.structure.startswith("mat") else term.structure
    for text in dict.fromkeys(factor.text for parts in matrix.terms for factor in parts):
        if factors[text].spec.kind == "categorical":
            raise ModelError(
                f"{text!r} in {term.source} is a factor, and {name}() takes numbers, the distances "
                "between which count. Write the column itself, or ar1() for steps of equal length."
            )
        if factors[text].applies is not None:
            raise ModelError(
                f"{text!r} in {term.source} doesn't apply in every row, so that some have no "
                "position. Leave these rows out."
            )
    if len(matrix.columns) > most:
        wanted = "one column of times" if most == 1 else "one to three coordinates"
        raise ModelError(f"{term.source} has {len(matrix.columns)} columns: it takes {wanted}.")


def place_rows(values: Array, positions: Positions) -> tuple[Array, NDArray[np.bool_]]:
    """Put rows at positions.

    Parameters
    ----------
    values : (n, d) array
        Coordinates; NaN where missing.
    positions
        Those of the effects.

    Returns
    -------
    (n, k) array
        One for the effect that the row has; NaN where a coordinate is missing, and all zero where
        there is no effect at the row's position.
    (n,) array
        Rows of which that is so.
    """
    known = {position: i for i, position in enumerate(positions)}
    missing = np.isnan(values).any(axis=1)
    codes = np.array([known.get(tuple(row), -1) for row in (values + 0.0).tolist()], dtype=np.intp)
    basis = np.zeros((len(values), len(positions)))
    found = codes >= 0
    basis[np.flatnonzero(found), codes[found]] = 1.0
    basis[missing] = np.nan
    return basis, ~found & ~missing


def refuse_elsewhere(
    source: str, coordinates: Sequence[str], values: Array, elsewhere: NDArray[np.bool_]
) -> None:
    """Refuse rows of known levels at positions that have no effect.

    Raises
    ------
    DataError
        Naming the first of them.
    """
    rows = np.flatnonzero(elsewhere)
    if not len(rows):
        return
    place = ", ".join(
        f"{name} = {x:g}" for name, x in zip(coordinates, values[rows[0]], strict=True)
    )
    raise DataError(
        f"row {rows[0]}, counted from 0, is at {place}, where {source} has no effect: it was "
        "fitted at other positions, and doesn't predict between them. Give positions that were "
        "fitted, or leave the term out of the prediction."
    )
