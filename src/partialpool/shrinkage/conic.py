"""Any mix of norms: a primal-dual interior point method on the structured normal equations.

Every iteration solves one penalised least squares problem with the levels' own factor, so that
its cost is that of a ridge solution; 10 to 30 iterations reach the last digits.

References
----------
Vandenberghe (2010), The CVXOPT linear and quadratic cone program solvers.
Mehrotra (1992), SIAM Journal on Optimization 2(4), 575-601.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import FactorisationError, ModelError
from partialpool.shrinkage.cones import Added, ScaledCone, State, Step
from partialpool.shrinkage.conic_model import ConicModel, conic_model
from partialpool.shrinkage.factor import Factor
from partialpool.shrinkage.gram import Gram
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Problem
from partialpool.shrinkage.sparse_factor import factor_nearly, make_system

__all__ = ["ConicPoint", "solve_conic"]

Vector = NDArray[np.float64]

_TOLERANCE, _NEARLY = 1e-12, 1e-10
_MOST = 100


@dataclass(frozen=True, slots=True, eq=False)
class ConicPoint:
    """Where the method ended.

    Attributes
    ----------
    theta
        Coefficients.
    parts
        Dual variables of each norm of the deviations, in their coordinates.
    slope
        Dual variables of the rows for the root of the mean square, which has no derivative
        where there is no residual; None for others.
    iterations
        Systems factored.
    """

    theta: Vector
    parts: dict[str, Vector]
    slope: Vector | None
    iterations: int


def solve_conic(problem: Problem, penalty: Penalty, theta: Vector, unit: float) -> ConicPoint:
    """Minimise the objective with any mix of norms.

    Parameters
    ----------
    problem
        Rows and loss.
    penalty
        What each norm costs.
    theta
        Where to begin.
    unit
        A typical size of the deviations u.

    Raises
    ------
    ModelError
        If the systems can't be factored, or no step leads on.
    """
    model = conic_model(problem, penalty, unit)
    states = {name: cone.start(theta) for name, cone in model.cones.items()}
    degree = sum(cone.degree for cone in model.cones.values())
    best = (np.inf, theta, states)
    iterations = 0
    while iterations < _MOST:
        iterations += 1
        mu = sum(float(st.s @ st.z) for st in states.values()) / degree
        measure = _measure(model, theta, states, mu * degree)
        if measure < best[0]:
            best = (measure, theta, states)
        # The last digits may be out of reach: rounding then makes things worse again.
        worse = measure > 1e6 * best[0] or (best[0] < _NEARLY and measure > best[0])
        if best[0] <= _TOLERANCE or worse:
            break
        try:
            # At the boundary quotients overflow; what comes of it is looked at below.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                theta, states = _iterate(model, theta, states, mu, degree)
        except FactorisationError:
            break
        if not np.isfinite(theta).all():
            break
    measure, theta, states = best
    if measure > 1e-4:
        raise ModelError(
            "the penalised regression did not converge. Look for columns of extreme size, or for "
            "classes that the shared columns separate; standardize=True or a small main_l2 helps."
        )
    return ConicPoint(theta, _parts(model, states), _slope(problem, states), iterations)


def _measure(model: ConicModel, theta: Vector, states: dict[str, State], gap: float) -> float:
    """The largest of the relative gap and the relative residuals."""
    parts = [c.gradient(states[name]) for name, c in model.cones.items()]
    smooth = model.gradient(theta)
    size = max([float(np.linalg.norm(smooth)), *(float(np.linalg.norm(g)) for g in parts), 1e-300])
    dual = float(np.linalg.norm(sum(parts, smooth))) / size
    primal = max(
        float(np.linalg.norm(c.primal(theta, states[name]))) / c.reach(states[name])
        for name, c in model.cones.items()
    )
    loss = model.problem.loss.value(model.problem.rows.eta(theta))
    paid = sum(
        c.cost * float(np.sum(states[name].x)) for name, c in model.cones.items() if name != "loss"
    )
    total = loss + paid + 0.5 * float(model.quadratic @ theta**2)
    return max(dual, primal, gap / max(total, 1e-300))


def _iterate(
    model: ConicModel, theta: Vector, states: dict[str, State], mu: float, degree: int
) -> tuple[Vector, dict[str, State]]:
    scaled = {name: cone.scaled(states[name]) for name, cone in model.cones.items()}
    system = _Reduced.at(model, theta, scaled)
    residual = model.gradient(theta)
    for name, cone in model.cones.items():
        residual = residual + cone.gradient(states[name])
    primal = {name: cone.primal(theta, states[name]) for name, cone in model.cones.items()}
    dual = {name: cone.dual(states[name]) for name, cone in model.cones.items()}
    direction = partial(_direction, system, scaled, residual, primal, dual)
    move, steps = direction(1.0, {name: c.predictor() for name, c in scaled.items()})
    length = min(1.0, *(c.longest(steps[name]) for name, c in scaled.items()))
    ahead = sum(
        float((states[n].s + length * steps[n].s) @ (states[n].z + length * steps[n].z))
        for n in states
    )
    sigma = float(np.clip(ahead / (mu * degree), 0.0, 1.0)) ** 3
    targets = {name: c.corrector(steps[name], sigma * mu) for name, c in scaled.items()}
    move, steps = direction(1.0 - sigma, targets)
    length = min(1.0, *(0.99 * c.longest(steps[name]) for name, c in scaled.items()))
    return theta + length * move, {n: states[n].moved(steps[n], length) for n in states}


def _direction(
    system: _Reduced,
    scaled: dict[str, ScaledCone],
    residual: Vector,
    primal: dict[str, Vector],
    dual: dict[str, Vector],
    share: float,
    targets: dict[str, Vector],
) -> tuple[Vector, dict[str, Step]]:
    """Newton direction that takes away a share of the residuals."""
    right = -share * residual
    b = {name: share * primal[name] + targets[name] for name in scaled}
    for name, cone in scaled.items():
        right = right - cone.right(b[name], share * dual[name])
    move = system.solve(right)
    steps = {
        name: cone.step(move, share * primal[name], b[name], share * dual[name])
        for name, cone in scaled.items()
    }
    return move, steps


@dataclass(frozen=True, slots=True, eq=False)
class _Reduced:
    """The matrix of theta: cross-products, a diagonal, less a few rank-one terms."""

    gram: Gram
    scale: float
    diagonal: Vector
    factor: Factor
    vectors: Vector
    weights: Vector
    solved: Vector
    small: Vector

    @classmethod
    def at(cls, model: ConicModel, theta: Vector, scaled: dict[str, ScaledCone]) -> _Reduced:
        added = [cone.added() for cone in scaled.values()]
        gram, scale = model.gram(theta)
        scale += sum(a.rows for a in added)
        diagonal = model.quadratic + sum(np.asarray(a.diagonal) for a in added)
        factor = factor_nearly(make_system(gram), gram, scale, diagonal)
        ranks: list[Added] = [a for a in added if a.weight > 0]
        vectors = np.column_stack([a.vector for a in ranks] or [np.zeros((len(theta), 0))])
        weights = np.array([a.weight for a in ranks])
        solved = np.column_stack([factor.solve(v) for v in vectors.T] or [vectors])
        small = np.diag(1.0 / weights) - vectors.T @ solved
        return cls(gram, scale, diagonal, factor, vectors, weights, solved, small)

    def _solve(self, b: Vector) -> Vector:
        x = self.factor.solve(b)
        if not len(self.weights):
            return x
        try:
            return np.asarray(x + self.solved @ np.linalg.solve(self.small, self.vectors.T @ x))
        except np.linalg.LinAlgError as error:
            raise FactorisationError("the interior point method's system is singular.") from error

    def solve(self, b: Vector) -> Vector:
        """Solve, with a refinement: the rank-one terms take digits away."""
        x = self._solve(b)
        for _ in range(3):
            lost = b - self.scale * self.gram.multiply(x) - self.diagonal * x
            lost += self.vectors @ (self.weights * (self.vectors.T @ x))
            x = x + self._solve(lost)
        return x


def _slope(problem: Problem, states: dict[str, State]) -> Vector | None:
    if "loss" not in states:
        return None
    return np.asarray(np.sqrt(problem.loss.weights) * states["loss"].z[1:])


def _parts(model: ConicModel, states: dict[str, State]) -> dict[str, Vector]:
    """Dual variables of the deviations' norms: they add up to Z' times the loss's slope."""
    out: dict[str, Vector] = {}
    p = model.problem.layout.p
    for name in ("l2", "l1", "linf"):
        if name in states:
            out[name] = -model.cones[name].gradient(states[name])[p:]
    return out
