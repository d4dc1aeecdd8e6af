"""Every parameter of a generalized model, and how it hangs on those of the search."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.core import covariance_directions, covariance_size, vector
from partialpool.errors import NotAvailableError
from partialpool.inference.parameters import Parameter, term_parameters
from partialpool.inference.variances.errors import parameter_slopes
from partialpool.solve.generalized import CoreTerm, GeneralizedSolution, term_of

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["Estimated", "by_likelihood", "estimated"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Estimated:
    """A parameter, its estimate and its derivatives.

    Attributes
    ----------
    parameter
        What it is.
    value
        Its estimate; NaN for a coefficient left out, and for a correlation beside a standard
        deviation of zero.
    slope : (m,) array
        Its derivatives in the parameters of the search: covariances, then the core's
        coefficients. NaN where there are none.
    """

    parameter: Parameter
    value: float
    slope: Array

    def error(self, covariance: Array) -> float:
        """Standard error by the delta method, given the covariance (m, m) of the search's."""
        used = self.slope != 0
        if np.isnan(self.value) or not used.any():
            return float("nan")
        own = self.slope[used]
        variance = float(own @ covariance[np.ix_(used, used)] @ own)
        return float(np.sqrt(variance)) if variance >= 0 else float("nan")


def by_likelihood(fit: GlmmFit, what: str) -> GeneralizedSolution:
    """Return the solution of a fit whose objective is a likelihood of all parameters.

    Raises
    ------
    NotAvailableError
        By penalised quasi-likelihood, by ``method="joint"`` and with ``reml=True``.
    """
    solution = fit.solution
    if isinstance(solution, GeneralizedSolution) and not solution.objective.inner:
        return solution
    why = "reml=True" if fit.reml else f"method={fit.approximation.method!r}"
    raise NotAvailableError(
        f"{what} need the likelihood of all parameters, and with {why} the mean's coefficients "
        "aren't among those it is maximised over. Fit the model with method='laplace' and "
        "reml=False."
    )


def estimated(fit: GlmmFit, solution: GeneralizedSolution) -> tuple[Estimated, ...]:
    """List the parameters in the order of ``tidy()``."""
    return (*_fixed(fit, solution), *_random(fit, solution))


def _fixed(fit: GlmmFit, solution: GeneralizedSolution) -> Iterator[Estimated]:
    m = solution.problem.n_psi
    size, start = m + len(solution.estimate.mapped), m
    for group, part in enumerate(solution.names):
        back = solution.problem.matrix(group)
        kept = list(solution.problem.kept(group))
        names = fit.fixef_of(part).names
        for column, (name, value) in enumerate(zip(names, solution.beta[part], strict=True)):
            slope = np.zeros(size)
            if column in kept:
                slope[start : start + back.shape[1]] = back[kept.index(column)]
            parameter = Parameter("fixed", name, "", column, component=part)
            yield Estimated(parameter, float(value), slope)
        start += back.shape[1]


def _random(fit: GlmmFit, solution: GeneralizedSolution) -> Iterator[Estimated]:
    size = solution.problem.n_psi + len(solution.estimate.mapped)
    for part, design in fit.designs.items():
        for i, effects in enumerate(design.random):
            factor = solution.factor(part, i)
            cov = factor @ factor.T
            slopes = _covariance_slopes(solution, term_of(solution.layout, part, i), size)
            for parameter in term_parameters(i, effects):
                own = dataclasses.replace(parameter, component=part)
                yield Estimated(own, *parameter_slopes(parameter, cov, slopes))


def _covariance_slopes(solution: GeneralizedSolution, term: CoreTerm, size: int) -> Array:
    """Derivatives of a term's covariance matrix in the parameters of the search, (size, k, k)."""
    out = np.zeros((size, term.k, term.k))
    turn = solution.problem.term_matrix(term.position)
    last = term.first + covariance_size(term.code, term.k)
    changes = covariance_directions(term.code, term.k, vector(solution.psi[term.first : last]))
    for a, change in enumerate(changes):
        out[term.first + a] = turn @ change @ turn.T
    return out
