"""Rows to predict, where a model has their effects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, NewEffects, NewRows, RandomEffects, replay
from partialpool.errors import DataError, NotAvailableError
from partialpool.frames import FrameKind, make_frame, read_schema, row_index
from partialpool.inference.protocol import GaussianFit
from partialpool.solve import Solution
from partialpool.solve.problem import CoreBlock, structure_code

__all__ = [
    "NewLevels",
    "PlacedRows",
    "RandomPart",
    "core_rows",
    "find_terms",
    "frame_of_rows",
    "place_rows",
    "refuse_new_levels",
    "refuse_pooled",
]

NewLevels = Literal["error", "population"]
RandomPart = Literal["all", "none"] | Sequence[str]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedRows:
    """Rows to predict, in the columns of a fitted design.

    Attributes
    ----------
    rows
        Fixed part and offsets.
    effects
        Where each random term that is used finds its effects.
    kind, index
        Of the table that they came in.
    """

    rows: NewRows
    effects: Mapping[int, NewEffects]
    kind: FrameKind
    index: Any

    def between(self, start: int, stop: int) -> PlacedRows:
        """Return some of the rows."""
        cut = slice(start, stop)
        rows = NewRows(
            n=stop - start,
            X=self.rows.X[cut],
            offset=None if self.rows.offset is None else self.rows.offset[cut],
            effects=(),
        )
        effects = {
            i: NewEffects(new.codes[cut], new.basis[cut], new.labels[cut])
            for i, new in self.effects.items()
        }
        return PlacedRows(rows, effects, self.kind, None)

    def frame(self, columns: dict[str, NDArray[np.float64]]) -> Any:
        """Make a frame of the table's kind."""
        return frame_of_rows(columns, self.kind, self.index)


def frame_of_rows(columns: Mapping[str, Any], kind: FrameKind, index: Any) -> Any:
    """Make a frame whose rows are those of a table, with its index if it is pandas'."""
    frame = make_frame(columns, kind)
    if kind == "pandas" and index is not None:
        # Aligned by position; a pandas user will join it to the rows by their index.
        frame.index = index
    return frame


def place_rows(
    fit: GaussianFit,
    new: Any,
    *,
    random: RandomPart,
    new_levels: NewLevels,
    inapplicable: Literal["error", "ignore"],
    offset: Any,
    applicable: Any,
) -> PlacedRows:
    """Read new rows, or take those fitted; see :func:`predict`."""
    if new_levels not in ("error", "population"):
        raise DataError(f"new_levels must be 'error' or 'population', found {new_levels!r}.")
    design = fit.design
    wanted = find_terms(design.random, random)
    if new is None:
        rows = _fitted_rows(design, wanted)
        kind, index = design.spec.kind, None
    else:
        rows = replay(
            design.spec,
            new,
            random=wanted,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
        )
        kind, index = read_schema(new).kind, row_index(new)
    effects = dict(zip(wanted, rows.effects, strict=True))
    if new_levels == "error":
        refuse_new_levels(design, effects)
    return PlacedRows(rows, effects, kind, index)


def find_terms(terms: Sequence[RandomEffects], random: RandomPart) -> list[int]:
    """Find the positions of the random terms that are named.

    Raises
    ------
    DataError
        If a name is none of theirs.
    """
    everything = list(range(len(terms)))
    if isinstance(random, str):
        if random in ("all", "none"):
            return everything if random == "all" else []
        random = [random]
    if not isinstance(random, Iterable) or not all(isinstance(name, str) for name in random):
        raise DataError(
            "random must be 'all', 'none' or a list of names such as ['Subject'], found "
            f"{random!r}."
        )
    chosen: set[int] = set()
    for name in random:
        bare = name.replace(" ", "")
        found = [
            i
            for i, effects in enumerate(terms)
            if effects.factor.name == name or effects.term.source.replace(" ", "") == bare
        ]
        if not found:
            groups = dict.fromkeys(e.factor.name for e in terms)
            sources = dict.fromkeys(e.term.source for e in terms)
            raise DataError(
                f"random={name!r} is neither a grouping factor ({', '.join(groups) or 'none'}) "
                f"nor a term ({', '.join(sources) or 'none'}) of the model. Use 'all', 'none' or "
                "a list of these."
            )
        chosen.update(found)
    return sorted(chosen)


def refuse_pooled(design: Design) -> None:
    """Refuse what needs the rows fitted, where these weren't kept.

    Raises
    ------
    NotAvailableError
        If so.
    """
    if design.pooled:
        raise NotAvailableError(
            "this needs the rows that the model was fitted to, which went by in batches and "
            "weren't kept. Predictions take a table; intervals are there with method='wald'. For "
            "the rest fit the model to rows in memory with lmm()."
        )


def _fitted_rows(design: Design, wanted: list[int]) -> NewRows:
    refuse_pooled(design)
    return NewRows(
        n=len(design.y),
        X=design.X,
        offset=design.offset,
        effects=tuple(
            NewEffects(e.factor.codes, e.basis, e.factor.codes)
            for e in (design.random[i] for i in wanted)
        ),
    )


def refuse_new_levels(design: Design, effects: Mapping[int, NewEffects]) -> None:
    """Refuse rows whose levels the fit hasn't seen, or don't say.

    Raises
    ------
    DataError
        Naming the levels and the first row.
    """
    for i, new in effects.items():
        unseen = np.flatnonzero(new.codes < 0)
        name = design.random[i].factor.name
        missing = [row for row in unseen if new.labels[row] is None]
        if missing:
            raise DataError(
                f"the grouping factor {name!r} is missing in {len(missing)} row(s), first in row "
                f"{missing[0]}. Fill the levels in, or pass new_levels='population' to predict "
                "these rows without an effect of their own."
            )
        if len(unseen):
            labels = list(dict.fromkeys(str(x) for x in np.asarray(new.labels)[unseen]))
            shown = ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")
            raise DataError(
                f"the grouping factor {name!r} has {len(labels)} level(s) that the fit hasn't "
                f"seen: {shown}, first in row {unseen[0]}. Pass new_levels='population' to "
                "predict them without an effect of their own."
            )


def core_rows(
    solution: Solution, design: Design, m: int, effects: Mapping[int, NewEffects]
) -> list[CoreBlock]:
    """Lay the rows out as the core's blocks; terms that aren't wanted get columns of zero."""
    out = []
    for block in solution.reduced.blocks:
        codes = np.full(m, -1, dtype=np.int32)
        terms = []
        for i in block.terms:
            term = design.random[i]
            if i in effects:
                codes = effects[i].codes
                basis = effects[i].basis
            else:
                basis = np.zeros((m, len(term.columns)))
            terms.append((np.ascontiguousarray(basis), structure_code(term)))
        out.append((codes, len(design.random[block.terms[0]].factor.levels), terms))
    return out
