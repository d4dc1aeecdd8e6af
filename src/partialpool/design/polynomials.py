"""Polynomial bases, as R's ``poly`` makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError

__all__ = ["apply_poly", "learn_poly"]

State = dict[str, Any]
Vector = NDArray[np.float64]


def learn_poly(x: Vector, degree: int = 1, raw: bool = False) -> State:
    """Find the polynomials that are orthogonal on the values of ``x``.

    Parameters
    ----------
    x : (n,) array
        Values, none missing.
    degree
        Highest power.
    raw
        Whether plain powers are wanted instead.

    Returns
    -------
    dict
        Coefficients of the three-term recurrence (Kennedy & Gentle 1980, pp. 343-4), the
        ones that R's ``poly`` keeps to predict from.

    Raises
    ------
    DataError
        If the degree is not below the number of different values.
    """
    if not isinstance(degree, int) or degree < 1:
        raise DataError(f"the degree of poly() must be a whole number from 1 on, found {degree!r}.")
    if raw:
        return {"kind": "raw", "degree": degree}
    distinct = len(np.unique(x))
    if degree >= distinct:
        raise DataError(
            f"poly() of degree {degree} needs more than {degree} different values, found "
            f"{distinct}. Lower the degree."
        )
    alpha, norm2 = [], [1.0]
    previous, current = np.zeros_like(x), np.ones_like(x)
    for i in range(degree + 1):
        norm2.append(float(current @ current))
        alpha.append(float(x @ current**2) / norm2[-1])
        ratio = norm2[-1] / norm2[-2] if i else 0.0
        previous, current = current, (x - alpha[-1]) * current - ratio * previous
    return {"kind": "poly", "degree": degree, "alpha": alpha[:-1], "norm2": norm2[1:]}


def apply_poly(x: Vector, state: State) -> NDArray[np.float64]:
    """Evaluate the polynomials of a state, one column for each degree from 1 on.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0])
    >>> (apply_poly(x, learn_poly(x, 2)) @ np.diag([2**0.5, 6**0.5])).round(9)
    array([[-1.,  1.],
           [ 0., -2.],
           [ 1.,  1.]])
    """
    degree = state["degree"]
    if state["kind"] == "raw":
        return x[:, None] ** np.arange(1, degree + 1)
    alpha, norm2 = state["alpha"], state["norm2"]
    basis = np.empty((len(x), degree))
    previous, current = np.zeros_like(x), np.ones_like(x)
    for i in range(degree):
        ratio = norm2[i] / norm2[i - 1] if i else 0.0
        previous, current = current, (x - alpha[i]) * current - ratio * previous
        basis[:, i] = current / np.sqrt(norm2[i + 1])
    return basis
