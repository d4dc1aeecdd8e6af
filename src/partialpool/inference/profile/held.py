"""The least deviance with one parameter held at a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from partialpool.core import vector
from partialpool.design import Decay
from partialpool.formula.structures import SQUARED
from partialpool.inference.profile.charts import Layout, Place, angle_of
from partialpool.inference.profile.minimise import Evaluation, minimise
from partialpool.solve import Reduced, Solution
from partialpool.solve.solution import MAX_EVALUATIONS, TOLERANCE

__all__ = ["Correlation", "Deviation", "FixedEffect", "Held", "Residual", "Spot", "evaluate_place"]

Array = NDArray[np.float64]
State = TypeVar("State")
# Of the estimate: a residual standard deviation is followed down to here.
_LEAST = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Spot(Generic[State]):
    """The least deviance at one value of the parameter.

    Attributes
    ----------
    value
        Where the parameter is held.
    deviance
        Minus twice the profile log-likelihood.
    slope
        Its derivative; by the envelope theorem that at the minimum.
    x
        Where the other parameters are, to start from at the next value.
    """

    value: float
    deviance: float
    slope: float
    x: State


class Held(Protocol[State]):
    """One parameter that can be held."""

    @property
    def start(self) -> State:
        """The other parameters at the optimum."""

    def at(self, value: float, start: State) -> Spot[State]:
        """Minimise over the others, from ``start``."""


@dataclass(frozen=True, slots=True, eq=False)
class FixedEffect:
    """A coefficient: held by taking its column's share from the response.

    Attributes
    ----------
    solution
        The fit by maximum likelihood.
    without
        The same rows without the column.
    column : (n,) array
        The column.
    y : (n,) array
        Response.
    position
        Of the column among those kept.
    """

    solution: Solution
    without: Reduced
    column: Array
    y: Array
    position: int

    @property
    def start(self) -> Array:
        """Nothing: every search starts afresh."""
        return np.empty(0)

    def at(self, value: float, start: Array) -> Spot[Array]:
        """Fit the response less ``value`` times the column."""
        likelihood = self.solution.likelihood
        problem = self.without.problem.with_response(vector(self.y - value * self.column))
        with self.without.algebra():
            optimum = problem.optimise(False, likelihood.fixed, None, TOLERANCE, MAX_EVALUATIONS)
            # What the whole model says at these covariances gives the slope.
            full = self.solution.reduced.problem
            whole = full.at(optimum.psi, False, likelihood.fixed)
        sigma = likelihood.sigma or problem.sigma(optimum, False)
        variance = float(np.sum(full.root(whole)[self.position] ** 2))
        away = value - float(full.beta(whole)[self.position])
        return Spot(value, optimum.objective, 2.0 * away / (variance * sigma**2), start)


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """The residual standard deviation."""

    solution: Solution

    @property
    def start(self) -> Array:
        """Nothing: every search starts afresh."""
        return np.empty(0)

    def at(self, value: float, start: Array) -> Spot[Array]:
        """Fit with a known residual standard deviation."""
        # Terms with an effect for each row leave none: zero would stand for an unknown one.
        value = max(value, _LEAST * self.solution.sigma)
        reduced = self.solution.reduced
        problem = reduced.problem
        with reduced.algebra():
            optimum = problem.optimise(False, value, None, TOLERANCE, MAX_EVALUATIONS)
        ratio = optimum.penalised_residual * (problem.y_scale / value) ** 2
        return Spot(value, optimum.objective, 2.0 * (problem.n - ratio) / value, start)


@dataclass(frozen=True, slots=True, eq=False)
class Deviation:
    """The standard deviation of a random effect.

    Free are the other covariance parameters, relative, and log sigma; the parameter itself is
    sigma times a relative one, which is thereby tied to sigma.
    """

    solution: Solution
    layout: Layout
    effect: int

    @property
    def _index(self) -> int:
        own = self.layout.structure in SQUARED | {"diagonal"}
        at = self.effect if own else 0
        return self.layout.first + at

    @property
    def _known(self) -> bool:
        return self.solution.likelihood.sigma is not None

    @property
    def start(self) -> Array:
        """Relative parameters but the tied one, and log sigma unless it is known."""
        others = np.delete(self.layout.psi, self._index)
        return others if self._known else np.append(others, np.log(self.solution.sigma))

    def at(self, value: float, start: Array) -> Spot[Array]:
        """Minimise with the parameter at ``value``."""
        found = minimise(lambda x: self._evaluate(x, value), start)
        return Spot(value, found.value, found.slope, found.x)

    def _tied(self, value: float, sigma: float) -> tuple[float, float]:
        """The tied parameter, and its derivative in the value."""
        structure = self.layout.structure
        unit = float(self.layout.unit[self.effect])
        relative = value / (sigma * unit)
        if structure in SQUARED:
            root = np.sqrt(relative)
            return root, 0.5 / (root * sigma * unit) if root > 0 else np.nan
        return relative, 1.0 / (sigma * unit)

    def _evaluate(self, x: Array, value: float) -> Evaluation:
        sigma = self.solution.sigma if self._known else float(np.exp(x[-1]))
        tied, slope = self._tied(value, sigma)
        power = 0.5 if self.layout.structure in SQUARED else 1.0
        m, at = len(self.layout.psi), self._index
        psi = np.insert(x if self._known else x[:-1], at, tied)
        jacobian = np.delete(np.eye(m), at, axis=1)
        if self._known:
            place = Place(psi, jacobian, lambda g: np.zeros((m - 1, m - 1)))
            return evaluate_place(self.solution, self.layout, place, x, sigma, False, at, slope)
        jacobian = np.column_stack([jacobian, -power * tied * np.eye(m)[at]])
        bend = np.zeros((m, m))

        def second(g: Array) -> Array:
            bend[-1, -1] = g[at] * power**2 * tied
            return bend

        place = Place(psi, jacobian, second)
        return evaluate_place(self.solution, self.layout, place, x, sigma, True, at, slope)


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """The correlation of two random effects of a term.

    Attributes
    ----------
    solution, layout
        As of :class:`Deviation`.
    without
        Least deviance without either of the effects. With a standard deviation of zero any
        correlation is as good, so that no value of it can be worse than that.
    decay
        Where a rate or range is held in the place of a correlation.
    """

    solution: Solution
    layout: Layout
    without: float
    decay: Decay | None = None

    @property
    def start(self) -> Array:
        """Covariance parameters but those that the correlation ties."""
        layout = self.layout
        if layout.structure != "unstructured":
            return np.delete(layout.psi, self._angle)
        a, b, c = layout.at(0, 0), layout.at(1, 0), layout.at(1, 1)
        # Logarithms: a standard deviation of another sign would turn the correlation's.
        sizes = np.log(np.maximum([layout.psi[a], np.hypot(*layout.psi[[b, c]])], 1e-8))
        return np.concatenate([np.delete(layout.psi, [a, b, c]), sizes])

    @property
    def _angle(self) -> int:
        scales = self.layout.k if self.layout.structure in SQUARED else 1
        return self.layout.first + scales

    def at(self, value: float, start: Array) -> Spot[Array]:
        """Minimise with the correlation at ``value``."""
        found = minimise(lambda x: self._evaluate(x, value), start)
        if found.value > self.without:
            return Spot(value, self.without, 0.0, found.x)
        return Spot(value, found.value, found.slope, found.x)

    def _evaluate(self, x: Array, value: float) -> Evaluation:
        sigma = self.solution.likelihood.fixed
        if self.layout.structure == "unstructured":
            place, slopes = self._unstructured(x, value)
            return evaluate_place(self.solution, self.layout, place, x, sigma, False, None, slopes)
        m, at = len(self.layout.psi), self._angle
        angle, derivative = (
            angle_of(self.layout.structure, self.layout.k, value)
            if self.decay is None
            else self.decay.coordinate(value)
        )
        place = Place(
            np.insert(x, at, angle),
            np.delete(np.eye(m), at, axis=1),
            lambda g: np.zeros((m - 1, m - 1)),
        )
        if self.decay is not None:
            derivative = 1.0 / derivative
        slope = 1.0 / derivative if derivative != 0.0 else np.nan
        return evaluate_place(self.solution, self.layout, place, x, sigma, False, at, slope)

    def _unstructured(self, x: Array, value: float) -> tuple[Place, Array]:
        """First row exp(x[-2]), second row exp(x[-1]) (rho, sqrt(1 - rho^2))."""
        layout = self.layout
        m = len(layout.psi)
        a, b, c = layout.at(0, 0), layout.at(1, 0), layout.at(1, 1)
        first, second = np.exp(x[-2:])
        rest = float(np.sqrt(max(1.0 - value * value, 0.0)))
        psi = np.empty(m)
        others = np.delete(np.arange(m), [a, b, c])
        psi[others] = x[:-2]
        psi[[a, b, c]] = first, value * second, rest * second
        jacobian = np.zeros((m, m - 1))
        jacobian[others, np.arange(m - 3)] = 1.0
        jacobian[a, -2] = psi[a]
        jacobian[[b, c], -1] = psi[[b, c]]

        def bend(g: Array) -> Array:
            out = np.zeros((m - 1, m - 1))
            out[-2, -2] = g[a] * psi[a]
            out[-1, -1] = g[b] * psi[b] + g[c] * psi[c]
            return out

        slope = np.zeros(m)
        slope[b] = second
        slope[c] = -value / rest * second if rest > 0 else np.nan
        return Place(psi, jacobian, bend), slope


def evaluate_place(
    solution: Solution,
    layout: Layout,
    place: Place,
    x: Array,
    sigma: float,
    free_sigma: bool,
    at: int | None,
    slope: float | Array,
) -> Evaluation:
    """Evaluate minus twice the log-likelihood in the free coordinates.

    ``slope`` is the derivative of parameter ``at`` in the value held, or of all of them. With
    ``free_sigma`` the last coordinate is log sigma, on which the objective hangs directly too:
    nu log(sigma^2) + s / sigma^2.
    """
    problem = solution.reduced.problem
    level = 3 if len(solution.reduced.blocks) == 1 else 2
    with solution.reduced.algebra():
        value, g, h, scores, s = problem.local_in(
            vector(place.psi), layout.axes, False, sigma, level
        )
    if not np.isfinite(value):
        nothing = np.full(len(x), np.nan)
        return Evaluation(x, np.inf, nothing, np.diag(nothing), np.nan)
    gradient = place.jacobian.T @ g
    curvature = place.jacobian.T @ h @ place.jacobian + place.bend(g)
    if free_sigma:
        variance = (sigma / problem.y_scale) ** 2
        gradient[-1] += 2.0 * (problem.n - s / variance)
        cross = place.jacobian.T @ (2.0 * scores / variance)
        curvature[-1] += cross
        curvature[:, -1] += cross
        curvature[-1, -1] += 4.0 * s / variance
    held = float(g @ slope) if at is None else float(g[at] * slope)
    return Evaluation(x, value, gradient, curvature, held)
