"""Small models as bare arrays, for the core and for the dense twin alike.

The core's parameters psi live in whitened coordinates; `covariances` asks it which relative
covariances they mean, and everything else here is computed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from partialpool.core import DISTANCE_CODES, STRUCTURE_CODES, Form, Problem
from tests import dense

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A grouping factor and its random terms, each a basis (n, k) and a structure."""

    codes: NDArray[np.int32]
    levels: int
    terms: tuple[tuple[Matrix, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Arrays of a model, with or without a known sigma."""

    y: Vector
    X: Matrix
    factors: tuple[Factor, ...]
    weights: Vector | None = None
    offset: Vector | None = None
    reml: bool = True
    sigma: float | None = None

    @property
    def fixed(self) -> float:
        return 0.0 if self.sigma is None else self.sigma

    @property
    def structures(self) -> list[tuple[str, int]]:
        return [(s, z.shape[1]) for f in self.factors for z, s in f.terms]

    def problem(self) -> Problem:
        blocks = [
            (f.codes, f.levels, [(z, form(s, z.shape[1])) for z, s in f.terms])
            for f in self.factors
        ]
        return Problem(self.X, self.y, self.weights, self.offset, blocks)

    def twin(self) -> dense.Model:
        terms = tuple(dense.Term(f.codes, z, f.levels) for f in self.factors for z, _ in f.terms)
        return dense.Model(self.y, self.X, terms, self.weights, self.offset, self.reml, self.sigma)

    def covariances(self, problem: Problem, psi: Vector) -> list[Matrix]:
        """Relative covariances of all terms at psi, in units of the columns."""
        at = problem.at(psi, self.reml, self.fixed)
        factors = [problem.factor(at, t) for t in range(len(self.structures))]
        return [L @ L.T for L in factors]

    def value(self, problem: Problem, psi: Vector) -> float:
        return problem.local(psi, self.reml, self.fixed, 0)[0]


# Structures with correlations and one standard deviation.
COMMON = ("homcs", "ar1", "homtoep", *DISTANCE_CODES)
EVERY = (*STRUCTURE_CODES, *DISTANCE_CODES)


def distances(k: int) -> Matrix:
    """Distances between times that are ever further apart."""
    times = 0.05 * np.arange(k) ** 1.5
    return np.abs(np.subtract.outer(times, times))


def form(structure: str, k: int) -> int | Form:
    """Return a structure as the core takes it."""
    if structure in STRUCTURE_CODES:
        return STRUCTURE_CODES[structure]
    return Form(DISTANCE_CODES[structure], distances(k))


def interior(example: Example, seed: int = 1) -> Vector:
    """Draw parameters with standard deviations and correlations in mid-range."""
    rng = np.random.default_rng(seed)
    return np.concatenate([_interior(s, k, rng) for s, k in example.structures])


def _interior(structure: str, k: int, rng: np.random.Generator) -> Vector:
    if structure == "unstructured":
        L = 0.3 * np.tril(rng.normal(size=(k, k)), -1) + np.diag(rng.uniform(0.3, 1.2, k))
        return L.T[np.triu_indices(k)]
    scales = k if structure in ("diagonal", "cs", "hetar1", "toep") else 1
    count = n_parameters(structure, k) - scales
    angles = rng.uniform(-0.6, 0.6, count)
    if structure in DISTANCE_CODES:
        angles = angles + 1.2
    return np.array([*rng.uniform(0.3, 1.2, scales), *angles])


def singular(example: Example, seed: int = 1) -> Vector:
    """Like `interior`, but the last standard deviation of every term is exactly zero."""
    parts, psi, start = [], interior(example, seed), 0
    for structure, k in example.structures:
        size = n_parameters(structure, k)
        part, start = psi[start : start + size].copy(), start + size
        own = ("cs", "hetar1", "toep")
        last = k - 1 if structure in own else 0 if structure in COMMON else size - 1
        part[last] = 0.0
        parts.append(part)
    return np.concatenate(parts)


def n_parameters(structure: str, k: int) -> int:
    return {
        "unstructured": k * (k + 1) // 2,
        "diagonal": k,
        "homdiag": 1,
        "cs": k + 1,
        "hetar1": k + 1,
        "toep": 2 * k - 1,
        "homtoep": k,
    }.get(structure, 2)


def rows(seed: int, levels: Sequence[int], ks: Sequence[int], n: int = 70, p: int = 3) -> Example:
    """Draw crossed factors with one unstructured term of k columns each."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.normal(size=(n, p - 1)) * 3 + 1])
    y = X @ rng.normal(size=p) + rng.normal(size=n)
    factors = []
    for J, k in zip(levels, ks, strict=True):
        codes = np.r_[np.arange(J), rng.integers(J, size=n - J)].astype(np.int32)
        rng.shuffle(codes)
        Z = basis(rng, n, k)
        y += np.einsum("ij,ij->i", Z, rng.normal(size=(J, k))[codes]) * 0.7
        factors.append(Factor(codes, J, ((Z, "unstructured"),)))
    return Example(y, X, tuple(factors))


def basis(rng: np.random.Generator, n: int, k: int) -> Matrix:
    return np.column_stack([np.ones(n), rng.normal(size=(n, k - 1)) * 2 + 0.5])


def nested(seed: int, k: int = 1) -> Example:
    """Draw 4 classes in each of 5 schools; the classes come first, being more."""
    example = rows(seed, (20, 5), (k, 1))
    classes, schools = example.factors
    return replace(
        example, factors=(classes, replace(schools, codes=(classes.codes // 4).astype(np.int32)))
    )


def structured(structure: str, k: int, seed: int = 3) -> Example:
    """Draw one factor with one term of a structure, over k time points or columns."""
    example = rows(seed, (8,), (1,), n=60)
    codes = np.random.default_rng(seed).integers(k, size=60)
    indicator = np.eye(k)[codes] * np.linspace(1.0, 1.5, k) if k > 1 else np.ones((60, 1))
    (factor,) = example.factors
    return replace(example, factors=(replace(factor, terms=((indicator, structure),)),))


def several_terms(seed: int = 5) -> Example:
    """Draw one factor with an unstructured, a diagonal and a compound symmetric term."""
    example = rows(seed, (8,), (1,))
    rng, n = np.random.default_rng(seed), len(example.y)
    (factor,) = example.factors
    terms = (
        (basis(rng, n, 2), "unstructured"),
        (rng.normal(size=(n, 2)), "diagonal"),
        (np.eye(3)[rng.integers(3, size=n)], "cs"),
    )
    return replace(example, factors=(replace(factor, terms=terms),))


class Pair:
    """The core at one point, and the dense solution at the covariances it means."""

    def __init__(self, example: Example, point: Callable[[Example], Vector] = interior) -> None:
        self.example, self.problem = example, example.problem()
        self.psi = point(example)
        self.optimum = self.problem.at(self.psi, example.reml, example.fixed)
        self.Sigmas = example.covariances(self.problem, self.psi)
        self.model = example.twin()
        self.dense = dense.solve(self.model, self.Sigmas)

    def by_block(self, parts: Iterable[Matrix]) -> list[Matrix]:
        """Join the twin's per-term arrays (J, k) into the core's blocks."""
        parts = iter(parts)
        return [np.hstack([next(parts) for _ in f.terms]) for f in self.example.factors]


def core_rows(example: Example, codes: Iterable[NDArray[np.int32]]) -> list[Any]:
    """Lay rows out as the core takes them, with other codes."""
    return [
        (c.astype(np.int32), f.levels, [(z, 0) for z, _ in f.terms])
        for f, c in zip(example.factors, codes, strict=True)
    ]


# --- derivatives from their definitions ---------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Derivatives:
    """Gradient and average information of the objective, from n x n matrices."""

    gradient: Vector
    average: Matrix


def derivatives(example: Example, problem: Problem, psi: Vector) -> Derivatives:
    """Equations of ALGORITHMS section 2 with V, P and dV / dpsi written out."""
    twin = example.twin()
    counts = np.arange(len(example.y)) if example.weights is None else example.weights > 0
    y = (example.y if example.offset is None else example.y - example.offset)[counts]
    X = example.X[counts]
    w = np.ones(len(y)) if example.weights is None else example.weights[counts]

    def spread(Sigma: Matrix) -> Matrix:
        """Z G Z' for the terms' covariances as one block-diagonal matrix."""
        total, start = np.zeros((len(y), len(y))), 0
        for term in twin.terms:
            cut = slice(start, start := start + term.k)
            same = np.equal.outer(term.codes[counts], term.codes[counts])
            z = term.basis[counts]
            total += z @ Sigma[cut, cut] @ z.T * same
        return total

    def relative(psi: Vector) -> Matrix:
        return block_diag(*example.covariances(problem, psi))

    V_inv = np.linalg.inv(np.diag(1 / w) + spread(relative(psi)))
    P = V_inv - V_inv @ X @ np.linalg.solve(X.T @ V_inv @ X, X.T @ V_inv)
    M = P if example.reml else V_inv
    nu = len(y) - (X.shape[1] if example.reml else 0)
    s = y @ P @ y
    scale = nu / s if example.sigma is None else example.sigma**-2
    Py, m = P @ y, len(psi)
    first = [spread(S) for S in first_differences(relative, psi)]
    second = second_differences(relative, psi)
    c = np.array([Py @ Va @ Py for Va in first])
    q = np.array([[Py @ Va @ P @ Vb @ Py for Vb in first] for Va in first]).reshape(m, m)
    G = M - scale * np.outer(Py, Py)
    chart = np.array(
        [[np.sum(G * spread(S)) if S.any() else 0.0 for S in row] for row in second]
    ).reshape(m, m)
    average = scale * q + chart - (0 if example.sigma else scale / s) * np.outer(c, c)
    return Derivatives(np.array([np.sum(M * Va) for Va in first]) - scale * c, average)


# Sigma is a polynomial in most parameters; the step is for the correlations' sine.
_STEP = 2e-3


def first_differences(value, x: Vector) -> list[Matrix]:
    """Fourth-order central differences of a matrix function, one matrix per parameter."""
    E = _STEP * np.eye(len(x))
    return [
        (8 * (value(x + e) - value(x - e)) - (value(x + 2 * e) - value(x - 2 * e))) / (12 * _STEP)
        for e in E
    ]


def second_differences(value, x: Vector) -> list[list[Matrix]]:
    """Second differences with one Richardson step, as nested lists of matrices."""
    E = 0.01 * np.eye(len(x))

    def plain(a: Vector, b: Vector) -> Matrix:
        ends = value(x + a + b) - value(x + a - b) - value(x - a + b) + value(x - a - b)
        return ends / (4 * np.max(a) * np.max(b))

    out = [[np.zeros(0)] * len(x) for _ in x]
    for i, a in enumerate(E):
        for j, b in enumerate(E[: i + 1]):
            out[i][j] = out[j][i] = (4 * plain(a, b) - plain(2 * a, 2 * b)) / 3
    return out
