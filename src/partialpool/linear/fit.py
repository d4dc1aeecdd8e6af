"""A fitted linear mixed model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.linear import refits, tables
from partialpool.linear.certificate import Certificate, NullDirection
from partialpool.linear.estimates import LinearEstimates
from partialpool.linear.refits import LmmRefits
from partialpool.results import VarCorr, VarCorrTerm
from partialpool.solve import Likelihood, solve, solve_by

__all__ = ["Certificate", "LmmFit", "LmmRefits", "NullDirection", "VarCorr", "VarCorrTerm"]

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LmmFit(LinearEstimates):
    """A fitted linear mixed model, or a linear model where there are no random terms.

    Made by :func:`partialpool.lmm`; nothing in it changes.

    Attributes
    ----------
    design
        Rows, columns and random terms, and how to make them again for new data.
    solution
        The optimum.
    """

    @property
    def observed(self) -> Vector:
        """What the likelihood is of: response, number of trials and weight of every row (n, 3)."""
        ones = np.ones(len(self.design.y))
        weights = ones if self.design.weights is None else self.design.weights
        return np.column_stack([self.design.y, ones, weights])

    @property
    def fitted(self) -> Vector:
        """See :func:`partialpool.inference.fitted_values`."""
        return inference.fitted_values(self)

    # Functions of any fit, as methods: signatures and words are theirs.
    residuals = inference.residuals
    hatvalues = inference.hat_values
    simulate = inference.simulate
    refit = refits.refit
    bootstrap = inference.bootstrap
    profile = inference.profile
    drop_tests = inference.drop_tests
    augment = tables.augment
    variance_tests = inference.variance_tests
    robust_tests = inference.robust_tests
    row_influence = inference.row_influence
    group_influence = inference.group_influence

    def with_design(self, design: Design) -> LmmFit:
        """Fit the same model to a design of other rows; see :func:`partialpool.solve.solve`."""
        return LmmFit(design, solve(design, self.solution.likelihood))

    def power(
        self,
        hypothesis: str,
        effect: Mapping[str, float] | None = None,
        n: int = 1000,
        alpha: float = 0.05,
        ddf: inference.DDF | None = None,
        seed: int | None = None,
    ) -> inference.Power:
        """See :func:`partialpool.inference.power`."""
        return inference.power(self, self, hypothesis, effect, n, alpha=alpha, ddf=ddf, seed=seed)

    def by_ml(self) -> LmmFit:
        """Fit the same model to the same rows by maximum likelihood.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
        >>> round(fit.by_ml().objective, 4)
        1751.9393
        """
        if not self.reml:
            return self
        ml = Likelihood(False, self.solution.likelihood.sigma)
        return LmmFit(self.design, solve_by(self.design, self.solution, ml))

    def robust_vcov(self, cluster: Any = None, kind: inference.RobustKind = "CR2") -> Vector:
        """See :func:`partialpool.inference.cluster_robust`, of which this is the covariance."""
        return inference.cluster_robust(self, cluster, kind).vcov

    @property
    def explained_variance(self) -> inference.ExplainedVariance:
        """See :func:`partialpool.inference.explained_variance`."""
        return inference.explained_variance(self)

    @property
    def conditional_aic(self) -> inference.ConditionalAic:
        """See :func:`partialpool.inference.conditional_aic`."""
        return inference.conditional_aic(self)

    def quantile_residuals(
        self, nsim: int = 250, seed: int | None = None
    ) -> inference.QuantileResiduals:
        """Compare the response with ``nsim`` simulated ones.

        See :func:`partialpool.inference.quantile_residuals`.
        """
        weights = self.design.weights
        counted = None if weights is None else weights > 0
        draws = self.simulate(nsim, seed)
        return inference.quantile_residuals(self.design.y, draws, seed, counted)

    def save(self, path: str | PathLike[str]) -> None:
        """See :func:`partialpool.linear.storage.save`."""
        from partialpool.linear.storage import save  # storage builds fits, so it imports this

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        from partialpool.linear.storage import pack  # storage builds fits: it imports this

        return pack(self)
