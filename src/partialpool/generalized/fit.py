"""A fitted generalized linear mixed model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.families import Family, Response, ResponseFamily
from partialpool.frames import FrameKind
from partialpool.generalized import drop, parts, tables
from partialpool.generalized import fitted as rows
from partialpool.generalized import predict as prediction
from partialpool.generalized import refit as refitting
from partialpool.generalized import simulate as simulation
from partialpool.generalized.approximation import EXACT, Approximation
from partialpool.generalized.certificate import certify
from partialpool.generalized.estimates import LinearPredictor, Solved
from partialpool.generalized.explained import explained_variance
from partialpool.generalized.marginal import marginal_link
from partialpool.generalized.scales import unit_of
from partialpool.generalized.state import SolutionState, restore, state_of
from partialpool.generalized.summary import summarize
from partialpool.named import NamedVector
from partialpool.results import Certificate, VarCorr

__all__ = ["GlmmFit"]

Vector = NDArray[np.float64]
_CONTINUOUS = ("gaussian", "student_t", "gamma", "inverse_gaussian", "tweedie", "beta")
Part = Literal["mean", "dispersion", "shape", "zero_inflation", "thresholds"]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class GlmmFit:
    """A fitted generalized linear mixed model, or one without random terms.

    Made by :func:`partialpool.glmm`; nothing in it changes.

    Attributes
    ----------
    designs
        Rows, columns and random terms of every linear predictor that has a formula.
    response
        As the family sees it: successes and trials, counts, categories.
    approximation
        What was maximised.
    solution
        The optimum.

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

    designs: Mapping[str, Design]
    response: Response
    approximation: Approximation
    solution: Solved

    @property
    def design(self) -> Design:
        """Rows, columns and random terms of the mean."""
        return self.designs["mean"]

    @property
    def kind(self) -> FrameKind:
        """The library that the data came in."""
        return self.design.spec.kind

    @property
    def family(self) -> ResponseFamily:
        """Distribution and link of the response."""
        return self.solution.family

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the linear predictors: ``"mean"``, then what the family has besides."""
        return tuple(self.solution.beta)

    @property
    def predictors(self) -> tuple[LinearPredictor, ...]:
        """The linear predictors that have a formula, the mean first."""
        return tuple(map(self.predictor, self.designs))

    def predictor(self, part: Part | str = "mean") -> LinearPredictor:
        """See :func:`partialpool.generalized.parts.predictor_of`."""
        return parts.predictor_of(self, part)

    @property
    def effect_unit(self) -> str:
        """What the mean's effects are measured in: ``"log odds"``, the response, ..."""
        return unit_of(self.family.link.name, self.design.formula.response)

    # --- coefficients -------------------------------------------------------------------------

    @property
    def fixef(self) -> NamedVector:
        """Fixed effects of the mean, on the scale of the link; NaN for columns left out."""
        return self.predictor().fixef

    @property
    def stderr(self) -> NamedVector:
        """Standard errors of the mean's fixed effects; see :attr:`vcov`."""
        return self.predictor().stderr

    @property
    def vcov(self) -> Vector:
        """Covariance of the mean's fixed effects (p, p); see :meth:`vcov_of`."""
        return self.vcov_of("mean")

    def fixef_of(self, part: Part | str) -> NamedVector:
        """See :func:`partialpool.generalized.parts.fixed_effects_of`."""
        return parts.fixed_effects_of(self, part)

    def stderr_of(self, part: Part | str) -> NamedVector:
        """See :func:`partialpool.generalized.parts.standard_errors_of`."""
        return parts.standard_errors_of(self, part)

    def vcov_of(self, part: Part | str) -> Vector:
        """See :func:`partialpool.generalized.parts.covariance_of`."""
        return parts.covariance_of(self, part)

    @property
    def coefficients(self) -> Any:
        """See :func:`partialpool.generalized.tables.coefficients`."""
        return tables.coefficients(self)

    @property
    def dispersion(self) -> NamedVector:
        """See :func:`partialpool.generalized.parts.constant_of`."""
        return parts.constant_of(self, "dispersion")

    @property
    def sigma(self) -> float:
        """See :func:`partialpool.generalized.parts.residual_deviation`."""
        return parts.residual_deviation(self)

    @property
    def shape(self) -> NamedVector:
        """The Tweedie power or Student's degrees of freedom; empty for other families."""
        return parts.constant_of(self, "shape")

    @property
    def thresholds(self) -> NamedVector:
        """Thresholds between the categories of an ordinal response; empty for other families."""
        part = "thresholds"
        return self.fixef_of(part) if part in self.parts else NamedVector((), np.empty(0))

    # --- random effects -----------------------------------------------------------------------

    @property
    def theta(self) -> Vector:
        """See :func:`partialpool.generalized.parts.covariance_parameters`."""
        return parts.covariance_parameters(self).values

    @property
    def theta_names(self) -> tuple[str, ...]:
        """Names of ``theta``: ``"herd.Intercept"``, ``"zero_inflation.Nest.Intercept"``."""
        return parts.covariance_parameters(self).names

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations of the mean's random effects, on the link scale."""
        return self.varcorr_of("mean")

    def varcorr_of(self, part: Part | str) -> VarCorr:
        """See :func:`partialpool.generalized.parts.components_of`."""
        return parts.components_of(self, part)

    def ranef(
        self, factor: str | None = None, cond_sd: bool = False, part: Part | str = "mean"
    ) -> Any:
        """See :func:`partialpool.inference.random_effects`; ``part`` chooses the predictor."""
        return inference.random_effects(self.predictor(part), factor, cond_sd=cond_sd)

    def coef(self, factor: str | None = None, part: Part | str = "mean") -> Any:
        """See :func:`partialpool.inference.coefficients`; ``part`` chooses the predictor."""
        return inference.coefficients(self.predictor(part), factor)

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
    def description(self) -> str:
        """The model in one line."""
        others = [f"{p.name} {p.design.formula.text}" for p in self.predictors[1:]]
        family = f"{self.family.name}, {self.family.link.name} link"
        return "; ".join([self.design.formula.text, *others, family])

    @property
    def discrete(self) -> bool:
        """Whether the response has probabilities and not densities."""
        if isinstance(self.family, Family):
            return self.family.support in ("counts", "trials")
        return self.family.name not in _CONTINUOUS

    @property
    def observed(self) -> Vector:
        """What the likelihood is of: response, number of trials and weight of every row (n, 3)."""
        response = self.response
        ones = np.ones(len(response.values))
        others = (ones if a is None else a for a in (response.trials, response.weights))
        return np.column_stack([response.values, *others])

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
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor of any part."""
        random = [effects for design in self.designs.values() for effects in design.random]
        return {effects.factor.name: len(effects.factor.levels) for effects in random}

    @property
    def certificate(self) -> Certificate:
        """Evidence that this is the optimum, and what kind it is."""
        return certify(self)

    @property
    def converged(self) -> bool:
        """Whether the search for the optimum ended by its own rule, and at an optimum."""
        return self.certificate.converged

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
        seed: int | None = None,
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

    def confint(
        self,
        level: float = 0.95,
        method: Literal["wald", "bootstrap"] = "wald",
        n: int = 1000,
        seed: int | None = None,
    ) -> Any:
        """See :func:`partialpool.inference.confint`."""
        if method == "bootstrap":
            return self.bootstrap(n, seed=seed).confint(level)
        return inference.confint(self.predictor(), level, method)

    def anova(self, type: inference.AnovaType = 3) -> Any:  # noqa: A002 - as in R
        """See :func:`partialpool.inference.anova`."""
        return inference.anova(self.predictor(), type)

    def test(self, hypothesis: Any, rhs: ArrayLike | None = None) -> inference.LinearTest:
        """See :func:`partialpool.inference.linear_test`."""
        return inference.linear_test(self.predictor(), hypothesis, rhs)

    @property
    def explained_variance(self) -> inference.ExplainedVariance:
        """See :func:`partialpool.generalized.explained.explained_variance`."""
        return explained_variance(self)

    def quantile_residuals(
        self, nsim: int = 250, seed: int | None = None
    ) -> inference.QuantileResiduals:
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

    def means(
        self,
        specs: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        *,
        contrasts: inference.ContrastKind | None = None,
        adjust: inference.Adjustment | None = None,
        at: Mapping[str, Any] | None = None,
        level: float = 0.95,
        scale: Literal["link", "response"] = "link",
        offset: float = 0.0,
    ) -> Any:
        """See :func:`partialpool.inference.marginal_means`."""
        return inference.marginal_means(
            self.predictor(),
            specs,
            by,
            contrasts=contrasts,
            adjust=adjust,
            at=at,
            level=level,
            scale=scale,
            link=marginal_link(self, scale, contrasts is not None),
            offset=offset,
        )

    def slopes(
        self,
        variable: str,
        by: str | Sequence[str] | None = None,
        *,
        contrasts: inference.ContrastKind | None = None,
        adjust: inference.Adjustment | None = None,
        at: Mapping[str, Any] | None = None,
        level: float = 0.95,
        scale: Literal["link", "response"] = "link",
        offset: float = 0.0,
    ) -> Any:
        """See :func:`partialpool.inference.marginal_slopes`."""
        return inference.marginal_slopes(
            self.predictor(),
            variable,
            by,
            contrasts=contrasts,
            adjust=adjust,
            at=at,
            level=level,
            scale=scale,
            link=marginal_link(self, scale, contrasts is not None),
            offset=offset,
        )

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
