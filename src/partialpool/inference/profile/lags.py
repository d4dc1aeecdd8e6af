"""The correlation at a lag of a Toeplitz covariance, held.

It is a smooth function r of the parameters tau of its own lag and of those before it, so that one
of these follows from the others: the one that r changes with the most where the search starts. Its
own lag's wouldn't do where the partial correlation is at an end, since r doesn't change with it
there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import STRUCTURE_CODES, covariance_correlations, vector
from partialpool.formula.structures import SQUARED
from partialpool.inference.profile.charts import Layout, Place
from partialpool.inference.profile.held import Spot, evaluate_place
from partialpool.inference.profile.minimise import Evaluation, minimise
from partialpool.solve import Solution

__all__ = ["LagCorrelation"]

Array = NDArray[np.float64]
_EXACT = 1e-13
_MOST = 40
# Of an angle: further and the search may end on another branch.
_LONGEST = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class LagCorrelation:
    """The correlation of effects that stand some places apart.

    Attributes
    ----------
    solution, layout
        The optimum, and where the term's parameters are.
    without
        Least deviance without any effects, for a term with one standard deviation: then any
        correlation is as good.
    lag
        How far apart.
    """

    solution: Solution
    layout: Layout
    without: float
    lag: int

    @property
    def start(self) -> Array:
        """All covariance parameters."""
        return self.layout.psi

    @property
    def _first(self) -> int:
        layout = self.layout
        return layout.first + (layout.k if layout.structure in SQUARED else 1)

    def at(self, value: float, start: Array) -> Spot[Array]:
        """Minimise with the correlation at ``value``."""
        _, slopes, _ = self._correlation(start)
        pivot = self._first + int(np.argmax(np.abs(slopes)))
        found = minimise(
            lambda x: self._evaluate(x, value, pivot, float(start[pivot])),
            np.delete(start, pivot),
        )
        if not np.isfinite(found.value):
            return Spot(value, np.inf, np.nan, start)
        if found.value > self.without:
            return Spot(value, self.without, 0.0, start)
        psi = self._solve(found.x, value, pivot, float(start[pivot]))
        return Spot(value, found.value, found.slope, start if psi is None else psi)

    def _evaluate(self, x: Array, value: float, pivot: int, guess: float) -> Evaluation:
        psi = self._solve(x, value, pivot, guess)
        if psi is None:
            nothing = np.full(len(x), np.nan)
            return Evaluation(x, np.inf, nothing, np.diag(nothing), np.nan)
        place, slope = self._place(psi, pivot)
        sigma = self.solution.likelihood.fixed
        return evaluate_place(self.solution, self.layout, place, x, sigma, False, pivot, slope)

    def _solve(self, x: Array, value: float, pivot: int, guess: float) -> Array | None:
        """Newton's search for the parameter that follows, near where it was."""
        psi = np.insert(x, pivot, guess)
        for _ in range(_MOST):
            found, slopes, _ = self._correlation(psi)
            away, slope = found - value, slopes[pivot - self._first]
            if abs(away) < _EXACT:
                return psi
            if abs(slope) < 1e-8:
                return None
            psi[pivot] -= np.clip(away / slope, -_LONGEST, _LONGEST)
        return psi if abs(away) < 1e-10 else None

    def _place(self, psi: Array, pivot: int) -> tuple[Place, float]:
        """Derivatives of the parameter that follows, by the implicit function theorem."""
        _, slopes, curve = self._correlation(psi)
        own, m = pivot - self._first, len(psi)
        first, second = np.zeros(m), np.zeros((m, m))
        block = slice(self._first, self._first + self.lag)
        first[block], second[block, block] = slopes, curve
        rate = slopes[own]
        moved = np.delete(-first / rate, pivot)
        cross = np.delete(second[pivot], pivot)
        plain = np.delete(np.delete(second, pivot, axis=0), pivot, axis=1)
        bent = plain + np.outer(cross, moved) + np.outer(moved, cross)
        bent = -(bent + second[pivot, pivot] * np.outer(moved, moved)) / rate
        jacobian = np.delete(np.eye(m), pivot, axis=1)
        jacobian[pivot] = moved
        return Place(psi, jacobian, lambda g: g[pivot] * bent), float(1.0 / rate)

    def _correlation(self, psi: Array) -> tuple[float, Array, Array]:
        """The correlation with its derivatives in the parameters of the lags up to its own."""
        layout, lag = self.layout, self.lag
        own = vector(psi[layout.first : self._first + layout.k - 1])
        code = STRUCTURE_CODES[layout.structure]
        value, first, second = covariance_correlations(code, layout.k, own)
        slopes = np.array([first[a][lag, 0] for a in range(lag)])
        curve = np.empty((lag, lag))
        for b in range(lag):
            for a in range(b + 1):
                curve[a, b] = curve[b, a] = second[b * (b + 1) // 2 + a][lag, 0]
        return float(value[lag, 0]), slopes, curve
