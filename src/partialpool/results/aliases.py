"""Columns of X that the others determine, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design

__all__ = ["describe_aliases"]

_NEGLIGIBLE = 1e-8


def describe_aliases(
    design: Design, kept: list[int], aliased: list[int], coefficients: NDArray[np.float64]
) -> dict[str, str]:
    """Say of every column left out which combination of the kept columns it equals.

    Parameters
    ----------
    design
        Holds the columns.
    kept, aliased
        Their positions.
    coefficients : (p_kept, p_aliased) array
        Each aliased column's coefficients of the kept ones.

    Examples
    --------
    >>> import partialpool as pp
    >>> data = {"y": [1.0, 2, 4, 3], "x": [1.0, 2, 3, 5], "double": [2.0, 4, 6, 10]}
    >>> pp.lmm("y ~ x + double", data).aliased
    {'double': '2 * x'}
    """
    names = [design.columns[i] for i in kept]
    sizes = np.abs(design.X).max(axis=0) if aliased else np.empty(0)
    return {
        design.columns[column]: _combination(coefficients[:, i], names, sizes[kept], sizes[column])
        for i, column in enumerate(aliased)
    }


def _combination(
    coefficients: NDArray[np.float64], names: list[str], sizes: NDArray[np.float64], size: float
) -> str:
    # A coefficient is judged by what it contributes beside the column itself.
    parts = [
        (c, name)
        for c, name, s in zip(coefficients.tolist(), names, sizes.tolist(), strict=True)
        if abs(c) * s > _NEGLIGIBLE * max(size, 1e-300)
    ]
    if not parts:
        return "0"
    text = ""
    for c, name in parts:
        sign = (" - " if c < 0 else " + ") if text else ("-" if c < 0 else "")
        factor = "" if abs(abs(c) - 1) < _NEGLIGIBLE else f"{abs(c):.6g} * "
        text += f"{sign}{factor}{name}"
    return text
