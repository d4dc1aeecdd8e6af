"""What is predicted as a function of linear predictors, and its error by the delta method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import NotAvailableError
from partialpool.families import Ordinal
from partialpool.generalized.estimates import RowEffects, part_slice
from partialpool.generalized.population import average_over
from partialpool.generalized.rows import PredictorRows

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["Prediction", "PredictionType", "parts_for", "standard_errors"]

PredictionType = Literal[
    "response",
    "link",
    "latent",
    "conditional",
    "zero_probability",
    "dispersion",
    "probabilities",
    "class",
    "population",
]
Vector = NDArray[np.float64]
Predictors = Mapping[str, Vector]
# Half the digits: where differences of a function with rounding errors are most exact.
_STEP = 6e-6


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """A prediction's rows and scale.

    Attributes
    ----------
    fit
        The model.
    kind
        What is predicted.
    rows
        Of the linear predictors that have a formula.
    eta
        All linear predictors that matter.
    variances
        Of the random effects that are averaged over, by part.
    """

    fit: GlmmFit
    kind: PredictionType
    rows: Mapping[str, PredictorRows]
    eta: Predictors
    variances: Predictors

    def at(self, eta: Predictors) -> Vector:
        """Return the prediction, the random effects that aren't known averaged over."""
        return average_over(_function(self.fit, self.kind), eta, self.variances)


def parts_for(fit: GlmmFit, kind: PredictionType) -> tuple[str, ...]:
    """Name the linear predictors that a type needs; the columns of others needn't be known."""
    if kind in ("zero_probability", "dispersion"):
        return ("zero_inflation",) if kind == "zero_probability" else ("dispersion",)
    if kind in ("link", "latent"):
        return ("mean",)
    return fit.family.mean_parts(fit.solution.zero if kind != "conditional" else "none")


def _function(fit: GlmmFit, kind: PredictionType) -> Callable[[Predictors], Vector]:
    """Return the function of the linear predictors that a type asks for."""
    family, zero = fit.family, fit.solution.zero
    if kind in ("link", "latent"):
        return lambda eta: eta["mean"]
    if kind == "zero_probability":
        return lambda eta: 1.0 / (1.0 + np.exp(-eta["zero_inflation"]))
    if kind == "dispersion":
        return lambda eta: np.exp(eta["dispersion"])
    if isinstance(family, Ordinal):
        return family.probabilities
    return lambda eta: family.mean(eta, zero if kind != "conditional" else "none")


def standard_errors(asked: Prediction) -> Vector:
    """Return a prediction's standard errors by the delta method (m,); of categories (m, K)."""
    slopes = _slopes(asked)
    if not any(slope.ndim == 2 for slope in slopes.values()):
        return _errors(asked, slopes)
    K = next(iter(slopes.values())).shape[1]
    each = [_errors(asked, {part: slope[:, k] for part, slope in slopes.items()}) for k in range(K)]
    return np.column_stack(each)


def _errors(asked: Prediction, slopes: Predictors) -> Vector:
    moving = [part for part in slopes if part in asked.rows and asked.rows[part].terms]
    if not moving or asked.variances:
        return _fixed_errors(asked, slopes)
    # By the delta method the prediction moves as a sum of the linear predictors.
    rows = {part: _scaled(asked.rows.get(part), slope) for part, slope in slopes.items()}
    variance = asked.fit.solution.variance(rows)
    for part in moving:
        variance = variance + slopes[part] ** 2 * asked.rows[part].unknown_variance()
    return np.asarray(np.sqrt(variance))


def _scaled(rows: PredictorRows | None, slope: Vector) -> tuple[Vector, RowEffects]:
    """Columns and random effects of a part, each row times a number."""
    X = _scaled_columns(rows, slope)
    if rows is None:
        return X, ()
    effects = tuple((codes, slope[:, None] * basis) for codes, basis in rows.row_effects())
    return X, effects


def _scaled_columns(rows: PredictorRows | None, slope: Vector) -> Vector:
    if slope.ndim == 2:  # of each threshold
        return slope
    return slope[:, None] * (np.ones((len(slope), 1)) if rows is None else rows.rows.X)


def _slopes(asked: Prediction) -> dict[str, Vector]:
    """Derivatives of the prediction in the linear predictors on which it depends.

    (m,) each, of categories (m, K); in K - 1 thresholds (m, K, K - 1).
    """
    slopes = {}
    for part, eta in asked.eta.items():
        steps = np.eye(len(eta)) * _STEP if part == "thresholds" else [np.full(len(eta), _STEP)]
        each = [_slope(asked, part, step) for step in steps]
        if any(slope.any() for slope in each):
            slopes[part] = np.stack(each, axis=-1) if part == "thresholds" else each[0]
    return slopes


def _slope(asked: Prediction, part: str, step: Vector) -> Vector:
    above = asked.at({**asked.eta, part: asked.eta[part] + step})
    below = asked.at({**asked.eta, part: asked.eta[part] - step})
    return np.asarray((above - below) / (2.0 * _STEP))


def _fixed_errors(asked: Prediction, slopes: Predictors) -> Vector:
    """Errors that come from the coefficients alone, of all parts."""
    solution = asked.fit.solution
    if asked.variances and any(
        np.any(new.codes >= 0) for r in asked.rows.values() for new in r.effects.values()
    ):
        raise NotAvailableError(
            "there is no standard error of a mean over some random effects, given others, yet. "
            "Use se=False, type='link', or random='none'."
        )
    # A coefficient left out has no error; one that the data leave open has no end to it.
    left_out = np.isnan(np.concatenate(list(solution.beta.values())))
    vcov = np.where(np.logical_or.outer(left_out, left_out), 0.0, solution.vcov)
    n = next(iter(asked.rows.values())).rows.n
    J = np.zeros((n, len(vcov)))
    for part, slope in slopes.items():
        J[:, part_slice(solution, part)] = _scaled_columns(asked.rows.get(part), slope)
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", J, vcov, J)))
