"""Expected responses of a generalized model for rows, random effects at zero."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec, replay_parts
from partialpool.errors import NotAvailableError
from partialpool.families import LINKS, Link, Ordinal
from partialpool.generalized.delta import Prediction, PredictionType, parts_for, standard_errors
from partialpool.generalized.estimates import part_slice
from partialpool.generalized.parts import with_constants
from partialpool.generalized.rows import PredictorRows
from partialpool.inference import Scale, warn_unless_converged
from partialpool.inference.conditional.expectation import Band, Expected, offset_of
from partialpool.inference.determined import blank_undetermined
from partialpool.inference.means.estimates import ends_through
from partialpool.inference.means.grid import without_rules
from partialpool.inference.means.response import ResponseMean

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["GeneralizedExpectation", "expectation", "response_mean"]

Vector = NDArray[np.float64]
Table = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class GeneralizedExpectation:
    """Expected responses of a generalized linear mixed model, or its linear predictor.

    Attributes
    ----------
    fit
        The model.
    kind
        ``"response"`` or ``"link"``, as for its predictions.
    """

    fit: GlmmFit
    kind: PredictionType
    posterior: bool = False

    @property
    def specs(self) -> Mapping[str, DesignSpec]:
        """Of the linear predictors that the kind depends on."""
        wanted = parts_for(self.fit, self.kind)
        return {p.name: p.design.spec for p in self.fit.predictors if p.name in wanted}

    @property
    def categories(self) -> tuple[str, ...]:
        """Of an ordinal response, on its own scale."""
        ordered = isinstance(self.fit.family, Ordinal) and self.kind == "response"
        return self.fit.response.levels or () if ordered else ()

    def at(self, table: Table, offset: float, band: Band) -> Expected:
        """Compute it for rows."""
        if band.interval == "prediction":
            raise NotAvailableError(
                "there are no prediction intervals of a generalized model. A posterior has them: "
                "fit the model with bmm(), or use interval='confidence'."
            )
        rows = self._rows(table, offset)
        asked = self._asked(rows, self.kind)
        mean, error = asked.at(asked.eta), standard_errors(asked)
        z = NormalDist().inv_cdf(0.5 + 0.5 * band.level)
        if self.kind == "link":
            return Expected(mean, error, mean - z * error, mean + z * error)
        if self.categories:
            return _through(LINKS["logit"], mean, error, z)
        link, eta = self.fit.family.link, asked.eta["mean"]
        if len(asked.eta) == 1 and np.allclose(link.inverse(eta), mean, equal_nan=True):
            return _inverse(link, eta, standard_errors(self._asked(rows, "link")), z)
        return _through(link, mean, error, z)

    def _rows(self, table: Table, offset: float) -> dict[str, PredictorRows]:
        specs, n = self.specs, len(next(iter(table.values())))
        made = replay_parts(
            {name: without_rules(spec, table) for name, spec in specs.items()},
            dict(table),
            random=dict.fromkeys(specs, ()),
            offset=offset_of(specs["mean"], offset, n),
            inapplicable="ignore",
        )
        predictors = {name: self.fit.predictor(name) for name in specs}
        return {
            name: PredictorRows(p, replace(made[name], X=blank_undetermined(p, made[name].X)), ())
            for name, p in predictors.items()
        }

    def _asked(self, rows: Mapping[str, PredictorRows], kind: PredictionType) -> Prediction:
        eta = with_constants(self.fit, {name: part.eta() for name, part in rows.items()})
        wanted = parts_for(self.fit, kind)
        needed = {name: values for name, values in eta.items() if name in wanted}
        if "thresholds" in eta:
            needed["thresholds"] = eta["thresholds"]
        return Prediction(self.fit, kind, rows, needed, {})


def expectation(fit: GlmmFit, scale: Scale) -> GeneralizedExpectation:
    """Return the expected response as a function of rows, random effects at zero.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    scale
        ``"response"``: the mean, zero inflation included, or the probabilities of an ordinal
        response's categories; ``"link"``: the mean's linear predictor.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pp.glmm(formula, pp.load_dataset("cbpp"), family="binomial")
    >>> from partialpool.inference.conditional import Band
    >>> found = fit.expectation("response").at({"period": np.array(["1"])}, 0.0, Band())
    >>> found.estimate.round(3), found.low.round(3), found.high.round(3)
    (array([0.198]), array([0.135]), array([0.28]))
    """
    warn_unless_converged(fit, "conditional effects")
    return GeneralizedExpectation(fit, scale)


def _inverse(link: Link, eta: Vector, error: Vector, z: float) -> Expected:
    """Take an interval of the linear predictor through the inverse link."""
    ends = np.sort([link.inverse(eta - z * error), link.inverse(eta + z * error)], axis=0)
    slope = np.abs(np.asarray(link.slope(eta)))
    return Expected(np.asarray(link.inverse(eta)), slope * error, ends[0], ends[1])


def _through(link: Link, mean: Vector, error: Vector, z: float) -> Expected:
    return Expected(mean, error, *ends_through(link, mean, error, z))


def response_mean(fit: GlmmFit) -> ResponseMean | None:
    """Return how the response's mean follows from all linear predictors that move it.

    None where it is the inverse link of the mean's alone, and of ordinal models.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("TICKS ~ YEAR + (1 | LOCATION)", pp.load_dataset("grouseticks"),
    ...               family="poisson", zero_inflation="~ 1")
    >>> tuple(fit.response_mean().beta)
    ('mean', 'zero_inflation')
    """
    solution, family = fit.solution, fit.family
    if isinstance(family, Ordinal) or family.mean_is_parameter(solution.zero):
        return None
    wanted = family.mean_parts(solution.zero)
    beta = {part: solution.beta[part] for part in fit.parts if part in wanted}
    places = np.concatenate([np.r_[part_slice(solution, part)] for part in beta])
    # A coefficient left out is zero and has no error.
    left_out = np.isnan(np.concatenate(list(beta.values())))
    vcov = solution.vcov[np.ix_(places, places)]
    vcov = np.where(np.logical_or.outer(left_out, left_out), 0.0, vcov)
    beta = {part: np.nan_to_num(values) for part, values in beta.items()}
    predictors = {part: fit.predictor(part) for part in beta if part in fit.designs}
    return ResponseMean(
        predictors, beta, vcov, lambda eta: family.mean(eta, solution.zero), family.link
    )
