"""Where the numbers of a column lie, summed up batch by batch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]


class Moments:
    """Mean, standard deviation and ends of the numbers seen so far.

    Examples
    --------
    >>> moments = Moments()
    >>> sorted(moments.add(np.array([3.0, 1.0, 2.0])))  # rows with a new lowest or highest value
    [0, 1]
    >>> moments.add(np.array([2.0, 2.0]))
    []
    >>> moments.mean, round(moments.sd, 4), moments.low, moments.high
    (2.0, 0.6325, 1.0, 3.0)

    References
    ----------
    Chan, Golub & LeVeque (1983), The American Statistician 37(3), 242-247, equation 1.5.
    """

    def __init__(self) -> None:
        self.n = 0
        self.mean = float("nan")
        self._squares = 0.0
        self.low, self.high = float("inf"), float("-inf")

    @property
    def sd(self) -> float:
        """Standard deviation, over n."""
        return math.sqrt(self._squares / self.n) if self.n else float("nan")

    def add(self, numbers: NDArray[np.float64]) -> list[int]:
        """Take in more numbers, and return the rows of those that are new lowest or highest."""
        n = self.n + len(numbers)
        share = len(numbers) / n
        batch = float(np.add.reduce(numbers)) / len(numbers)
        apart = numbers - batch
        self._squares += float(apart @ apart)
        if self.n:
            self._squares += share * self.n * (batch - self.mean) ** 2
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
