"""The optimum of the likelihood and what it says, in the user's units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.core import Optimum, codes, matrix
from partialpool.design import Design
from partialpool.errors import ModelError
from partialpool.formula.structures import ALONG
from partialpool.solve.problem import CoreBlock, Reduced, reduce

__all__ = ["Likelihood", "Solution", "solve", "solve_again", "solve_by", "solve_reduced"]

# Decrease of the objective that the last step may still promise.
TOLERANCE = 1e-9
MAX_EVALUATIONS = 200
# A residual variance this small beside that of least squares is none.
NO_RESIDUAL = 1e-11


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Which likelihood is maximised.

    Attributes
    ----------
    reml
        Restricted (residual) maximum likelihood, or maximum likelihood.
    sigma
        Known residual standard deviation in units of the response; None if estimated.
    """

    reml: bool = True
    sigma: float | None = None

    @property
    def fixed(self) -> float:
        """The known residual standard deviation as the core wants it, 0 for none."""
        return 0.0 if self.sigma is None else self.sigma


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Estimates of one model, computed from the core's optimum when they are asked for.

    Attributes
    ----------
    reduced
        Cross-products and the core's handle.
    optimum
        Where the search ended.
    likelihood
        What was maximised.
    """

    reduced: Reduced
    optimum: Optimum
    likelihood: Likelihood

    @property
    def beta(self) -> NDArray[np.float64]:
        """Fixed effects of the kept columns."""
        return self.reduced.problem.beta(self.optimum)

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        if self.likelihood.sigma is not None:
            return self.likelihood.sigma
        # Least squares divides by n - p though its likelihood is the ordinary one, as in R's lm.
        unbiased = self.likelihood.reml or not self.reduced.blocks
        return self.reduced.problem.sigma(self.optimum, unbiased)

    @property
    def root(self) -> NDArray[np.float64]:
        """R with sigma^2 R R' the covariance of the kept fixed effects."""
        return self.reduced.problem.root(self.optimum)

    def factor(self, term: int) -> NDArray[np.float64]:
        """Relative factor Lambda (k, k) of one random term: Var(b) = sigma^2 Lambda Lambda'."""
        return self.reduced.problem.factor(self.optimum, self.reduced.core_term(term))

    def effects(self, design: Design) -> tuple[NDArray[np.float64], ...]:
        """Conditional means b (J, k) of every random term."""
        problem = self.reduced.problem
        blocks = [problem.effects(self.optimum, i) for i in range(len(self.reduced.blocks))]
        return self._by_term(design, blocks)

    def conditional(self, design: Design) -> tuple[NDArray[np.float64], ...]:
        """Conditional covariances over sigma^2 (J, k, k) of every random term.

        Given the fixed effects. Without sigma^2, which may overflow where sigma doesn't.
        """
        with self.reduced.algebra():
            blocks = self.reduced.problem.conditional(
                self.optimum.psi, self.likelihood.reml, self.likelihood.fixed
            )
        return self._by_term(design, blocks)

    def quadratic_forms(
        self, X: NDArray[np.float64], blocks: list[CoreBlock]
    ) -> NDArray[np.float64]:
        """Variance over sigma^2 of x'(beta^ - beta) + z'(b^ - b) for every row (m,).

        The rows' grouping factors stand as in ``reduced.blocks``, with code -1 where a level
        takes no part.
        """
        with self.reduced.algebra():
            return self.reduced.problem.quadratic_forms(
                matrix(X),
                [(codes(c), q, terms) for c, q, terms in blocks],
                self.optimum.psi,
                self.likelihood.reml,
                self.likelihood.fixed,
            )

    def _by_term(
        self, design: Design, blocks: list[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], ...]:
        """Cut the blocks' columns into the terms they are made of."""
        out: dict[int, NDArray[np.float64]] = {}
        for block, values in zip(self.reduced.blocks, blocks, strict=True):
            start = 0
            for term in block.terms:
                stop = start + len(design.random[term].columns)
                cut = slice(start, stop)
                out[term] = values[:, cut] if values.ndim == 2 else values[:, cut, cut]
                start = stop
        return tuple(out[i] for i in range(len(design.random)))


def solve(design: Design, likelihood: Likelihood) -> Solution:
    """Estimate a linear mixed model.

    Parameters
    ----------
    design
        Response, columns and random terms.
    likelihood
        REML or ML, and the residual standard deviation if it is known.

    Raises
    ------
    ModelError
        If the model can't be identified on these rows, or its residual variance is zero.

    Examples
    --------
    >>> import partialpool as pp
    >>> from partialpool.design import build
    >>> from partialpool.formula import parse
    >>> design = build(parse("Yield ~ 1 + (1 | Batch)"), pp.load_dataset("Dyestuff"))
    >>> round(solve(design, Likelihood(reml=False)).optimum.objective, 6)
    327.32706

    References
    ----------
    Bates et al. (2015), Journal of Statistical Software 67(1), equations 34 and 41.
    """
    return solve_reduced(design, reduce(design, likelihood.sigma), likelihood)


def solve_again(design: Design, last: Solution) -> Solution:
    """Estimate the model of a solution for another response, as :func:`solve` would.

    Parameters
    ----------
    design
        The design of ``last`` but for the response.
    last
        The solution for the first response.

    Raises
    ------
    ModelError
        If the residual variance is zero.
    """
    # Not from the last optimum: that saves one evaluation in six, but the numbers would then
    # differ in the sixth digit from those of a fresh fit.
    return solve_reduced(design, last.reduced.again(design), last.likelihood)


def solve_by(design: Design, last: Solution, likelihood: Likelihood) -> Solution:
    """Estimate the model of a solution by another likelihood, with the same known sigma.

    Raises
    ------
    ModelError
        If the residual variance is zero.
    """
    return solve_reduced(design, last.reduced, likelihood)


def solve_reduced(design: Design, reduced: Reduced, likelihood: Likelihood) -> Solution:
    """Estimate the model of a design whose rows are reduced already.

    Raises
    ------
    ModelError
        If the likelihood can't be evaluated, or the residual variance is zero.
    """
    with reduced.algebra():
        optimum = reduced.problem.optimise(
            likelihood.reml, likelihood.fixed, None, TOLERANCE, MAX_EVALUATIONS
        )
    if not optimum.ok:
        raise ModelError(
            "the likelihood can't be evaluated at any covariance that was tried. Look for values "
            f"of extreme size in {', '.join(map(repr, design.formula.columns))}."
        )
    if design.random and likelihood.sigma is None:
        _refuse_zero_residual(design, optimum, reduced.problem.n)
    return Solution(reduced, optimum, likelihood)


def _no_residual_left(design: Design, source: str) -> str:
    small = 2e-4 * float(np.std(design.y))
    return (
        f"the residual variance is estimated as zero: the effects of {source} explain all that "
        "differs between times. To fit them without a residual of their own, as SAS's REPEATED, "
        f"gls() or glmmTMB's dispformula=~0 do, give a small known one, such as sigma={small:.1g}; "
        "a structure with fewer variances or correlations may leave one too."
    )


def _refuse_zero_residual(design: Design, optimum: Optimum, n: int) -> None:
    # The core scales the response so that least squares leaves a residual variance of one.
    if optimum.penalised_residual < NO_RESIDUAL * n:
        for effects in design.random:
            if effects.term.structure in ALONG:
                raise ModelError(_no_residual_left(design, effects.term.source))
        groups = ", ".join(repr(effects.factor.name) for effects in design.random)
        raise ModelError(
            f"the residual variance is zero: the response {design.formula.response!r} is fitted "
            f"exactly by the levels of {groups}. A mixed model needs variation within groups; "
            "look for a column that is constant in every group."
        )
