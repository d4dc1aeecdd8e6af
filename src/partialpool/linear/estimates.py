"""What a linear mixed model says about its parameters; no rows are needed for any of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.linear import tables
from partialpool.linear.certificate import Certificate, certify
from partialpool.linear.summary import summarize
from partialpool.named import NamedVector
from partialpool.results import (
    VarCorr,
    describe_aliases,
    relative_parameters,
    variance_components,
)
from partialpool.solve import Likelihood, Solution, solve_by

__all__ = ["LinearEstimates"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinearEstimates:
    """The estimates of a linear mixed model.

    Attributes
    ----------
    design
        Columns and random terms, and how to make them again for new data.
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

    # Functions of any fit, as methods: signatures and words are theirs.
    ranef = inference.random_effects
    coef = inference.coefficients
    tidy = tables.tidy
    confint = inference.confint
    glance = tables.glance
    anova = inference.anova
    test = inference.linear_test
    variance_parameters = inference.variance_parameters
    means = inference.marginal_means
    slopes = inference.marginal_slopes
    effects = inference.conditional_effects
    principal_effects = inference.principal_effects
    predict = inference.predict
    summary = summarize

    def by_ml(self) -> Self:
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
        return replace(self, solution=solve_by(self.design, self.solution, ml))

    def link_of_means(self, scale: inference.Scale, contrasts: bool) -> inference.Link:
        """Return the identity: the mean is the linear predictor.

        Parameters
        ----------
        scale, contrasts
            As of :func:`partialpool.inference.marginal_means`; they make no difference.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
        >>> fit.link_of_means("response", contrasts=False).name
        'identity'
        """
        return inference.IDENTITY

    def response_mean(self) -> None:
        """Return None: means of the response need nothing but the linear predictor.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
        >>> fit.response_mean() is None
        True
        """

    def expectation(self, scale: inference.Scale) -> inference.LinearExpectation:
        """Return the expected response as a function of rows, random effects at zero.

        Parameters
        ----------
        scale
            As of :func:`partialpool.inference.conditional_effects`; it makes no difference.

        Examples
        --------
        >>> import partialpool as pp
        >>> fit = pp.lmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"))
        >>> from partialpool.inference.conditional import Band
        >>> fit.expectation("response").at({"Days": np.array([10])}, 0.0, Band()).estimate
        array([356.07796...])
        """
        inference.warn_unless_converged(self, "conditional effects")
        return inference.LinearExpectation(self)

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def _spread(self, kept_values: Vector) -> Vector:
        """Numbers of the kept columns among all columns, NaN elsewhere."""
        out = np.full(len(self.design.columns), np.nan)
        out[self.solution.reduced.problem.kept] = kept_values
        return out
