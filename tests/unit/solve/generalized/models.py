"""Small generalized models from formulas and a table, for the engine alone.

Responses are drawn from the model itself, at coefficients that are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from partialpool.core import GeneralizedProblem, dense_algebra, vector
from partialpool.design import build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.families import Response, ResponseFamily, Zero, resolve
from partialpool.formula import parse, parse_part
from partialpool.generalized.solving import make_parts
from partialpool.solve.generalized import (
    GeneralizedSolution,
    Objective,
    Part,
    link_unit,
    solve_generalized,
)
from partialpool.solve.generalized.densities import take
from partialpool.solve.generalized.layout import Layout, lay_out
from partialpool.solve.generalized.solving import make_problem
from tests.unit.solve.models import interior as interior_of_structures
from tests.unit.solve.models import singular as singular_of_structures

Vector = NDArray[np.float64]

# Linear predictors at which every family is well inside its range.
INTERCEPT = {"mean": 0.4, "dispersion": 0.7, "shape": 0.3, "zero_inflation": -0.8}
SLOPE = 0.2
# Links whose means leave the family's range, were the predictor not far from its end.
FAR = {"gamma-identity": 2.5, "binomial-log": -2.5}
FAR |= dict.fromkeys(("gamma-inverse", "inverse_gaussian-inverse_squared", "poisson-sqrt"), 2.5)
Table = dict[str, NDArray]

THRESHOLDS = np.array([-1.0, 0.2, 1.5])


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What :func:`solve_generalized` is given."""

    parts: tuple[Part, ...]
    response: Response
    family: ResponseFamily
    zero: Zero
    weights: Vector | None = None

    @property
    def layout(self) -> Layout:
        return lay_out(self.parts, self.weights)

    @property
    def structures(self) -> list[tuple[str, int]]:
        """Structure and width of every term, in the core's order."""
        effects = [self.parts[a].random[t] for block in self.layout.blocks for a, t in block.terms]
        return [(e.term.structure, len(e.columns)) for e in effects]

    def problem(self, objective: Objective) -> GeneralizedProblem:
        layout = self.layout
        used = take(self.response, layout.kept)
        return make_problem(layout, used, self.family, self.zero, objective)

    def solve(self, objective: Objective | None = None) -> GeneralizedSolution:
        objective = Objective() if objective is None else objective
        with dense_algebra():
            return solve_generalized(
                self.parts, self.response, self.family, self.zero, self.weights, objective
            )


def example(
    formula: str,
    data: Table,
    family: str | ResponseFamily,
    *,
    zero_inflation: str | None = None,
    dispersion: str | None = None,
    weights: Vector | str | None = None,
    offset: Vector | str | None = None,
) -> Example:
    """Read formulas and a table as ``pp.glmm`` does."""
    resolved, names = resolve(family), tuple(data)
    zero = resolved.zero_for(zero_inflation is not None)
    mean = parse(formula, names)
    others = {"dispersion": dispersion, "zero_inflation": zero_inflation}
    formulas = {"mean": mean} | {
        part: parse_part(text, mean.response, names) for part, text in others.items() if text
    }
    read = build_parts(
        formulas,
        data,
        read=partial(read_generalized_response, family=resolved, zero=zero),
        weights=weights,
        offset=offset,
        thresholds="thresholds" in resolved.own_parts,
    )
    parts = make_parts(read.designs, resolved, zero, len(read.response.values))
    return Example(parts, read.response, resolved, zero, read.response.weights)


def table(seed: int = 1, n: int = 60, levels: tuple[int, ...] = (7, 5, 4)) -> Table:
    """Draw covariates x and z, a time t of four points, and crossed factors g, h, i."""
    rng = np.random.default_rng(seed)
    data = {"x": rng.normal(size=n), "z": rng.normal(size=n)}
    data["t"] = np.array(list("abcd"))[rng.integers(4, size=n)]
    for name, J in zip("ghi", levels, strict=False):
        codes = np.r_[np.arange(J), rng.integers(J, size=n - J)]  # every level occurs
        rng.shuffle(codes)
        data[name] = np.array([f"{name}{c:03d}" for c in codes])
    return data


def drawn(
    data: Table, family: ResponseFamily, zero: Zero = "none", seed: int = 1, size: float = 0.3
) -> Table:
    """Add a response ``y`` (and ``m`` trials), with effects of every factor and a slope of g's."""
    rng, n = np.random.default_rng(seed), len(data["x"])
    eta = {part: np.full(n, INTERCEPT.get(part, 0.0)) for part in family.parts(zero)}
    eta["mean"] = intercept(family, "mean") + SLOPE * data["x"]
    for name in [*"ghi"][: sum(name in data for name in "ghi")]:
        codes = np.unique(data[name], return_inverse=True)[1]
        b = size * rng.uniform(-1, 1, (codes.max() + 1, 2))
        eta["mean"] += b[codes, 0] + (0.5 * b[codes, 1] * data["x"] if name == "g" else 0.0)
    if "thresholds" in eta:
        eta["thresholds"] = THRESHOLDS
    trials = rng.integers(3, 9, n) * 1.0 if family.has_trials else np.ones(n)
    return data | {"y": family.simulate(eta, rng, trials, zero), "m": trials}


def intercept(family: ResponseFamily, part: str) -> float:
    return FAR.get(_key(family), INTERCEPT[part]) if part == "mean" else INTERCEPT[part]


def _key(family: ResponseFamily) -> str:
    return f"{family.name}-{family.link.name}"


def response_of(family: ResponseFamily) -> str:
    return "cbind(y, m - y)" if family.has_trials else "y"


def interior(example: Example, seed: int = 1) -> Vector:
    """Draw covariance parameters in mid-range."""
    return _size(example) * interior_of_structures(example, seed)


def singular(example: Example, seed: int = 1) -> Vector:
    """Like `interior`, but the last standard deviation of every term is exactly zero."""
    return _size(example) * singular_of_structures(example, seed)


def _size(example: Example) -> float:
    # Not so large that predictors leave their range.
    size = 0.1 if _key(example.family) in FAR else 0.4
    return size / max(link_unit(example.family, example.response), 1.0)


def coefficients(example: Example, problem: GeneralizedProblem, seed: int = 1) -> list[Vector]:
    """Coefficients near those that the response was drawn from."""
    rng, out = np.random.default_rng(seed), []
    for group, part in enumerate(example.parts):
        beta = 0.05 * rng.uniform(-1, 1, part.X.shape[1])
        known = (("Intercept", intercept(example.family, part.name)), ("x", SLOPE))
        for name, value in known:
            if name in part.columns and (name == "Intercept" or part.name == "mean"):
                beta[part.columns.index(name)] += value
        out.append(vector(beta[problem.kept(group)]))
    if example.family.name == "ordinal":
        out.append(THRESHOLDS + 0.05)
    return out


class Point:
    """The engine at one point, as a function of what the search moves."""

    def __init__(
        self, example: Example, objective: Objective, psi: Vector, mapped: Vector | None = None
    ) -> None:
        self.example, self.objective, self.psi = example, objective, psi
        self.problem = example.problem(objective)
        if mapped is None:
            beta = coefficients(example, self.problem)
            mapped = self.problem.at(psi, beta, objective.core).mapped
        self.beta = mapped
        inner = len(self.problem.kept(0)) if objective.inner else 0
        self.free = np.r_[np.arange(len(psi)), len(psi) + np.arange(inner, len(self.beta))]

    @property
    def x(self) -> Vector:
        return np.concatenate([self.psi, self.beta])[self.free.astype(int)]

    def local(self, x: Vector) -> tuple[float, Vector, Vector]:
        return self.problem.local(*self._split(x), self.objective.core)

    def value(self, x: Vector) -> float:
        """The objective with all digits.

        The engine stops when a step promises less than 1e-7, takes it, and leaves about 1e-9;
        the second time it starts where it stopped.
        """
        psi, beta = self._split(x)
        cuts = np.cumsum([self.problem.matrix(g).shape[1] for g in range(self.groups)])[:-1]
        for _ in range(2):
            own = [self.problem.matrix(g) @ b for g, b in enumerate(np.split(beta, cuts))]
            at = self.problem.at(psi, own, self.objective.core)
            beta = at.mapped
        return at.objective

    @property
    def groups(self) -> int:
        return len(self.example.parts) + (self.example.family.name == "ordinal")

    def _split(self, x: Vector) -> tuple[Vector, Vector]:
        whole = np.concatenate([self.psi, self.beta])
        whole[self.free.astype(int)] = x
        m = len(self.psi)
        return whole[:m].copy(), whole[m:].copy()


def with_weights(example: Example, seed: int = 0) -> Example:
    """The example with weights, one of them zero."""
    weights = np.random.default_rng(seed).uniform(0.2, 3.0, len(example.response.values))
    weights[5] = 0.0
    return replace(example, weights=weights, response=replace(example.response, weights=weights))
