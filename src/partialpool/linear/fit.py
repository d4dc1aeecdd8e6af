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
from partialpool.docstrings import explained
from partialpool.inference.seeds import Seed
from partialpool.linear import refits, tables
from partialpool.linear.certificate import Certificate, NullDirection
from partialpool.linear.estimates import LinearEstimates
from partialpool.linear.refits import LmmRefits
from partialpool.results import VarCorr, VarCorrTerm
from partialpool.solve import solve

__all__ = ["Certificate", "LmmFit", "LmmRefits", "NullDirection", "VarCorr", "VarCorrTerm"]

Vector = NDArray[np.float64]


@explained
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
        design = self.design
        return np.column_stack([design.y, np.ones(len(design.y)), design.row_weights])

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
    cluster_robust = inference.cluster_robust
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
        seed: Seed = None,
    ) -> inference.Power:
        """See :func:`partialpool.inference.power`."""
        return inference.power(self, self, hypothesis, effect, n, alpha=alpha, ddf=ddf, seed=seed)

    def robust_vcov(self, cluster: Any = None, kind: inference.RobustKind = "CR2") -> Vector:
        """Covariance of the fixed effects that allows for any correlation within clusters.

        Parameters
        ----------
        cluster
            Column or labels of the clusters, by default the coarsest grouping factor.
        kind
            ``"CR0"``, ``"CR1"`` or ``"CR2"``: see :func:`partialpool.inference.cluster_robust`,
            and :meth:`robust_tests` for tests by it.

        Returns
        -------
        (p, p) array

        Raises
        ------
        DataError
            If the cluster is unknown or lacks labels.
        ModelError
            If random effects reach over several clusters.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
        >>> np.sqrt(np.diag(fit.robust_vcov())).round(3)
        array([6.825, 1.546])
        """
        return inference.cluster_robust(self, cluster, kind).vcov

    @property
    def explained_variance(self) -> inference.ExplainedVariance:
        """See :func:`partialpool.inference.explained_variance`."""
        return inference.explained_variance(self)

    @property
    def conditional_aic(self) -> inference.ConditionalAic:
        """See :func:`partialpool.inference.conditional_aic`."""
        return inference.conditional_aic(self)

    def quantile_residuals(self, nsim: int = 250, seed: Seed = None) -> inference.QuantileResiduals:
        """Compare the response with simulated ones.

        Parameters
        ----------
        nsim
            Simulated responses, with new random effects.
        seed
            Of the simulation, and of the places among ties.

        Returns
        -------
        QuantileResiduals
            ``values`` (n,) are uniform for a right model; with tests of uniformity, dispersion
            and outliers, as R's DHARMa. See :func:`partialpool.inference.quantile_residuals`.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
        >>> fit.quantile_residuals(seed=1).dispersion.p_value > 0.05
        True
        """
        weights = self.design.weights
        counted = None if weights is None else weights > 0
        draws = self.simulate(nsim, seed)
        return inference.quantile_residuals(self.design.y, draws, seed, counted)

    def save(self, path: str | PathLike[str]) -> None:
        """Write a fit to one file.

        The file holds the rows used, so that a loaded fit can do all that the fit can; whoever
        gets the file gets these columns of the data.

        Parameters
        ----------
        path
            File to write; one that exists is replaced in one step.

        Raises
        ------
        SavedModelError
            If the file can't be written.

        Examples
        --------
        >>> import os, tempfile
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "sleep.model")
        ...     fit.save(path)
        ...     pp.load(path).fixef
        Intercept  251.405
        Days        10.4673
        """
        from partialpool.linear.storage import save  # storage builds fits, so it imports this

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        from partialpool.linear.storage import pack  # storage builds fits: it imports this

        return pack(self)
