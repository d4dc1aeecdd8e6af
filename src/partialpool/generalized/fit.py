"""A fitted generalized linear mixed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.errors import ModelError, NotAvailableError, did_you_mean
from partialpool.families import Family, Response, ResponseFamily
from partialpool.frames import FrameKind
from partialpool.generalized import predict, simulate, tables
from partialpool.generalized.approximation import EXACT, Approximation
from partialpool.generalized.certificate import certify
from partialpool.generalized.drop import drop_tests
from partialpool.generalized.estimates import LinearPredictor, Solved, part_slice
from partialpool.generalized.explained import explained_variance
from partialpool.generalized.fitted import Residual, fitted_means, residuals
from partialpool.generalized.marginal import marginal_link
from partialpool.generalized.refit import refit
from partialpool.generalized.scales import Scale, dispersion_scale, shape_scale, unit_of
from partialpool.generalized.summary import GlmmSummary, summarize
from partialpool.named import NamedVector
from partialpool.results import Certificate, VarCorr, relative_parameters, variance_components

__all__ = ["GlmmFit"]

Vector = NDArray[np.float64]
_CONTINUOUS = ("gaussian", "student_t", "gamma", "inverse_gaussian", "tweedie", "beta")
Part = Literal["mean", "dispersion", "shape", "zero_inflation", "thresholds"]


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
        """Return one linear predictor: its design, coefficients and random effects.

        Raises
        ------
        ModelError
            If the model has no formula for the part.
        """
        if part not in self.designs:
            raise ModelError(
                f"the model has no formula for {part!r}, but for {', '.join(self.designs)}."
                f"{did_you_mean(str(part), self.designs)}"
            )
        return LinearPredictor(part, self.designs[part], self.solution)

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
        """Covariance of the mean's fixed effects (p, p), on the link scale.

        From the second derivatives in all parameters, those of covariances and dispersion
        included: differences of the exact gradient. With ``method="joint"`` or ``"pql"`` and
        with ``reml=True`` it is that given the other parameters. NaN for columns left out.
        """
        return self.predictor().vcov

    def fixef_of(self, part: Part | str) -> NamedVector:
        """Coefficients of any part, on the scale of its linear predictor.

        Parameters
        ----------
        part
            ``"mean"``, ``"dispersion"`` (log), ``"shape"``, ``"zero_inflation"`` (logit) or
            ``"thresholds"``.

        Raises
        ------
        ModelError
            If the model has no such part.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
        ...               family="nbinom2")
        >>> phi = np.exp(fit.fixef_of("dispersion")["Intercept"])
        >>> bool(np.isclose(phi, fit.dispersion["phi"]))
        True
        """
        return NamedVector(self._names(part), self.solution.beta[part])

    def stderr_of(self, part: Part | str) -> NamedVector:
        """Standard errors of any part's coefficients; see :meth:`fixef_of`."""
        names = self._names(part)
        return NamedVector(names, np.sqrt(np.diag(self.vcov_of(part))))

    def vcov_of(self, part: Part | str) -> Vector:
        """Covariance of any part's coefficients; see :meth:`fixef_of`."""
        self._names(part)
        cut = part_slice(self.solution, part)
        return self.solution.vcov[cut, cut]

    @property
    def coefficients(self) -> Any:
        """See :func:`partialpool.generalized.tables.coefficients`."""
        return tables.coefficients(self)

    @property
    def dispersion(self) -> NamedVector:
        """Dispersion on its natural scale, under its name in the variance; see ``family``.

        Empty if the family has none; NaN if ``dispersion=`` lets it vary from row to row.
        """
        varies = "dispersion" in self.designs
        return self._natural("dispersion", dispersion_scale(self.family.name), varies)

    @property
    def sigma(self) -> float:
        """Residual standard deviation of a Gaussian family.

        Raises
        ------
        NotAvailableError
            If the family has none.
        """
        if self.family.name != "gaussian":
            raise NotAvailableError(
                f"{self.family.name} has no residual standard deviation. Its dispersion is "
                "fit.dispersion."
            )
        return float(self.dispersion[0])

    @property
    def shape(self) -> NamedVector:
        """The Tweedie power or Student's degrees of freedom; empty for other families."""
        return self._natural("shape", shape_scale(self.family.name), False)

    @property
    def thresholds(self) -> NamedVector:
        """Thresholds between the categories of an ordinal response; empty for other families."""
        part = "thresholds"
        return self.fixef_of(part) if part in self.parts else NamedVector((), np.empty(0))

    # --- random effects -----------------------------------------------------------------------

    @property
    def theta(self) -> Vector:
        """Covariance parameters of all parts, term by term, in lme4's order within a term."""
        return np.concatenate([self._relative(p)[1] for p in self.predictors])

    @property
    def theta_names(self) -> tuple[str, ...]:
        """Names of ``theta``: ``"herd.Intercept"``, ``"zero_inflation:Nest.Intercept"``."""
        return tuple(
            name if p.name == "mean" else f"{p.name}:{name}"
            for p in self.predictors
            for name in self._relative(p)[0]
        )

    @property
    def varcorr(self) -> VarCorr:
        """Standard deviations and correlations of the mean's random effects, on the link scale."""
        return self.varcorr_of("mean")

    def varcorr_of(self, part: Part | str) -> VarCorr:
        """Standard deviations and correlations of a part's random effects."""
        predictor = self.predictor(part)
        own = self.family.name == "gaussian" and part == "mean" and "dispersion" not in self.designs
        sigma = self.sigma if own else None
        return variance_components(predictor.design, predictor.solution, sigma)

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
        """Whether the search for the optimum ended by its own rule."""
        return self.solution.converged

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
        return self.complete({part: self.solution.eta[part] for part in self.designs})

    @property
    def linear_predictor(self) -> Vector:
        """The mean's linear predictor for every row (n,), random effects and offset included."""
        return self.eta["mean"]

    @property
    def fitted(self) -> Vector:
        """See :func:`partialpool.generalized.fitted.fitted_means`."""
        return fitted_means(self)

    def residuals(self, kind: Residual = "pearson") -> Vector:
        """See :func:`partialpool.generalized.fitted.residuals`."""
        return residuals(self, kind)

    def predict(
        self,
        new: Any = None,
        type: predict.PredictionType = "response",  # noqa: A002 - as in R
        random: Literal["all", "none"] | Sequence[str] = "all",
        new_levels: Literal["error", "population"] = "error",
        bias_correct: bool = False,
        se: bool = False,
        inapplicable: Literal["error", "ignore"] = "error",
        offset: Any = None,
        applicable: Any = None,
    ) -> Any:
        """See :func:`partialpool.generalized.predict.predict`."""
        return predict.predict(
            self,
            new,
            type=type,
            random=random,
            new_levels=new_levels,
            bias_correct=bias_correct,
            se=se,
            inapplicable=inapplicable,
            offset=offset,
            applicable=applicable,
        )

    def simulate(self, nsim: int = 1, seed: int | None = None, conditional: bool = False) -> Vector:
        """See :func:`partialpool.generalized.simulate.simulate`."""
        return simulate.simulate(self, nsim, seed, conditional=conditional)

    def refit(self, y: ArrayLike) -> GlmmFit:
        """See :func:`partialpool.generalized.refit.refit`."""
        return refit(self, y)

    # --- what it shows ------------------------------------------------------------------------

    def summary(self) -> GlmmSummary:
        """See :func:`partialpool.generalized.summary.summarize`."""
        return summarize(self)

    def tidy(self, conf_int: bool = False, level: float = 0.95) -> Any:
        """See :func:`partialpool.generalized.tables.tidy`."""
        return tables.tidy(self, conf_int, level)

    def glance(self) -> Any:
        """See :func:`partialpool.generalized.tables.glance`."""
        return tables.glance(self)

    def augment(self) -> Any:
        """See :func:`partialpool.generalized.tables.augment`."""
        return tables.augment(self)

    # --- inference ----------------------------------------------------------------------------

    def by_ml(self) -> GlmmFit:
        """Return the fit itself: generalized models are compared as they were fitted."""
        return self

    def confint(self, level: float = 0.95, method: Literal["wald"] = "wald") -> Any:
        """See :func:`partialpool.inference.confint`."""
        return inference.confint(self.predictor(), level, method)

    def anova(self, type: inference.AnovaType = 3) -> Any:  # noqa: A002 - as in R
        """See :func:`partialpool.inference.anova`."""
        return inference.anova(self.predictor(), type)

    def drop_tests(self) -> Any:
        """See :func:`partialpool.generalized.drop.drop_tests`."""
        return drop_tests(self)

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
        """Compare the response with ``nsim`` simulated ones.

        See :func:`partialpool.inference.quantile_residuals`.
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
        """See :func:`partialpool.generalized.storage.save`."""
        from partialpool.generalized.storage import save  # storage builds fits: it imports this

        save(self, path)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def complete(self, eta: Mapping[str, Vector]) -> dict[str, Vector]:
        """Add to linear predictors on some rows those that have no formula, by part."""
        n = len(eta["mean"])
        return {
            part: eta[part]
            if part in eta
            else beta
            if part == "thresholds"
            else np.full(n, beta[0])
            for part, beta in self.solution.beta.items()
        }

    @property
    def _mixed(self) -> bool:
        return any(design.random for design in self.designs.values())

    def _names(self, part: str) -> tuple[str, ...]:
        if part not in self.parts:
            raise ModelError(
                f"the model has no part {part!r}, but {', '.join(self.parts)}."
                f"{did_you_mean(str(part), self.parts)}"
            )
        if part in self.designs:
            return self.designs[part].columns
        if part == "thresholds":
            levels = self.response.levels or ()
            return tuple(f"{a}|{b}" for a, b in pairwise(levels))
        return ("Intercept",)

    def _natural(self, part: str, scale: Scale, varies: bool) -> NamedVector:
        if part not in self.parts:
            return NamedVector((), np.empty(0))
        eta = np.nan if varies else float(self.solution.beta[part][0])
        return NamedVector((scale.symbol,), np.array([scale.value(eta)]))

    def _relative(self, predictor: LinearPredictor) -> tuple[tuple[str, ...], Vector]:
        return relative_parameters(predictor.design, predictor.solution)
