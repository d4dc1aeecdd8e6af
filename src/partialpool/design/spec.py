"""What a design has learned, so that new rows get the same columns; as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.contrasts import Contrast
from partialpool.design.factors import FactorSpec
from partialpool.design.levels import FactorLevels
from partialpool.design.masks import MaskRule
from partialpool.design.positions import Positions
from partialpool.design.terms import ScopedFactor, ScopedTerm
from partialpool.design.typical import Typical
from partialpool.design.weights import WeightSpec
from partialpool.errors import SavedModelError
from partialpool.formula import Formula, RandomTerm
from partialpool.frames import FrameKind

__all__ = ["DesignSpec", "MatrixSpec", "OffsetSpec"]

_NUMBERS = ("mean", "sd", "low", "high")


@dataclass(frozen=True, slots=True)
class MatrixSpec:
    """Columns of a sum of terms.

    Attributes
    ----------
    terms
        Scoped terms, in order.
    columns
        Names of the columns that are in the model.
    kept
        Which of the columns that the terms make these are; None for all.
    positions
        Where a random term's effects stand, whose columns are these positions and not the
        coordinates that the terms make; None for other terms.
    """

    terms: tuple[ScopedTerm, ...]
    columns: tuple[str, ...]
    kept: tuple[int, ...] | None = None
    positions: Positions | None = None


@dataclass(frozen=True, slots=True)
class OffsetSpec:
    """Offsets, as expressions.

    Attributes
    ----------
    texts
        Expressions of the formula and of the argument.
    states
        What the functions in each of them learned.
    is_array
        Whether an array was given besides, which says nothing about new rows.
    typical
        Levels, or where they lie, of the columns used; empty in files of older versions.
    """

    texts: tuple[str, ...] = ()
    states: tuple[tuple[dict[str, Any], ...], ...] = ()
    is_array: bool = False
    typical: Mapping[str, Typical] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class DesignSpec:
    """All that is needed to make a design's columns for new rows.

    Attributes
    ----------
    formula
        What was asked for.
    kind
        The library that the data came in.
    fixed
        The fixed effects.
    bases
        Columns of each random term.
    groups
        Levels of each random term's grouping factor.
    factors
        What was learned about each factor, by its expression.
    offset
        How offsets are computed.
    masks
        Where covariates apply that don't apply everywhere.
    typical
        Levels, or where they lie, of the columns that the fixed effects use; empty in files of
        older versions.
    weights
        How prior weights are computed; None where they aren't, or were given as an array.
    """

    formula: Formula
    kind: FrameKind
    fixed: MatrixSpec
    bases: tuple[MatrixSpec, ...]
    groups: tuple[FactorLevels, ...]
    factors: Mapping[str, FactorSpec]
    offset: OffsetSpec
    masks: tuple[MaskRule, ...]
    typical: Mapping[str, Typical] = field(default_factory=dict)
    weights: WeightSpec | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the specification as values that JSON holds.

        Examples
        --------
        >>> from partialpool.design import build
        >>> from partialpool.formula import parse
        >>> data = {"y": [1, 2, 4], "x": [1, 3, 2], "g": [*"aab"]}
        >>> spec = build(parse("y ~ x + (1 | g)"), data).spec
        >>> spec.to_json()["fixed"]["columns"]
        ['Intercept', 'x']
        """
        # A grouping factor of several terms is written once.
        groups = list({id(levels): levels for levels in self.groups}.values())
        return {
            "formula": _listed(asdict(self.formula)),
            "kind": self.kind,
            "fixed": _matrix_json(self.fixed),
            "bases": [_matrix_json(matrix) for matrix in self.bases],
            "groups": [_levels_json(levels) for levels in groups],
            "group_of_term": [groups.index(levels) for levels in self.groups],
            "factors": [_listed(asdict(factor)) for factor in self.factors.values()],
            "offset": _offset_json(self.offset),
            "masks": [_listed(asdict(rule)) for rule in self.masks],
            "typical": _all_typical_json(self.typical),
            "weights": None if self.weights is None else self.weights.to_json(),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DesignSpec:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        SavedModelError
            If something is missing or of another type.
        """
        try:
            groups = [_read_levels(entry) for entry in values["groups"]]
            factors = [_read_factor(entry) for entry in values["factors"]]
            return cls(
                formula=_read_formula(values["formula"]),
                kind=values["kind"],
                fixed=_read_matrix(values["fixed"]),
                bases=tuple(map(_read_matrix, values["bases"])),
                groups=tuple(groups[i] for i in values["group_of_term"]),
                factors={factor.text: factor for factor in factors},
                offset=_read_offset(values["offset"]),
                masks=tuple(MaskRule(**_frozen(entry)) for entry in values["masks"]),
                typical=_read_all_typical(values),
                weights=WeightSpec.from_json(values.get("weights")),
            )
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise SavedModelError(
                f"the design in this file can't be read: {type(error).__name__}: {error}. It was "
                "changed, or written by another version. Fit and save the model again."
            ) from error


def _listed(value: Any) -> Any:
    """Turn tuples into lists, as JSON will."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, (list, tuple)) else value


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(item) if isinstance(item, list) else item for k, item in entry.items()}


def _matrix_json(matrix: MatrixSpec) -> dict[str, Any]:
    terms = [[[factor.text, factor.reduced] for factor in term] for term in matrix.terms]
    return {
        "terms": terms,
        "columns": list(matrix.columns),
        "kept": None if matrix.kept is None else list(matrix.kept),
        "positions": None if matrix.positions is None else list(map(list, matrix.positions)),
    }


def _read_matrix(entry: Mapping[str, Any]) -> MatrixSpec:
    positions = entry.get("positions")
    return MatrixSpec(
        tuple(tuple(ScopedFactor(*factor) for factor in term) for term in entry["terms"]),
        tuple(entry["columns"]),
        None if entry["kept"] is None else tuple(entry["kept"]),
        None if positions is None else tuple(tuple(map(float, row)) for row in positions),
    )


def _levels_json(levels: FactorLevels) -> dict[str, Any]:
    return {
        "columns": list(levels.columns),
        "levels": [_array_json(array) for array in levels.levels],
        "cells": None if levels.cells is None else levels.cells.tolist(),
    }


def _read_levels(entry: Mapping[str, Any]) -> FactorLevels:
    cells = entry["cells"]
    return FactorLevels(
        tuple(entry["columns"]),
        tuple(_read_array(array) for array in entry["levels"]),
        None if cells is None else np.array(cells, dtype=np.int32).reshape(len(cells), -1),
    )


def _array_json(levels: NDArray[Any]) -> dict[str, Any]:
    if levels.dtype.kind in "Mm":
        # As whole numbers of the unit that the type names.
        return {"type": levels.dtype.str, "values": levels.astype(np.int64).tolist()}
    plain = (str, int, float, bool)
    values = [item if isinstance(item, plain) else str(item) for item in levels.tolist()]
    return {"type": levels.dtype.str, "values": values}


def _read_array(entry: Mapping[str, Any]) -> NDArray[Any]:
    dtype, values = np.dtype(entry["type"]), entry["values"]
    if dtype.kind == "O":
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    if dtype.kind in "Mm":
        return np.array(values, dtype=np.int64).astype(dtype)
    return np.array(values, dtype=dtype)


def _read_formula(entry: Mapping[str, Any]) -> Formula:
    random = tuple(RandomTerm(**_frozen(term)) for term in entry["random"])
    return Formula(**_frozen({**entry, "random": random}))


def _read_factor(entry: Mapping[str, Any]) -> FactorSpec:
    contrast = Contrast(**_frozen(entry["contrast"]))
    return FactorSpec(**_frozen({**entry, "contrast": contrast}))


def _read_offset(entry: Mapping[str, Any]) -> OffsetSpec:
    states = tuple(map(tuple, entry["states"]))
    return OffsetSpec(tuple(entry["texts"]), states, entry["is_array"], _read_all_typical(entry))


def _offset_json(offset: OffsetSpec) -> dict[str, Any]:
    values = {"texts": offset.texts, "states": offset.states, "is_array": offset.is_array}
    return {
        **{k: _listed(v) for k, v in values.items()},
        "typical": _all_typical_json(offset.typical),
    }


def _all_typical_json(columns: Mapping[str, Typical]) -> dict[str, Any]:
    return {name: _typical_json(column) for name, column in columns.items()}


def _typical_json(column: Typical) -> dict[str, Any]:
    if column.levels is not None:
        return {"levels": list(column.levels)}
    # JSON has no NaN.
    return {name: x for name in _NUMBERS if np.isfinite(x := getattr(column, name))}


def _read_all_typical(entry: Mapping[str, Any]) -> dict[str, Typical]:
    return {name: _read_typical(column) for name, column in entry.get("typical", {}).items()}


def _read_typical(entry: Mapping[str, Any]) -> Typical:
    levels = entry.get("levels")
    numbers = {name: float(entry.get(name, "nan")) for name in _NUMBERS}
    return Typical(None if levels is None else tuple(levels), **numbers)
