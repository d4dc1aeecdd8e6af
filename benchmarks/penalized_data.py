"""Data for the benchmarks of penalised regression: daily sales of many shops, and small groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sales", "make_sales", "make_small_groups", "make_well_specified"]

Vector = NDArray[np.float64]

#: Rows and shops of the Rossmann data in hierreg's notebook.
ROWS, SHOPS = 844_338, 1_115


@dataclass(frozen=True, slots=True, eq=False)
class Sales:
    """Columns, a response and groups, cut into rows to fit and rows to predict."""

    X: Vector
    y: Vector
    shop: NDArray[np.int64]
    test: NDArray[np.bool_]
    names: tuple[str, ...]


def make_sales(rows: int = ROWS, shops: int = SHOPS, seed: int = 0) -> Sales:
    """Log-like daily sales: weekdays, months, promotions, holidays, a trend and the competition.

    Shops differ in level and in every effect, the more so in some; their numbers of days differ
    by a factor of ten; noise has heavy tails. The last tenth of each shop's days is for testing.
    """
    rng = np.random.default_rng(seed)
    share = rng.uniform(0.1, 1.0, size=shops)
    size = np.maximum((share / share.sum() * rows).astype(np.int64), 30)
    size[np.argmax(size)] += rows - size.sum()
    shop = np.repeat(np.arange(shops), size)
    day = np.concatenate([np.arange(942 - n % 942, 942 - n % 942 + n) for n in size]) % 942
    order = np.concatenate([np.arange(n) / n for n in size])
    weekday, month = day % 7, (day // 30) % 12
    columns = [(weekday == d).astype(float) for d in range(1, 6)]
    columns += [(month == m).astype(float) for m in range(1, 12)]
    promotion = (rng.random(rows) < 0.4).astype(float)
    holiday = (rng.random(rows) < 0.03).astype(float)
    trend = day / 942.0
    distance = rng.normal(size=shops)[shop]
    columns += [promotion, holiday, trend, distance * trend, promotion * (weekday == 1)]
    X = np.column_stack(columns)
    w = rng.normal(scale=0.2, size=X.shape[1])
    v = rng.normal(size=(shops, X.shape[1])) * rng.uniform(0.02, 0.15, size=X.shape[1])
    level = 8.7 + 0.4 * rng.normal(size=shops)
    noise = 0.2 * rng.standard_t(5, size=rows)
    y = level[shop] + np.einsum("ij,ij->i", X, w + v[shop]) + noise
    names = (
        *(f"weekday{d}" for d in range(1, 6)),
        *(f"month{m}" for m in range(1, 12)),
        *("promotion", "holiday", "trend", "competition", "promotion_monday"),
    )
    return Sales(X, y, shop, order >= 0.9, names)


def make_well_specified(seed: int) -> tuple[Vector, Vector, NDArray[np.int64], Vector]:
    """A mixed model's own data: 100 groups of 20, intercepts and slopes of equal variance."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(100), 40)
    x = rng.normal(size=(len(group), 2))
    b = rng.normal(scale=0.5, size=(100, 3))
    mean = 1.0 + x @ [0.5, -0.3] + b[group, 0] + np.einsum("ij,ij->i", x, b[group, 1:])
    return x, mean + rng.normal(size=len(group)), group, mean


def make_small_groups(seed: int, size: int) -> tuple[Vector, Vector, NDArray[np.int64], Vector]:
    """200 groups of a few rows each to fit, and ten more each to predict."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(200), size + 10)
    x = rng.normal(size=(len(group), 1))
    b = rng.normal(size=(200, 2)) * [0.6, 0.4]
    mean = 1.0 + 0.5 * x[:, 0] + b[group, 0] + x[:, 0] * b[group, 1]
    return x, mean + rng.normal(size=len(group)), group, mean
