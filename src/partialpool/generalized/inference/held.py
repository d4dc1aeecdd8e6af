"""The least deviance of a generalized model with one parameter held at a value.

Every parameter is held by a plane in the space of the search: a coefficient is a linear function
of the core's; a standard deviation or the angle of a correlation is a coordinate, in axes in which
the term's effects stand first; the correlation of two effects whose Lambda has rows (a, 0) and
(b, c) is rho where sqrt(1 - rho^2) b - rho c = 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedEstimate, dense_algebra, vector
from partialpool.design import Decay
from partialpool.formula.structures import SQUARED
from partialpool.inference.profile.charts import Layout, angle_of
from partialpool.inference.profile.held import Spot
from partialpool.solve.generalized import GeneralizedSolution

__all__ = ["Plane", "PlaneHeld", "coefficient", "correlation", "deviation"]

Array = NDArray[np.float64]
_TOLERANCE = 1e-9
_MOST_EVALUATIONS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Where a parameter has its value: normal'x = level.

    Attributes
    ----------
    normal : (m,) array
        Over the parameters of the search.
    level
        Of the plane.
    forward
        Directions in which x may not turn negative.
    slope
        Gradient of the objective and x at the optimum on the plane -> derivative of that optimum
        in the parameter.
    """

    normal: Array
    level: float
    forward: Sequence[Array]
    slope: Callable[[Array, Array], float]


@dataclass(frozen=True, slots=True, eq=False)
class PlaneHeld:
    """A parameter of a generalized model that can be held.

    Attributes
    ----------
    solution
        The optimum.
    start
        The same point, in axes in which the parameter is held.
    plane
        Value -> plane.
    most
        What no value of the parameter can be worse than: for a correlation the least deviance
        without one of its effects, with which any value goes.
    """

    solution: GeneralizedSolution
    start: GeneralizedEstimate
    plane: Callable[[float], Plane]
    most: float = np.inf

    def at(self, value: float, start: GeneralizedEstimate) -> Spot[GeneralizedEstimate]:
        """Minimise with the parameter at ``value``, from ``start``."""
        plane = self.plane(value)
        with dense_algebra():
            found = self.solution.problem.hold(
                start,
                vector(plane.normal),
                plane.level,
                [vector(direction) for direction in plane.forward],
                self.solution.objective.core,
                _TOLERANCE,
                _MOST_EVALUATIONS,
            )
        if found.objective > self.most:
            return Spot(value, self.most, 0.0, found)
        if not np.isfinite(found.objective):
            return Spot(value, np.inf, np.nan, start)
        x = np.concatenate([found.psi, found.mapped])
        return Spot(value, found.objective, plane.slope(found.gradient, x), found)


def coefficient(solution: GeneralizedSolution, normal: Array) -> PlaneHeld:
    """Hold a coefficient, which is ``normal`` times the core's parameters."""
    size = float(normal @ normal)
    return PlaneHeld(
        solution,
        solution.estimate,
        lambda value: Plane(normal, value, (), lambda g, x: float(g @ normal) / size),
    )


def deviation(solution: GeneralizedSolution, layout: Layout, effect: int) -> PlaneHeld:
    """Hold a standard deviation, a coordinate or (beside correlations) the square of one."""
    own = layout.structure in SQUARED | {"diagonal"}
    at = layout.first + (effect if own else 0)
    unit = float(layout.unit[effect])
    normal = np.zeros(len(solution.psi) + len(solution.estimate.mapped))
    normal[at] = 1.0

    def plane(value: float) -> Plane:
        if layout.structure not in SQUARED:
            return Plane(normal, value / unit, (), lambda g, x: float(g[at]) / unit)
        root = float(np.sqrt(value / unit))
        rate = 0.5 / (root * unit) if root > 0 else np.nan
        return Plane(normal, root, (), lambda g, x: float(g[at]) * rate)

    return PlaneHeld(solution, _turned(solution, layout), plane)


def correlation(
    solution: GeneralizedSolution, layout: Layout, most: float, decay: Decay | None = None
) -> PlaneHeld:
    """Hold the correlation of two effects, or the rate or range that it follows from."""
    size = len(solution.psi) + len(solution.estimate.mapped)
    if layout.structure != "unstructured":
        at = layout.first + (layout.k if layout.structure in SQUARED else 1)
        angle = np.zeros(size)
        angle[at] = 1.0

        def turned(value: float) -> Plane:
            if decay is not None:
                level, slope = decay.coordinate(value)
                return Plane(angle, level, (), lambda g, x: float(g[at]) * slope)
            level, rate = angle_of(layout.structure, layout.k, value)
            return Plane(angle, level, (), lambda g, x: float(g[at]) / rate if rate > 0 else np.nan)

        return PlaneHeld(solution, _turned(solution, layout), turned, most)
    a, b, c = layout.at(0, 0), layout.at(1, 0), layout.at(1, 1)

    def plane(value: float) -> Plane:
        rest = float(np.sqrt(max(1.0 - value * value, 0.0)))
        normal, first, second = np.zeros((3, size))
        normal[[b, c]] = rest, -value
        first[a] = 1.0
        second[[b, c]] = value, rest

        def slope(g: Array, x: Array) -> float:
            return float((second @ x) * (g[b] - g[c] * value / rest)) if rest > 0 else np.nan

        # With a standard deviation of the other sign it would be the opposite correlation.
        return Plane(normal, 0.0, (first, second), slope)

    return PlaneHeld(solution, _turned(solution, layout), plane, most)


def _turned(solution: GeneralizedSolution, layout: Layout) -> GeneralizedEstimate:
    axes = list(layout.axes) if any(a is not None for a in layout.axes) else []
    with dense_algebra():
        return solution.problem.turn(
            solution.estimate, vector(layout.psi), axes, solution.objective.core
        )
