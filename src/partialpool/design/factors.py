"""One factor of a term: evaluated, coded, and coded the same way again on new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design.columns import as_column, check_finite
from partialpool.design.contrasts import TREATMENT, Contrast, coding_matrix
from partialpool.design.evaluation import State, columns_of, evaluate
from partialpool.design.labels import Labels
from partialpool.design.sheet import Sheet
from partialpool.design.terms import factor_name
from partialpool.errors import DataError
from partialpool.frames import Column, read_column
from partialpool.frames.column import labels_of, show_labels

__all__ = ["CodedFactor", "FactorSpec", "apply_factor", "learn_factor"]


@dataclass(frozen=True, slots=True)
class FactorSpec:
    """All that is needed to make a factor's columns again.

    Attributes
    ----------
    text
        Its expression.
    columns
        Columns of the data that it uses.
    kind
        One number, several (a basis), or levels.
    width
        How many columns a basis has; 1 otherwise.
    labels
        Levels of a categorical factor.
    contrast
        How these are coded.
    states
        What the functions of the expression learned.
    """

    text: str
    columns: tuple[str, ...]
    kind: Literal["number", "basis", "categorical"]
    width: int = 1
    labels: tuple[str, ...] = ()
    contrast: Contrast = TREATMENT
    states: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CodedFactor:
    """A factor on some rows.

    Attributes
    ----------
    spec
        How it was made.
    numbers : (n,) or (n, k) array, or None
        Values of a number or a basis.
    codes : (n,) array of int32, or None
        Levels of a categorical factor; -1 where the factor is neither 0 nor 1 but absent.
    applies : (n,) array of bool, or None
        Rows where all of its columns apply; elsewhere it contributes nothing.
    """

    spec: FactorSpec
    numbers: NDArray[np.float64] | None
    codes: NDArray[np.int32] | None
    applies: NDArray[np.bool_] | None

    def fields(self, reduced: bool) -> list[str]:
        """Return the names of its columns."""
        name = factor_name(self.spec.text)
        if self.spec.kind == "number":
            return [name]
        if self.spec.kind == "basis":
            return [f"{name}[{i + 1}]" for i in range(self.spec.width)]
        matrix = coding_matrix(self.spec.contrast, self.spec.labels, reduced)
        return [f"{name}[{field}]" for field in matrix.fields]

    def columns(self, reduced: bool) -> list[NDArray[np.float64]]:
        """Return its columns."""
        if self.codes is None:
            assert self.numbers is not None
            return [self.numbers] if self.numbers.ndim == 1 else list(self.numbers.T)
        matrix = coding_matrix(self.spec.contrast, self.spec.labels, reduced).values
        # The last row is what a code of -1 picks.
        matrix = np.vstack([matrix, np.zeros(matrix.shape[1])])
        return [column[self.codes] for column in np.ascontiguousarray(matrix.T)]


def learn_factor(text: str, sheet: Sheet, masks: Mapping[str, NDArray[np.bool_]]) -> CodedFactor:
    """Evaluate a factor on the rows to fit, and keep what is needed to do it again.

    Parameters
    ----------
    text
        Its expression.
    sheet
        Columns without missing values, except where a mask says that they don't apply.
    masks
        Where each column that doesn't apply everywhere does.

    Raises
    ------
    DataError
        If it can't be evaluated, isn't finite everywhere, or is a factor of one level.
    """
    columns = columns_of(text)
    applies = combined_mask(columns, masks)
    rows = _rows(sheet, columns, applies)
    if not rows.n:
        raise DataError(f"{text} applies in no row. Remove it, or correct applicable=.")
    evaluated = evaluate(text, rows, None)
    value = as_column(text, evaluated.value, rows)
    if isinstance(value, Labels):
        spec, codes = _learn_levels(text, value, columns, evaluated.states)
        return CodedFactor(spec, None, _spread(codes, applies, -1), applies)
    check_finite(text, value, rows)
    spec = FactorSpec(
        text,
        columns,
        "number" if value.ndim == 1 else "basis",
        width=1 if value.ndim == 1 else value.shape[1],
        states=evaluated.states,
    )
    return CodedFactor(spec, _spread(value, applies, 0.0), None, applies)


def apply_factor(
    spec: FactorSpec,
    sheet: Sheet,
    masks: Mapping[str, NDArray[np.bool_]],
    present: NDArray[np.bool_] | None,
) -> CodedFactor:
    """Evaluate a factor on new rows, as it was on the rows fitted.

    Parameters
    ----------
    spec
        How it was made.
    sheet, masks
        As for :func:`learn_factor`.
    present : (n,) array of bool, or None
        Rows where none of its columns is missing; elsewhere it is NaN.

    Raises
    ------
    DataError
        If a level is new, or a column holds text where numbers were fitted.
    """
    applies = combined_mask(spec.columns, masks)
    known = applies if present is None else present if applies is None else applies & present
    rows = _rows(sheet, spec.columns, known)
    value = as_column(spec.text, evaluate(spec.text, rows, spec.states).value, rows)
    if spec.kind == "categorical":
        codes = _known_codes(spec, value, rows)
        return CodedFactor(spec, None, _spread(codes, known, -1), applies)
    if isinstance(value, Labels):
        raise DataError(
            f"column {value.column.name!r} holds {_words(value.column)} in the new data, but "
            f"{spec.text} was fitted as a number. Convert the column."
        )
    check_finite(spec.text, value, rows)
    return CodedFactor(spec, _spread(value, known, 0.0), None, applies)


def _words(column: Column) -> str:
    levels = column.coded().levels
    return f"{'true and false' if column.is_numeric else 'text'} ({show_labels(levels)})"


def combined_mask(
    columns: tuple[str, ...], masks: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.bool_] | None:
    """Return the rows where all of some columns apply, or None for every row."""
    found = [masks[name] for name in columns if name in masks]
    if not found:
        return None
    combined: NDArray[np.bool_] = np.logical_and.reduce(found)
    return combined


def _rows(sheet: Sheet, columns: tuple[str, ...], rows: NDArray[np.bool_] | None) -> Sheet:
    return sheet if rows is None else sheet.take(rows, columns)


def _spread(values: NDArray[Any], rows: NDArray[np.bool_] | None, filler: float) -> NDArray[Any]:
    """Put values of some rows where they belong among all."""
    if rows is None:
        return values
    spread = np.full((len(rows), *values.shape[1:]), filler, dtype=values.dtype)
    spread[rows] = values
    return spread


def _learn_levels(
    text: str, value: Labels, columns: tuple[str, ...], states: tuple[State, ...]
) -> tuple[FactorSpec, NDArray[np.int32]]:
    coding = value.column.coded()
    labels = tuple(labels_of(coding.levels))
    codes = coding.codes
    if value.levels is not None:
        codes = _match(text, labels, value.levels, "are not among its levels=")[codes]
        labels = value.levels
    if len(labels) < 2:
        raise DataError(
            f"factor {factor_name(text)!r} has only the level {show_labels(labels)} in the rows "
            "used, so that it can't explain anything. Remove it, or check which rows are left."
        )
    default = Contrast("poly") if value.column.ordered else TREATMENT
    spec = FactorSpec(
        text,
        columns,
        "categorical",
        labels=labels,
        contrast=value.contrast or default,
        states=states,
    )
    return spec, codes


def _known_codes(spec: FactorSpec, value: Any, sheet: Sheet) -> NDArray[np.int32]:
    column = value.column if isinstance(value, Labels) else read_column(spec.text, value)
    coding = Column.coded(column)
    labels = tuple(labels_of(coding.levels))
    return _match(spec.text, labels, spec.labels, "were not in the data fitted")[coding.codes]


def _match(
    text: str, labels: tuple[str, ...], known: tuple[str, ...], what: str
) -> NDArray[np.int32]:
    position = {name: i for i, name in enumerate(known)}
    unseen = [name for name in labels if name not in position]
    if unseen:
        raise DataError(
            f"factor {factor_name(text)!r} has level(s) {show_labels(unseen)} that {what}: "
            f"{show_labels(known, 10)}. Remove these rows, or change their level."
        )
    return np.array([position[name] for name in labels], dtype=np.int32)
