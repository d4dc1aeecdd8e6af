"""The columns of a fitted design for new rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design.applicability import FoundMask, read_request, refuse_given, rule_texts
from partialpool.design.arguments import evaluate_vector
from partialpool.design.evaluation import columns_of
from partialpool.design.factors import CodedFactor, apply_factor
from partialpool.design.levels import known_codes, row_labels
from partialpool.design.masks import MaskRule, evaluate_rule, rule_columns
from partialpool.design.matrix import make_matrix
from partialpool.design.new_rows import NewEffects, NewRows
from partialpool.design.positions import place_rows, refuse_elsewhere
from partialpool.design.sheet import Sheet
from partialpool.design.spec import DesignSpec, MatrixSpec
from partialpool.design.support import term_mask
from partialpool.errors import DataError, did_you_mean
from partialpool.frames import Column, Table, read_column, read_table

__all__ = ["Inapplicable", "replay", "replay_parts", "unknown_level"]

Inapplicable = Literal["error", "ignore"]
Masks = dict[str, NDArray[np.bool_]]


def replay(
    spec: DesignSpec,
    data: Any,
    *,
    random: Collection[int] | None = None,
    offset: Any = None,
    inapplicable: Inapplicable = "error",
    applicable: Any = None,
) -> NewRows:
    """Make the columns of a fitted design for new rows.

    Parameters
    ----------
    spec
        The design's specification.
    data
        The new rows: any table that holds the columns needed. Missing values are allowed,
        and give NaN.
    random
        Positions of the random terms wanted, None for all. Only their grouping factors have
        to be in the table.
    offset : (m,) array_like, optional
        Offset of the new rows; needed if an array was given with the rows fitted.
    inapplicable
        What to do with a value given where its covariate doesn't apply: ``"error"``, or
        ``"ignore"`` to disregard it.
    applicable
        Where covariates apply, as for :func:`build`, in place of what the fitted rows say.
        Needed for groups that these didn't hold.

    Raises
    ------
    DataError
        If columns are missing from the table, a fixed factor has a new level, text stands
        where a number was, or values stand where they don't apply.

    Examples
    --------
    >>> from partialpool.design import build
    >>> from partialpool.formula import parse
    >>> data = {"y": [1.0, 2.0, 4.0], "x": [1, 3, 2], "g": ["a", "a", "b"]}
    >>> spec = build(parse("y ~ x + (1 | g)"), data).spec
    >>> new = replay(spec, {"x": [5.0, 6.0], "g": ["b", "c"]})
    >>> new.X.tolist(), new.effects[0].codes
    ([[1.0, 5.0], [1.0, 6.0]], array([ 1, -1], dtype=int32))
    """
    if inapplicable not in ("error", "ignore"):
        raise DataError(f"inapplicable must be 'error' or 'ignore', found {inapplicable!r}.")
    wanted = range(len(spec.bases)) if random is None else sorted(random)
    table = read_table(data, partial(_mentioned, [spec], applicable))
    return _replay(spec, table, wanted, _Given(offset, inapplicable, applicable))


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What a caller says about new rows besides the table."""

    offset: Any
    inapplicable: Inapplicable
    applicable: Any
    elsewhere: tuple[str, ...] = ()


def replay_parts(
    specs: Mapping[str, DesignSpec],
    data: Any,
    *,
    random: Mapping[str, Collection[int]],
    averaged: bool = False,
    offset: Any = None,
    inapplicable: Inapplicable = "error",
    applicable: Any = None,
) -> dict[str, NewRows]:
    """Make the columns of several linear predictors for new rows.

    Parameters
    ----------
    specs
        The predictors' specifications by name, the mean first: ``offset`` is its.
    data, inapplicable, applicable
        As for :func:`replay`; ``applicable`` may name covariates of any predictor.
    random
        Positions of the random terms wanted, by predictor.
    averaged
        Make the columns of the other terms too, as those of a level that nobody knows: their
        grouping factors don't have to be in the table.
    offset
        In place of an array given with the rows fitted.

    Raises
    ------
    DataError
        As :func:`replay`.
    """
    if inapplicable not in ("error", "ignore"):
        raise DataError(f"inapplicable must be 'error' or 'ignore', found {inapplicable!r}.")
    table = read_table(data, partial(_mentioned, specs.values(), applicable))
    masked = tuple(rule.column for spec in specs.values() for rule in spec.masks)
    out = {}
    for i, (name, spec) in enumerate(specs.items()):
        given = _Given(None if i else offset, inapplicable, applicable, masked)
        known = sorted(random[name])
        wanted = range(len(spec.bases)) if averaged else known
        out[name] = _replay(spec, table, wanted, given, known)
    return out


def _replay(
    spec: DesignSpec,
    table: Table,
    wanted: Collection[int],
    given: _Given,
    known: Collection[int] | None = None,
) -> NewRows:
    """Make the columns of the terms wanted, and find the levels of those that are known."""
    known = wanted if known is None else known
    _check_offset(spec, given.offset)
    rules = _rules(spec, given.applicable, table, given.elsewhere)
    sheet = _read_sheet(spec, wanted, known, rules, table)
    masks = _masks(rules, sheet, given.inapplicable)
    gaps = {name: c.missing for name, c in sheet.columns.items() if c.missing is not None}
    parts = _Parts(spec, sheet, masks, gaps)
    return NewRows(
        n=sheet.n,
        X=parts.matrix(spec.fixed),
        offset=_offset(spec, sheet, masks, gaps, given.offset),
        effects=tuple(_effects(spec, i, parts, i in known) for i in wanted),
    )


def _rules(
    spec: DesignSpec, applicable: Any, table: Table, elsewhere: tuple[str, ...]
) -> dict[str, MaskRule | NDArray[np.bool_]]:
    """Say where each masked covariate applies: the user's word goes before the rule kept."""
    names = tuple(rule.column for rule in spec.masks)
    if applicable is not None and not (names or elsewhere):
        raise DataError(
            "applicable= was given, but all covariates of the fitted model apply everywhere."
        )
    asked = read_request(applicable, table.n, tuple(dict.fromkeys((*names, *elsewhere))))
    return {
        **{rule.column: rule for rule in spec.masks},
        **{name: rule for name, rule in asked.items() if name in names},
    }


def _mentioned(specs: Iterable[DesignSpec], applicable: Any, names: tuple[str, ...]) -> set[str]:
    """Name the columns that some predictors might ask for, before any is read."""
    asked = set().union(*map(columns_of, rule_texts(applicable)))
    for spec in specs:
        terms = range(len(spec.bases))
        asked.update(_needed(spec, terms, terms, {rule.column: rule for rule in spec.masks}))
    return asked.intersection(names)


def _needed(
    spec: DesignSpec, wanted: Collection[int], known: Collection[int], rules: Mapping[str, Any]
) -> tuple[str, ...]:
    matrices = [spec.fixed, *(spec.bases[i] for i in wanted)]
    texts = [f.text for matrix in matrices for term in matrix.terms for f in term]
    names = [name for text in texts for name in spec.factors[text].columns]
    names += [name for text in spec.offset.texts for name in columns_of(text)]
    names += [name for i in known for name in spec.groups[i].columns]
    for column, rule in rules.items():
        if column in names and isinstance(rule, MaskRule):
            names += rule_columns(rule)
    return tuple(dict.fromkeys(names))


def _read_sheet(
    spec: DesignSpec,
    wanted: Collection[int],
    known: Collection[int],
    rules: Mapping[str, Any],
    table: Table,
) -> Sheet:
    needed = _needed(spec, wanted, known, rules)
    absent = [name for name in needed if name not in table and name not in rules]
    if absent:
        raise _lacking(absent, needed, table.names)
    columns = {name: table.column(name) for name in needed if name in table}
    gone = Column("", "number", np.full(table.n, np.nan), missing=np.ones(table.n, dtype=bool))
    # A covariate that applies in none of the new rows needn't be there.
    without = {name: replace(gone, name=name) for name in needed if name not in table}
    sheet = Sheet(table.n, {**columns, **without})
    wanting = [name for name in without if _applies(rules[name], sheet).any()]
    if wanting:
        raise _lacking(wanting, needed, table.names)
    return sheet


def _lacking(absent: list[str], needed: Collection[str], names: tuple[str, ...]) -> DataError:
    near = "".join(did_you_mean(name, names) for name in absent)
    return DataError(
        f"the new data lack the column(s) {', '.join(map(repr, absent))}.{near} The model "
        f"needs {', '.join(map(repr, needed))}."
    )


def _applies(rule: MaskRule | NDArray[np.bool_], sheet: Sheet) -> NDArray[np.bool_]:
    return evaluate_rule(rule, sheet) if isinstance(rule, MaskRule) else rule


def _masks(
    rules: Mapping[str, MaskRule | NDArray[np.bool_]], sheet: Sheet, inapplicable: Inapplicable
) -> Masks:
    masks = {}
    for column, rule in rules.items():
        if column not in sheet.columns:
            continue
        applies = _applies(rule, sheet)
        if inapplicable == "error":
            kept = rule if isinstance(rule, MaskRule) else MaskRule(column, "rows")
            refuse_given(FoundMask(kept, applies, ""), sheet.columns[column].missing)
        masks[column] = applies
    return masks


class _Parts:
    """Columns of the design's parts, each factor evaluated once."""

    def __init__(
        self, spec: DesignSpec, sheet: Sheet, masks: Masks, gaps: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        self.spec, self.sheet, self.masks, self.gaps = spec, sheet, masks, gaps
        self.factors: dict[str, CodedFactor] = {}

    def matrix(self, matrix: MatrixSpec) -> NDArray[np.float64]:
        for term in matrix.terms:
            for factor in term:
                if factor.text not in self.factors:
                    self.factors[factor.text] = self.factor(factor.text)
        made = make_matrix(matrix.terms, self.factors, self.sheet.n)
        for i, term in enumerate(made.terms):
            unknown = self.unknown(
                tuple(n for f in term for n in self.spec.factors[f.text].columns)
            )
            if unknown is not None:
                applies = term_mask(term, self.factors)
                made.values[unknown if applies is None else unknown & applies, i] = np.nan
        kept = matrix.kept
        return made.values if kept is None else np.ascontiguousarray(made.values[:, kept])

    def factor(self, text: str) -> CodedFactor:
        spec = self.spec.factors[text]
        unknown = self.unknown(spec.columns)
        present = None if unknown is None else ~unknown
        return apply_factor(spec, self.sheet, self.masks, present)

    def unknown(self, columns: tuple[str, ...]) -> NDArray[np.bool_] | None:
        return missing_any(columns, self.gaps)


def missing_any(
    columns: tuple[str, ...], gaps: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.bool_] | None:
    """Return the rows where any of some columns is missing, or None for none."""
    found = [gaps[name] for name in columns if name in gaps]
    if not found:
        return None
    joint: NDArray[np.bool_] = np.logical_or.reduce(found)
    return joint


def _effects(spec: DesignSpec, i: int, parts: _Parts, known: bool) -> NewEffects:
    groups, columns, base = spec.groups[i], parts.sheet.columns, spec.bases[i]
    basis = parts.matrix(base)
    elsewhere = np.zeros(len(basis), dtype=bool)
    values = basis
    if base.positions is not None:
        basis, elsewhere = place_rows(values, base.positions)
        # At any position a level that nobody knows has the same variance.
        basis[elsewhere, 0] = 1.0
    if not known:
        return unknown_level(basis)
    codes = known_codes(groups, columns)
    names = [factor.text for term in base.terms for factor in term]
    refuse_elsewhere(spec.formula.random[i].source, names, values, elsewhere & (codes >= 0))
    return NewEffects(codes=codes, basis=basis, labels=row_labels(groups.columns, columns))


def unknown_level(basis: NDArray[np.float64]) -> NewEffects:
    """Return a term's columns for rows of a level that nobody knows."""
    m = len(basis)
    return NewEffects(np.full(m, -1, dtype=np.int32), basis, np.full(m, None, dtype=object))


def _check_offset(spec: DesignSpec, given: Any) -> None:
    """Refuse an offset that is wanting, or too many, before columns are looked for."""
    if given is None and spec.offset.is_array:
        raise DataError(
            "the model was fitted with an array as offset, which says nothing about new rows. "
            "Pass offset= for these, or fit with the offset as a column."
        )
    if given is not None and spec.offset.texts and not spec.offset.is_array:
        shown = " + ".join(map(repr, spec.offset.texts))
        raise DataError(
            f"offset= was given, but the model's offset was given as an expression of columns, "
            f"{shown}, which new data carry. Leave offset= out, and change the column instead."
        )


def _offset(
    spec: DesignSpec,
    sheet: Sheet,
    masks: Masks,
    gaps: Mapping[str, NDArray[np.bool_]],
    given: Any,
) -> NDArray[np.float64] | None:
    if given is None and not spec.offset.texts:
        return None
    total = np.zeros(sheet.n) if given is None else _given_offset(given, sheet.n)
    for text, states in zip(spec.offset.texts, spec.offset.states, strict=True):
        unknown = missing_any(columns_of(text), gaps)
        present = None if unknown is None else ~unknown
        total = total + evaluate_vector(text, sheet, masks, "offset", states, present).values
        if unknown is not None:
            total[unknown] = np.nan
    return total


def _given_offset(given: Any, n: int) -> NDArray[np.float64]:
    offset = np.array(read_column("offset=", given).as_float("offset="))
    if len(offset) != n:
        raise DataError(f"offset has {len(offset)} values, but there are {n} new rows.")
    return offset
