"""A fitted generalized linear mixed model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.families import Link, Response, link_of_means
from partialpool.generalized import drop, expectation, parts, tables
from partialpool.generalized import explained as shares
from partialpool.generalized import fitted as rows
from partialpool.generalized import inference as beyond
from partialpool.generalized import predict as prediction
from partialpool.generalized import refit as refitting
from partialpool.generalized import simulate as simulation
from partialpool.generalized.approximation import EXACT, Approximation
from partialpool.generalized.certificate import certify
from partialpool.generalized.estimated import EstimatedModel
from partialpool.generalized.state import SolutionState, restore, state_of
from partialpool.generalized.summary import summarize
from partialpool.inference.seeds import Seed
from partialpool.results import Certificate

__all__ = ["GlmmFit"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class GlmmFit(EstimatedModel):
    """A fitted generalized linear mixed model, or one without random terms.

    Made by :func:`partialpool.glmm`; nothing in it changes.

    Examples
    --------
    >>> import partialpool as pp
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pp.glmm(formula, pp.load_dataset("cbpp"), family="binomial")
    >>> fit.varcorr
    herd  Intercept  sd 0.64226
    >>> round(float(np.exp(fit.fixef["period[T.4]"])), 2)  # an odds ratio
    0.21
    """

    # --- the likelihood -----------------------------------------------------------------------

    @property
    def reml(self) -> bool:
        """Whether the mean's fixed effects were integrated out."""
        return self.approximation.reml

    @property
    def criterion(self) -> str:
        """Which approximation of the likelihood was maximised."""
        return self.approximation.words if self._mixed else EXACT

    @property
    def loglik(self) -> float:
        """Log-likelihood, all constants included; NaN by penalised quasi-likelihood.

        With ``penalty=`` the prior's exponent, -sum(beta^2) / (2 penalty^2), is part of it; with
        ``reml=True`` the fixed effects are integrated out.
        """
        return self.solution.loglik

    @property
    def objective(self) -> float:
        """Minus twice the log-likelihood."""
        return -2.0 * self.loglik

    @property
    def df(self) -> int:
        """Number of estimated parameters: coefficients of all parts, covariance parameters."""
        return self.solution.df

    @property
    def df_residual(self) -> int:
        """Rows less estimated parameters."""
        return self.nobs - self.df

    @property
    def nobs(self) -> int:
        """Rows that count: with weight and, where there are trials, with trials."""
        return int(np.count_nonzero(self.response.counted))

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.objective + 2.0 * self.df

    @property
    def bic(self) -> float:
        """Schwarz's criterion, with the logarithm of ``nobs``."""
        return float(self.objective + np.log(self.nobs) * self.df)

    @property
    def certificate(self) -> Certificate:
        """Evidence that this is the optimum, and what kind it is."""
        return certify(self)

    @property
    def converged(self) -> bool:
        """Whether the search for the optimum ended by its own rule, and at an optimum."""
        return self.certificate.converged

    @property
    def coefficients(self) -> Any:
        """See :func:`partialpool.generalized.tables.coefficients`."""
        return tables.coefficients(self)

    @property
    def singular(self) -> bool:
        """Whether some covariance matrix has lost a dimension."""
        return self.certificate.singular

    @property
    def evaluations(self) -> int:
        """Evaluations of the objective."""
        return self.solution.evaluations

    @property
    def aliased(self) -> dict[str, str]:
        """Columns of the mean left out because the others determine them."""
        return self.predictor().aliased

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Columns of the mean left out because no row identifies them."""
        return self.design.not_applicable

    # --- rows ---------------------------------------------------------------------------------

    @property
    def eta(self) -> dict[str, Vector]:
        """Fitted linear predictors of the rows (n,) by part; of an ordinal model, thresholds."""
        return parts.with_constants(self, {p: self.solution.eta[p] for p in self.designs})

    @property
    def linear_predictor(self) -> Vector:
        """The mean's linear predictor for every row (n,), random effects and offset included."""
        return self.eta["mean"]

    @property
    def fitted(self) -> Vector:
        """See :func:`partialpool.generalized.fitted.fitted_means`."""
        return rows.fitted_means(self)

    # --- what it shows ------------------------------------------------------------------------

    # Functions as methods: signatures and words are theirs.
    residuals = rows.residuals
    predict = prediction.predict
    simulate = simulation.simulate
    refit = refitting.refit
    summary = summarize
    tidy = tables.tidy
    glance = tables.glance
    augment = tables.augment
    drop_tests = drop.drop_tests

    def bootstrap(
        self,
        n: int = 1000,
        kind: Literal["parametric"] = "parametric",
        statistic: Callable[[GlmmFit], Any] | None = None,
        seed: Seed = None,
    ) -> inference.Bootstrap:
        """See :func:`partialpool.inference.bootstrap`."""
        return inference.bootstrap(self, n, kind=kind, statistic=statistic, seed=seed)

    # --- inference ----------------------------------------------------------------------------

    def by_ml(self) -> GlmmFit:
        """Return the fit itself: generalized models are compared as they were fitted.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
        ...               family="nbinom2")
        >>> fit.by_ml() is fit
        True
        """
        return self

    profile = beyond.profile
    cluster_robust = beyond.cluster_robust
    robust_vcov = beyond.robust_vcov
    robust_tests = beyond.robust_tests
    variance_parameters = beyond.variance_parameters
    variance_tests = beyond.variance_tests
    group_influence = beyond.group_influence

    @property
    def conditional_aic(self) -> inference.ConditionalAic:
        """See :func:`partialpool.generalized.inference.conditional_aic`."""
        return beyond.conditional_aic(self)

    confint = inference.confint
    anova = inference.anova
    test = inference.linear_test
    means = inference.marginal_means
    slopes = inference.marginal_slopes
    effects = inference.conditional_effects
    response_mean = expectation.response_mean
    expectation = expectation.expectation

    def link_of_means(self, scale: inference.Scale, contrasts: bool) -> Link:
        """See :func:`partialpool.families.links.link_of_means`."""
        return link_of_means(self.family, scale, contrasts)

    @property
    def explained_variance(self) -> inference.ExplainedVariance:
        """See :meth:`explain_variance`, with the residual variance that is usual."""
        return shares.explained_variance(self)

    explain_variance = shares.explained_variance

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
        >>> fit = pp.glmm("TICKS ~ YEAR + (1 | BROOD)", pp.load_dataset("grouseticks"),
        ...               family="poisson")
        >>> fit.quantile_residuals(seed=1).dispersion.p_value > 0.05
        True
        """
        response, draws = self.response, self.simulate(nsim, seed)
        return inference.quantile_residuals(response.values, draws, seed, response.counted)

    def principal_effects(self) -> tuple[inference.PrincipalEffects, ...]:
        """See :func:`partialpool.inference.principal_effects`."""
        return inference.principal_effects(self.predictor())

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
            If the file can't be written, or the family is the user's own.

        Examples
        --------
        >>> import os, tempfile
        >>> import partialpool as pp
        >>> fit = pp.glmm("TICKS ~ HEIGHT + (1 | LOCATION)", pp.load_dataset("grouseticks"),
        ...               family="poisson")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = os.path.join(folder, "ticks.model")
        ...     fit.save(path)
        ...     pp.load(path).family
        Poisson(link='log')
        """
        from partialpool.generalized.storage import save  # storage builds fits: it imports this

        save(self, path)

    def __reduce__(self) -> tuple[Any, ...]:
        # The core's handle stays behind: copies and other processes evaluate once to have one.
        state = state_of(self.solution)
        return _restored, (dict(self.designs), self.response, self.approximation, state)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    @property
    def _mixed(self) -> bool:
        return any(design.random for design in self.designs.values())


def _restored(
    designs: Mapping[str, Design], response: Response, asked: Approximation, state: SolutionState
) -> GlmmFit:
    return GlmmFit(designs, response, asked, restore(designs, response, asked, state))
