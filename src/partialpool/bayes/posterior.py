"""What a posterior says: parameters, moments and random effects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.control import Control, Engine
from partialpool.bayes.draws import Draws, NamedDraws, named_parameters
from partialpool.bayes.estimates import PosteriorEstimates
from partialpool.bayes.statement import Statement
from partialpool.design import Design
from partialpool.docstrings import explained
from partialpool.families import ResponseFamily
from partialpool.named import NamedVector
from partialpool.results import VarCorr, describe_aliases, variance_components

__all__ = ["Posterior"]

Vector = NDArray[np.float64]


@explained
@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Draws of a model, and what is computed from them.

    Attributes
    ----------
    statement
        Designs, response, family and priors.
    draws
        From the posterior.
    engine
        ``"marginal"``, ``"nuts"``, or ``"prior"`` for draws from the priors.
    control
        How they were made.
    """

    statement: Statement
    draws: Draws
    engine: Engine
    control: Control

    @property
    def designs(self) -> Mapping[str, Design]:
        """Linear predictors that have a formula, by name, the mean first."""
        return self.statement.designs

    @property
    def design(self) -> Design:
        """Rows, columns and random terms of the mean."""
        return self.statement.design

    @property
    def family(self) -> ResponseFamily:
        """Distribution of the response."""
        return self.statement.family

    @property
    def solution(self) -> PosteriorEstimates:
        """Posterior moments of the mean's random effects."""
        return PosteriorEstimates(self.draws.parts["mean"])

    @property
    def parameters(self) -> NamedDraws:
        """Draws (C, D) of every parameter but the random effects, by name."""
        return named_parameters(self.designs, self.draws)

    @property
    def fixef(self) -> NamedVector:
        """Posterior means of the mean's coefficients; NaN for columns that others determine."""
        return NamedVector(self.design.columns, self.draws.parts["mean"].fixef.mean(axis=(0, 1)))

    @property
    def thresholds(self) -> NamedVector:
        """Posterior means of an ordinal response's thresholds; empty for other families."""
        found = self.draws.thresholds
        return NamedVector(tuple(found), np.array([float(x.mean()) for x in found.values()]))

    @property
    def stderr(self) -> NamedVector:
        """Posterior standard deviations of the mean's coefficients."""
        spread = self.draws.parts["mean"].fixef.std(axis=(0, 1), ddof=1)
        return NamedVector(self.design.columns, spread)

    @property
    def vcov(self) -> Vector:
        """Posterior covariance of the mean's coefficients (p, p)."""
        beta = self.draws.parts["mean"].fixef
        return np.cov(beta.reshape(-1, beta.shape[-1]), rowvar=False).reshape((beta.shape[-1],) * 2)

    @property
    def sigma(self) -> float:
        """Posterior mean of the residual standard deviation; 1 where there is none."""
        values = self.draws.scales.get("sigma")
        return 1.0 if values is None else float(values.mean())

    @property
    def varcorr(self) -> VarCorr:
        """Posterior means of the random effects' standard deviations and correlations."""
        residual = self.sigma if "sigma" in self.draws.scales else None
        return variance_components(self.design, self.solution, residual)

    @property
    def effect_unit(self) -> str:
        """What effects are measured in: the response, or the scale of the link."""
        link = self.family.link.name
        return self.design.formula.response if link == "identity" else f"the {link} of the mean"

    @property
    def nobs(self) -> int:
        """Rows that count."""
        return int(self.statement.response.counted.sum())

    @property
    def ngroups(self) -> dict[str, int]:
        """Number of levels of every grouping factor."""
        return {
            e.factor.name: len(e.factor.levels) for d in self.designs.values() for e in d.random
        }

    @property
    def not_applicable(self) -> tuple[str, ...]:
        """Fixed-effects columns left out because no row identifies them."""
        return self.design.not_applicable

    @property
    def aliased(self) -> dict[str, str]:
        """Columns left out because others determine them, and what they equal."""
        out: dict[str, str] = {}
        for name, design in self.designs.items():
            kept = self.statement.kept[name]
            gone = [i for i in range(len(design.columns)) if i not in kept]
            if gone:
                size = np.abs(design.X[:, kept]).max(axis=0)
                shares = np.linalg.lstsq(design.X[:, kept] / size, design.X[:, gone])[0]
                found = describe_aliases(design, kept, gone, shares / size[:, None])
                prefix = "" if name == "mean" else f"{name}."
                out |= {f"{prefix}{column}": equal for column, equal in found.items()}
        return out
