"""What was estimated: a generalized model's predictors, coefficients and random effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool import inference
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.families import Family, Response, ResponseFamily
from partialpool.families.scales import unit_of
from partialpool.frames import FrameKind
from partialpool.generalized import parts
from partialpool.generalized.approximation import Approximation
from partialpool.generalized.estimates import LinearPredictor, Solved
from partialpool.named import NamedVector
from partialpool.results import VarCorr

__all__ = ["EstimatedModel"]

Vector = NDArray[np.float64]
_CONTINUOUS = ("gaussian", "student_t", "gamma", "inverse_gaussian", "tweedie", "beta")
Part = Literal["mean", "dispersion", "shape", "zero_inflation", "thresholds"]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class EstimatedModel:
    """A generalized linear mixed model with estimates.

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
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor of any part."""
        random = [effects for design in self.designs.values() for effects in design.random]
        return {effects.factor.name: len(effects.factor.levels) for effects in random}

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
