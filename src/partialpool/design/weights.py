"""Prior weights of new rows, where the model's were a column or an expression of columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design.arguments import (
    Argument,
    RowVector,
    evaluate_vector,
    refuse_negative_weights,
)
from partialpool.design.evaluation import columns_of
from partialpool.design.sheet import Sheet
from partialpool.frames import read_table

__all__ = ["WeightSpec", "new_weights", "weight_spec"]


@dataclass(frozen=True, slots=True, eq=False)
class WeightSpec:
    """How weights are computed.

    Attributes
    ----------
    text
        Expression over columns.
    states
        What its functions learned.
    """

    text: str
    states: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as values that JSON holds."""
        return {"text": self.text, "states": list(self.states)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | None) -> WeightSpec | None:
        """Read what :meth:`to_json` wrote; None where there are no such weights."""
        return None if values is None else cls(values["text"], tuple(values["states"]))


def weight_spec(argument: Argument, found: RowVector) -> WeightSpec | None:
    """Keep how weights were computed; None for an array, which says nothing of new rows."""
    return None if argument.text is None else WeightSpec(argument.text, found.states)


def new_weights(spec: WeightSpec | None, data: Any) -> NDArray[np.float64] | None:
    """Compute the weights of new rows.

    Parameters
    ----------
    spec
        How the weights of the rows fitted were computed.
    data
        The new rows.

    Returns
    -------
    (m,) array, or None
        NaN in rows without a value; None where the table lacks a column, or nothing is known.

    Raises
    ------
    DataError
        If weights are negative, or no numbers.

    Examples
    --------
    >>> new_weights(WeightSpec("w / 2"), {"w": [2.0, 4.0]})
    array([1., 2.])
    """
    if spec is None:
        return None
    needed = columns_of(spec.text)
    table = read_table(data, lambda names: set(needed).intersection(names))
    if any(name not in table for name in needed):
        return None
    sheet = Sheet(table.n, {name: table.column(name) for name in needed})
    gaps = [c.missing for c in sheet.columns.values() if c.missing is not None]
    present = ~np.logical_or.reduce(gaps) if gaps else np.ones(table.n, dtype=bool)
    values = evaluate_vector(spec.text, sheet, {}, "weights", spec.states, present).values
    refuse_negative_weights(values, sheet)
    return np.where(present, values, np.nan)
