"""Where the numbers of a column lie, summed up batch by batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]


class Moments:
    """Mean and ends of the numbers seen so far.

    Examples
    --------
    >>> moments = Moments()
    >>> sorted(moments.add(np.array([3.0, 1.0, 2.0])))  # rows with a new lowest or highest value
    [0, 1]
    >>> moments.add(np.array([2.0, 2.0]))
    []
    >>> moments.mean, moments.low, moments.high
    (2.0, 1.0, 3.0)
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean = float("nan")
        self.low, self.high = float("inf"), float("-inf")

    def add(self, numbers: NDArray[np.float64]) -> list[int]:
        """Take in more numbers, and return the rows of those that are new lowest or highest."""
        n = self.n + len(numbers)
        share = len(numbers) / n
        batch = float(np.add.reduce(numbers)) / len(numbers)
        self.mean = batch if not self.n else self.mean + share * (batch - self.mean)
        self.n = n
        lowest, highest = int(np.argmin(numbers)), int(np.argmax(numbers))
        rows = []
        if numbers[lowest] < self.low:
            self.low = float(numbers[lowest])
            rows.append(lowest)
        if numbers[highest] > self.high:
            self.high = float(numbers[highest])
            rows.append(highest)
        return rows
