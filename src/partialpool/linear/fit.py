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
from partialpool.linear.certificate import Certificate, NullDirection, certify
from partialpool.linear.refits import LmmRefits
from partialpool.linear.summary import summarize
from partialpool.named import NamedVector
from partialpool.results import (
    VarCorr,
    VarCorrTerm,
    describe_aliases,
    relative_parameters,
    variance_components,
)
from partialpool.solve import Likelihood, Solution, solve, solve_by

__all__ = ["Certificate", "LmmFit", "LmmRefits", "NullDirection", "VarCorr", "VarCorrTerm"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class LmmFit:
    """A fitted linear mixed model, or a linear model where there are no random terms.

    Made by :func:`partialpool.lmm`; nothing in it changes.

    Attributes
    ----------
    design
        Rows, columns and random terms, and how to make them again for new data.
    solution
        The optimum.
    """

    design: Design
    solution: Solution

    @property
    def reml(self) -> bool:
        """Whether the restricted likelihood was maximised; never without random terms."""
        return self.solution.likelihood.reml and bool(self.design.random)

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects; NaN for columns that the others determine."""
        return NamedVector(self.design.columns, self._spread(self.solution.beta))

    @property
    def stderr(self) -> NamedVector:
        """Standard errors of the fixed effects."""
        size = np.linalg.norm(self.solution.root, axis=1)
        return NamedVector(self.design.columns, self._spread(self.sigma * size))

    @property
    def vcov(self) -> Vector:
        """Covariance of the fixed effects (p, p); NaN for columns left out."""
        kept = self.solution.reduced.problem.kept
        p = len(self.design.columns)
        root = self.solution.root
        out = np.full((p, p), np.nan)
        with np.errstate(over="ignore"):
            out[np.ix_(kept, kept)] = self.sigma * (self.sigma * (root @ root.T))
        return out

    @property
    def effect_unit(self) -> str:
        """What effects are measured in: the response."""
        return self.design.formula.response

    @property
    def sigma(self) -> float:
        """Residual standard deviation, in units of the response."""
        return self.solution.sigma

    @property
    def sigma_fixed(self) -> bool:
        """Whether ``sigma`` was given and not estimated."""
        return self.solution.likelihood.sigma is not None

    @property
    def theta(self) -> Vector:
        """Relative covariance parameters, term by term, in lme4's order within a term."""
        return relative_parameters(self.design, self.solution)[1]

    @property
    def theta_names(self) -> tuple[str, ...]:
        """Names of ``theta``: ``"Subject.Intercept"``, ``"Subject.Intercept.Days"``."""
        return relative_parameters(self.design, self.solution)[0]

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations of the random effects."""
        return variance_components(self.design, self.solution, self.sigma)

    @property
    def criterion(self) -> str:
        """What was maximised: ``"REML"`` or the ``"exact likelihood"``."""
        return "REML" if self.reml else "exact likelihood"

    @property
    def description(self) -> str:
        """The model in one line."""
        return self.design.formula.text

    @property
    def discrete(self) -> bool:
        """Whether the response has probabilities and not densities."""
        return False

    @property
    def observed(self) -> Vector:
        """What the likelihood is of: response, number of trials and weight of every row (n, 3)."""
        ones = np.ones(len(self.design.y))
        weights = ones if self.design.weights is None else self.design.weights
        return np.column_stack([self.design.y, ones, weights])

    @property
    def objective(self) -> float:
        """Minus twice the log-likelihood; with REML, the REML criterion."""
        return self.solution.optimum.objective

    @property
    def loglik(self) -> float:
        """Log-likelihood, or restricted log-likelihood, all constants included."""
        return -0.5 * self.objective

    @property
    def df(self) -> int:
        """Number of estimated parameters: fixed effects, covariance parameters, sigma."""
        problem = self.solution.reduced.problem
        return len(problem.kept) + problem.n_params + (not self.sigma_fixed)

    @property
    def df_residual(self) -> int:
        """Rows less estimated parameters."""
        return self.nobs - self.df

    @property
    def nobs(self) -> int:
        """Rows with weight."""
        return self.solution.reduced.problem.n

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.objective + 2.0 * self.df

    @property
    def bic(self) -> float:
        """Schwarz's criterion, with the logarithm of ``nobs`` also for REML, as in lme4."""
        return float(self.objective + np.log(self.nobs) * self.df)

    @property
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor."""
        return {e.factor.name: len(e.factor.levels) for e in self.design.random}

    @property
    def certificate(self) -> Certificate:
        """Evidence that this is the optimum, and what kind it is."""
        return certify(self.design, self.solution)

    @property
    def converged(self) -> bool:
        """Whether the search for the optimum ended by its own rule."""
        return self.solution.optimum.converged

    @property
    def singular(self) -> bool:
        """Whether some covariance matrix has lost a dimension."""
        return self.certificate.singular

    @property
    def evaluations(self) -> int:
        """Evaluations of the objective."""
        return self.solution.optimum.evaluations

    @property
    def aliased(self) -> dict[str, str]:
        """Columns left out because the others determine them, and what they equal."""
        problem = self.solution.reduced.problem
        return describe_aliases(self.design, problem.kept, problem.aliased, problem.aliases)

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Fixed-effects columns left out because no row identifies them."""
        return self.design.not_applicable

    @property
    def fitted(self) -> Vector:
        """See :func:`partialpool.inference.fitted_values`."""
        return inference.fitted_values(self)

    # Functions of any fit, as methods: signatures and words are theirs.
    ranef = inference.random_effects
    coef = inference.coefficients
    residuals = inference.residuals
    hatvalues = inference.hat_values
    predict = inference.predict
    simulate = inference.simulate
    refit = refits.refit
    bootstrap = inference.bootstrap
    profile = inference.profile
    drop_tests = inference.drop_tests
    summary = summarize
    tidy = tables.tidy
    confint = inference.confint
    glance = tables.glance
    augment = tables.augment
    anova = inference.anova
    test = inference.linear_test
    variance_parameters = inference.variance_parameters
    variance_tests = inference.variance_tests
    robust_tests = inference.robust_tests
    row_influence = inference.row_influence
    group_influence = inference.group_influence
    means = inference.marginal_means
    slopes = inference.marginal_slopes
    principal_effects = inference.principal_effects

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

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def _spread(self, kept_values: Vector) -> Vector:
        """Numbers of the kept columns among all columns, NaN elsewhere."""
        out = np.full(len(self.design.columns), np.nan)
        out[self.solution.reduced.problem.kept] = kept_values
        return out
