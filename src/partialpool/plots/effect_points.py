"""The data behind a picture of conditional effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes import BayesFit
from partialpool.design import Design
from partialpool.errors import DataError, NotAvailableError
from partialpool.frames import Table, read_table
from partialpool.frames.column import label
from partialpool.generalized import GlmmFit
from partialpool.generalized.fitted import outcomes
from partialpool.inference import ConditionalEffects
from partialpool.inference.rows import refuse_pooled
from partialpool.plots.pooling import plain_columns
from partialpool.results.tables import positions

__all__ = ["Points", "data_points"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Rows of the data.

    Attributes
    ----------
    y : (n,) array
        Responses; proportions where there are trials.
    x : (n,) array
        Covariate of the axis, or position among a factor's values; NaN for none of these.
    nearest
        Of every other column that varies, which of the values in the picture is the row's: that
        of a factor, -1 for none of them, and the nearest of a covariate.
    rounded
        Which of these columns are covariates.
    """

    y: Vector
    x: Vector
    nearest: Mapping[str, NDArray[np.intp]]
    rounded: tuple[str, ...]

    @property
    def binary(self) -> bool:
        """Whether all responses are 0 or 1."""
        return bool(np.isin(self.y, (0.0, 1.0)).all())


def data_points(fit: Any, effects: ConditionalEffects, source: Any) -> Points:
    """Find the rows' places in a picture.

    Parameters
    ----------
    fit
        A fitted model.
    effects
        What is drawn.
    source
        The table that was fitted, or True for what the fit itself knows of its columns.

    Raises
    ------
    DataError
        If the fit doesn't know a column and no table is given, or the table is another.
    NotAvailableError
        If the response has no place in the picture.
    """
    refuse_pooled(fit.design)
    _refuse_scales(fit, effects)
    rows = effects.rows
    values = {name: list(dict.fromkeys(v.tolist())) for name, v in rows.varying.items()}
    table = None if source is True else _checked(fit.design, source)
    given = {name: _column(fit, table, name, values[name]) for name in values}
    x = given[rows.x]
    if not rows.curve:
        places = _places(x, values[rows.x])
        x = np.where(places < 0, np.nan, places.astype(np.float64))
    others = {name: given[name] for name in rows.by}
    return Points(
        _responses(fit),
        np.asarray(x, dtype=np.float64),
        {name: _nearest(column, values[name]) for name, column in others.items()},
        tuple(name for name, column in others.items() if column.dtype.kind == "f"),
    )


def _refuse_scales(fit: Any, effects: ConditionalEffects) -> None:
    family = getattr(fit, "family", None)
    if effects.categories or (family is not None and family.name == "ordinal"):
        raise NotAvailableError(
            "an ordinal response is a category, which has no place on an axis of probabilities. "
            "Leave points= out."
        )
    if effects.scale == "link" and family is not None and family.link.name != "identity":
        raise NotAvailableError(
            f"points are responses, and have no place on the scale of the {family.link.name} "
            "link. Leave points= or scale= out."
        )


def _responses(fit: Any) -> Vector:
    if isinstance(fit, GlmmFit):
        return outcomes(fit)
    if isinstance(fit, BayesFit):
        return fit.statement.response.proportions
    return np.asarray(fit.design.y)


def _checked(design: Design, source: Any) -> Table:
    table = read_table(source)
    if table.n != design.rows.n_given:
        raise DataError(
            f"points= has {table.n} rows, but the fit was of a table of {design.rows.n_given}. "
            "Pass the table that it was fitted to."
        )
    return table


def _column(fit: Any, table: Table | None, name: str, values: Sequence[Any]) -> NDArray[Any]:
    """Return a column: numbers, or the labels of a factor."""
    design: Design = fit.design
    words = not all(isinstance(v, float) for v in values)
    if table is None:
        known = _known_to(design, name)
        if known is None:
            raise DataError(
                f"the fit keeps the columns of its design and not those of the table, and {name!r} "
                "can't be told from these. Pass the table that was fitted: points=data."
            )
        return known
    if name not in table:
        raise DataError(f"points= has no column {name!r}. Pass the table that was fitted.")
    column = table.column(name)
    kept = positions(design)
    if column.is_numeric and column.kind != "boolean" and not (words and _is_factor(fit, name)):
        return np.asarray(column.as_float("a picture"), dtype=np.float64)[kept]
    return np.array([label(v) for v in column.values[kept].tolist()], dtype=object)


def _is_factor(fit: Any, name: str) -> bool:
    known = fit.design.spec.typical.get(name)
    return known is not None and known.levels is not None


def _known_to(design: Design, name: str) -> NDArray[Any] | None:
    """Read a column off the design's: a number as it is, a factor from its dummies."""
    plain = plain_columns(design)
    if name in plain:
        applies = [mask.applies for mask in design.masks if mask.column == name]
        return np.where(applies[0], plain[name], np.nan) if applies else plain[name] * 1.0
    typical = design.spec.typical.get(name)
    if typical is None or typical.levels is None:
        return None
    labels = np.array([label(level) for level in typical.levels], dtype=object)
    texts = [text for text, spec in design.spec.factors.items() if spec.columns == (name,)]
    for text in texts:
        for coding in (
            [None, *(f"{text}[T.{level}]" for level in labels[1:])],
            [f"{text}[{level}]" for level in labels],
        ):
            places = [design.columns.index(c) for c in coding if c in design.columns]
            if len(places) == sum(c is not None for c in coding):
                first = np.zeros((len(design.y), len(coding) - len(places)))
                dummies = np.hstack([first + 0.5, design.X[:, places]])
                return np.asarray(labels[np.argmax(dummies, axis=1)])
    return None


def _places(column: NDArray[Any], values: Sequence[Any]) -> NDArray[np.intp]:
    if column.dtype.kind == "f":
        found = np.asarray(values, dtype=np.float64) == column[:, None]
        return np.where(found.any(axis=1), found.argmax(axis=1), -1)
    places = {label(value): i for i, value in enumerate(values)}
    return np.array([places.get(item, -1) for item in column], dtype=np.intp)


def _nearest(column: NDArray[Any], values: Sequence[Any]) -> NDArray[np.intp]:
    if column.dtype.kind != "f":
        return _places(column, values)
    apart = np.abs(np.asarray(values, dtype=np.float64) - column[:, None])
    return np.where(np.isnan(column), -1, apart.argmin(axis=1))
