"""Small tables for the tests of a design."""

from __future__ import annotations

from typing import Any

import numpy as np

from partialpool.design import Design, build
from partialpool.formula import parse

N = 12


def table(**columns: Any) -> dict[str, Any]:
    """Twelve rows: numbers x and z, text f of 2 levels and g of 3, whole numbers h."""
    rng = np.random.default_rng(7)
    return {
        "y": rng.normal(size=N),
        "x": rng.normal(size=N),
        "z": np.arange(N) + 1.0,
        "f": np.tile(["u", "v"], N // 2),
        "g": np.repeat(["a", "b", "c"], N // 3),
        "h": np.tile([10, 20, 30], N // 3),
        **columns,
    }


def design(text: str, data: Any = None, **options: Any) -> Design:
    """Build a design from a formula's text."""
    return build(parse(text), table() if data is None else data, **options)


def dummies(values: Any, *levels: Any) -> Any:
    """One column of 0 and 1 for each level."""
    return np.column_stack([(np.asarray(values) == level) * 1.0 for level in levels])
