"""Tables made in the library that the data came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from partialpool.errors import NotAvailableError
from partialpool.frames.table import FrameKind

__all__ = ["make_frame"]


def make_frame(columns: Mapping[str, NDArray[Any]], kind: FrameKind) -> Any:
    """Make a table in the library of another one.

    Parameters
    ----------
    columns
        Arrays by name, all of one length.
    kind
        As :attr:`Table.kind`; ``"dict"`` gives a dict of arrays.

    Raises
    ------
    NotAvailableError
        If the library isn't installed here: a saved model may come from elsewhere.

    Examples
    --------
    >>> make_frame({"x": np.array([1.5, 2.5])}, "pandas")
         x
    0  1.5
    1  2.5
    """
    if kind == "dict":
        return dict(columns)
    try:
        return nw.from_dict(
            {name: _plain(values) for name, values in columns.items()}, backend=kind
        ).to_native()
    except ImportError as error:
        raise NotAvailableError(
            f"the data this comes from were a {kind} table, but {kind} isn't installed here. "
            f"Run 'pip install {kind}', or pass a pandas frame or a dict of arrays."
        ) from error


def _plain(values: NDArray[Any]) -> Any:
    # Lists, since polars and pyarrow would keep an array of objects as objects.
    return values.tolist() if values.dtype.kind in "OU" else np.ascontiguousarray(values)
