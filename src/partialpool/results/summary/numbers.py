"""Numbers as cells of a column: one number of decimals for all, none wasted."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["cell", "correlation_cell", "decimals", "decimals_of_sizes"]

# Wider than this, a column in fixed notation is harder to read than 1.2e+08.
_WIDEST = 10


def decimals(values: Iterable[float], digits: int = 4) -> int | None:
    """Find how many decimals show the smallest value to some digits.

    Parameters
    ----------
    values
        Numbers of one column; zeros and what is not finite don't count.
    digits
        Significant digits of the smallest.

    Returns
    -------
    int or None
        None when the values are too far apart for a common number of decimals.

    Examples
    --------
    >>> decimals([612.09, 35.07]), decimals([1e-9, 1e9])
    (2, None)
    """
    span = _span(values)
    return digits if span is None else _within_width(digits - 1 - span[0], span[1])


def decimals_of_sizes(values: Iterable[float], most: int = 5, least: int = 2) -> int | None:
    """Find how many decimals show the largest value to ``most`` digits, the smallest to ``least``.

    Parameters
    ----------
    values
        Numbers of one column whose small members matter less than its large ones.
    most, least
        Significant digits.

    Examples
    --------
    >>> decimals_of_sizes([612.09, 35.07, 654.94]), decimals_of_sizes([0.29, 0.00001575])
    (2, 6)
    """
    span = _span(values)
    return (
        most - 1
        if span is None
        else _within_width(max(most - 1 - span[1], least - 1 - span[0]), span[1])
    )


def _span(values: Iterable[float]) -> tuple[int, int] | None:
    """Powers of ten of the smallest and the largest value."""
    sizes = [abs(v) for v in values if math.isfinite(v) and v != 0]
    if not sizes:
        return None
    return math.floor(math.log10(min(sizes))), math.floor(math.log10(max(sizes)))


def _within_width(places: int, high: int) -> int | None:
    places = max(places, 0)
    return places if max(high, 0) + places <= _WIDEST else None


def cell(value: float, places: int | None) -> str:
    """Write one number; nothing for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:.4g}" if places is None else f"{value:.{places}f}"


def correlation_cell(value: float) -> str:
    """Write a correlation so that only a perfect one reads as 1.00.

    Examples
    --------
    >>> correlation_cell(0.0656), correlation_cell(0.9979), correlation_cell(-1.0)
    ('0.07', '0.9979', '-1.00')
    """
    if math.isnan(value):
        return "n/a"
    text = f"{value:.2f}"
    return f"{value:.4f}" if text.strip("-") == "1.00" and abs(value) < 1 - 1e-6 else text
