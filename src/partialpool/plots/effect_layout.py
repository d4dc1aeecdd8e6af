"""Which columns of conditional effects have colours, and which panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError
from partialpool.inference import ConditionalEffects
from partialpool.plots.effect_words import key_label

__all__ = ["Layout", "Panel", "Series", "lay_out"]

Rows = NDArray[np.intp]

# Okabe and Ito's, without their yellow, which is pale on white.
_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#222222")
_MOST_PANELS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One line of a panel.

    Attributes
    ----------
    label
        In the key.
    rows
        Rows of the effects.
    category
        Column among the categories, if there are some.
    colour, place
        Of the line, and among the panel's lines.
    value
        Which of the coloured column's values it is of.
    """

    label: str
    rows: Rows
    category: int | None
    colour: str
    place: int
    value: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One panel.

    Attributes
    ----------
    title
        Stands above.
    series
        Its lines.
    values
        Which of the values of the columns that make panels it is of.
    """

    title: str
    series: tuple[Series, ...]
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """All panels.

    Attributes
    ----------
    coloured
        The column that has colours, if one does.
    panels
        In the order of reading.
    grid
        Rows and columns of panels.
    """

    coloured: str | None
    panels: tuple[Panel, ...]
    grid: tuple[int, int]

    @property
    def n_series(self) -> int:
        """Lines in a panel."""
        return len(self.panels[0].series)


def lay_out(found: ConditionalEffects) -> Layout:
    """Give the first column of by colours and the second panels; categories have colours first.

    Raises
    ------
    DataError
        If these are more than can be told apart.
    """
    rows = found.rows
    values = {name: list(dict.fromkeys(rows.varying[name].tolist())) for name in rows.by}
    coloured = None if found.categories or not rows.by else rows.by[0]
    paneled = [name for name in rows.by if name != coloured]
    _check_numbers(found, coloured, values, paneled)
    panels = []
    for places in product(*(range(len(values[name])) for name in reversed(paneled))):
        own = dict(zip(reversed(paneled), places, strict=True))
        inside = np.ones(rows.n, dtype=bool)
        for name, i in own.items():
            inside &= rows.varying[name] == values[name][i]
        title = ", ".join(rows.words(name, values[name][i]) for name, i in reversed(own.items()))
        panels.append(Panel(title, _series(found, coloured, values, inside), own))
    side = len(values[paneled[0]]) if len(paneled) == 2 else None
    return Layout(coloured, tuple(panels), _grid(len(panels), side))


def _series(
    found: ConditionalEffects,
    coloured: str | None,
    values: Mapping[str, list[Any]],
    inside: NDArray[np.bool_],
) -> tuple[Series, ...]:
    if found.categories:
        return tuple(
            Series(name, np.flatnonzero(inside), k, _COLOURS[k], k, None)
            for k, name in enumerate(found.categories)
        )
    if coloured is None:
        return (Series("", np.flatnonzero(inside), None, _COLOURS[0], 0, None),)
    column = found.rows.varying[coloured]
    return tuple(
        Series(
            key_label(found.rows, coloured, value),
            np.flatnonzero(inside & (column == value)),
            None,
            _COLOURS[i],
            i,
            i,
        )
        for i, value in enumerate(values[coloured])
    )


def _check_numbers(
    found: ConditionalEffects,
    coloured: str | None,
    values: Mapping[str, list[Any]],
    paneled: Sequence[str],
) -> None:
    if len(found.categories) > len(_COLOURS):
        raise DataError(
            f"the response has {len(found.categories)} categories, and a picture has "
            f"{len(_COLOURS)} colours. Draw columns of fit.effects(...)."
        )
    if coloured is not None and len(values[coloured]) > len(_COLOURS):
        some = ", ".join(map(repr, values[coloured][:2]))
        raise DataError(
            f"{coloured!r} has {len(values[coloured])} values, and a picture has {len(_COLOURS)} "
            f"colours. Choose some with at={{{coloured!r}: [{some}, ...]}}."
        )
    panels = int(np.prod([len(values[name]) for name in paneled]))
    if panels > _MOST_PANELS:
        raise DataError(
            f"{' and '.join(map(repr, paneled))} make {panels} panels, more than the "
            f"{_MOST_PANELS} that fit. Choose some values with at={{{paneled[0]!r}: [...]}}."
        )


def _grid(panels: int, side: int | None) -> tuple[int, int]:
    """Choose rows and columns; those of two factors' values stand in order."""
    columns = side if side is not None and side <= 4 else {4: 2, 5: 3, 6: 3, 9: 3}.get(panels, 4)
    columns = min(columns, panels)
    return -(-panels // columns), columns
