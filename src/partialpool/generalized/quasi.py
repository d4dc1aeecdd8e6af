"""Penalised quasi-likelihood: linear mixed models of a working response, until they agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, NewEffects
from partialpool.errors import ModelError
from partialpool.families import Response, ResponseFamily, Zero
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.estimates import RowEffects
from partialpool.inference.fitted import linear_part
from partialpool.inference.rows import core_rows
from partialpool.solve import Likelihood, Solution, reduce, solve

__all__ = ["QuasiSolution", "restore_quasi", "solve_quasi"]

Vector = NDArray[np.float64]

# Relative change of the linear predictors between two linear models that counts as none.
_AGREED: Final = 1e-10
_MOST_MODELS: Final = 100
# A row whose working weight is below this is fitted exactly: its mean is at the end of its range.
_NO_WEIGHT: Final = 1e-9
# d(log of the family's dispersion) / d(log sigma): sigma^2 is 1 / alpha for gamma, phi for
# inverse Gaussian.
_POWERS = {"gaussian": 1.0, "gamma": -2.0, "inverse_gaussian": 2.0}


@dataclass(frozen=True, slots=True, eq=False)
class QuasiSolution:
    """Estimates by penalised quasi-likelihood: those of the last linear mixed model.

    Attributes
    ----------
    family
        Distribution and link.
    design
        Of the mean.
    working
        The last linear model's optimum.
    free_scale
        Whether its residual standard deviation was estimated.
    point : (n,) array
        Linear predictor at which its working response was made.
    eta
        The mean's linear predictor, by part.
    evaluations
        Linear models fitted.
    converged
        Whether the last two agreed.
    """

    family: ResponseFamily
    design: Design
    working: Solution
    free_scale: bool
    point: Vector
    eta: Mapping[str, Vector]
    evaluations: int
    converged: bool
    zero: Zero = field(default="none")

    @property
    def beta(self) -> dict[str, Vector]:
        """Coefficients of the mean, and the log dispersion where one was estimated."""
        mean = np.full(len(self.design.columns), np.nan)
        mean[self.working.reduced.problem.kept] = self.working.beta
        if not self.free_scale:
            return {"mean": mean}
        power = _POWERS.get(self.family.name, 1.0)
        return {"mean": mean, "dispersion": np.array([power * np.log(self.working.sigma)])}

    @property
    def vcov(self) -> Vector:
        """Covariance of the mean's coefficients; NaN for the dispersion, which has none."""
        p = len(self.design.columns)
        kept = self.working.reduced.problem.kept
        out = np.full((p + self.free_scale, p + self.free_scale), np.nan)
        out[np.ix_(kept, kept)] = self.working.sigma**2 * (self.working.root @ self.working.root.T)
        return out

    @property
    def loglik(self) -> float:
        """NaN: no likelihood is maximised."""
        return float("nan")

    @property
    def df(self) -> int:
        """Number of estimated parameters."""
        problem = self.working.reduced.problem
        return len(problem.kept) + problem.n_params + self.free_scale

    @property
    def gradient_norm(self) -> float:
        """Of the last linear model's objective."""
        gradient = np.abs(self.working.optimum.gradient)
        return float(gradient.max()) if gradient.size else 0.0

    @property
    def smallest_eigenvalue(self) -> float:
        """Of the last linear model's second derivatives."""
        curvature = self.working.optimum.curvature
        return float(np.linalg.eigvalsh(curvature)[0]) if curvature.size else float("inf")

    @property
    def bends_down(self) -> bool:
        """Of the last linear model: its own search has seen to that."""
        return False

    @property
    def promised(self) -> float:
        """Zero once the working models agree, of which each was maximised; else unknown."""
        return 0.0 if self.converged else float("inf")

    def factor(self, part: str, term: int) -> Vector:
        """Lambda (k, k) of a random term: Var(b) = Lambda Lambda'."""
        return self.working.sigma * self.working.factor(term)

    def effects(self, part: str) -> tuple[Vector, ...]:
        """Conditional modes of every random term."""
        return self.working.effects(self.design) if part == "mean" else ()

    def conditional(self, part: str) -> tuple[Vector, ...]:
        """Conditional covariances of every random term."""
        if part != "mean":
            return ()
        return tuple(self.working.sigma**2 * c for c in self.working.conditional(self.design))

    def variance(self, rows: Mapping[str, tuple[Vector, RowEffects]]) -> Vector:
        """Variance of x'(beta^ - beta) + z'(b^ - b) of the mean for every row (m,)."""
        X, effects = rows["mean"]
        new = {i: NewEffects(c, z, c) for i, (c, z) in enumerate(effects)}
        blocks = core_rows(self.working, self.design, len(X), new)
        return self.working.sigma**2 * self.working.quadratic_forms(X, blocks)


def solve_quasi(
    design: Design, response: Response, family: ResponseFamily, asked: Approximation
) -> QuasiSolution:
    """Estimate a model by penalised quasi-likelihood.

    Parameters
    ----------
    design
        Of the mean.
    response, family
        What is explained, and its distribution.
    asked
        REML or ML of the working model; whether the scale is free.

    Raises
    ------
    ModelError
        If a working model can't be fitted.

    References
    ----------
    Breslow & Clayton (1993), Journal of the American Statistical Association 88, 9-25,
    section 2: the working model has covariance Z Sigma Z' + W^-1.
    """
    free = asked.free_scale or family.name in _POWERS
    likelihood = Likelihood(asked.reml and bool(design.random), None if free else 1.0)
    eta, count, agreed = _start(design, response, family), 0, False
    while not agreed and count < _MOST_MODELS:
        working = _working(design, response, family, eta)
        solution = solve(working, likelihood)
        point, eta = eta, _linear_predictor(design, solution)
        change = float(np.sum((eta - point) ** 2))
        count, agreed = count + 1, change <= _AGREED**2 * float(np.sum(eta**2))
    assert working.weights is not None
    if not agreed and np.any(working.weights[response.counted] < _NO_WEIGHT):
        raise _diverged(family)
    return QuasiSolution(family, design, solution, free, point, {"mean": eta}, count, agreed)


def restore_quasi(
    design: Design,
    response: Response,
    family: ResponseFamily,
    asked: Approximation,
    point: Vector,
    psi: Vector,
    evaluations: int,
    converged: bool,
) -> QuasiSolution:
    """Make the solution of a saved fit again, without a search.

    Parameters
    ----------
    design, response, family, asked
        As for :func:`solve_quasi`.
    point, psi
        Where the last working response was made, and its model's covariance parameters.
    evaluations, converged
        How the search ended.
    """
    free = asked.free_scale or family.name in _POWERS
    likelihood = Likelihood(asked.reml and bool(design.random), None if free else 1.0)
    reduced = reduce(_working(design, response, family, point), likelihood.sigma)
    with reduced.algebra():
        optimum = reduced.problem.at(psi, likelihood.reml, likelihood.fixed)
    solution = Solution(reduced, optimum, likelihood)
    eta = {"mean": _linear_predictor(design, solution)}
    return QuasiSolution(family, design, solution, free, point, eta, evaluations, converged)


def _start(design: Design, response: Response, family: ResponseFamily) -> Vector:
    start = family.start(response.values, response.trials, response.weights)["mean"]
    y, mean = response.proportions, float(family.link.inverse(start))
    # Halfway between each row and the mean: inside every family's range, as in R's glm.
    return np.asarray(family.link(0.5 * (y + mean)), dtype=np.float64)


def _working(design: Design, response: Response, family: ResponseFamily, eta: Vector) -> Design:
    at = {"mean": eta, "dispersion": np.zeros_like(eta)}
    trials = None if response.trials is None else np.maximum(response.trials, 1e-300)
    mu, slope = family.mu(at), np.asarray(family.link.slope(eta))
    weights = slope**2 / family.variance(at, "none", trials)
    if response.weights is not None:
        weights = weights * response.weights
    weights = np.where(response.counted, weights, 0.0)
    y = eta + (response.proportions - mu) / slope
    if not (np.isfinite(y).all() and np.isfinite(weights).all()):
        raise _diverged(family)
    return dataclasses.replace(design, y=y, weights=weights)


def _linear_predictor(design: Design, solution: Solution) -> Vector:
    beta = np.zeros(len(design.columns))
    beta[solution.reduced.problem.kept] = solution.beta
    eta = linear_part(design.X, beta, design.offset)
    for effects, b in zip(design.random, solution.effects(design), strict=True):
        eta = eta + np.einsum("ij,ij->i", effects.basis, b[effects.factor.codes])
    return eta


def _diverged(family: ResponseFamily) -> ModelError:
    return ModelError(
        f"penalised quasi-likelihood diverges: fitted means leave the range of {family.name} with "
        f"the {family.link.name} link, as they do where a column separates the response. Use "
        "method='laplace' with penalty=2.5."
    )
