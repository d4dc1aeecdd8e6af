"""Predictions of a generalized model, on the scale that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.families import Ordinal, most_probable
from partialpool.frames import read_schema, row_index
from partialpool.generalized.estimates import RowEffects, part_slice
from partialpool.generalized.parts import with_constants
from partialpool.generalized.population import average_over
from partialpool.generalized.rows import NewTable, PredictorRows, predictor_rows
from partialpool.generalized.summary.limits import at_limit
from partialpool.inference.rows import NewLevels, RandomPart, frame_of_rows

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["PredictionType", "predict"]

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
# Links whose means are infinite at a linear predictor of zero, which normal effects reach.
_WITH_POLES = ("inverse", "inverse_squared")
# Half the digits: where differences of a function with rounding errors are most exact.
_STEP = 6e-6


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """A prediction's rows and scale."""

    fit: GlmmFit
    kind: PredictionType
    rows: Mapping[str, PredictorRows]
    eta: Predictors
    variances: Predictors

    def at(self, eta: Predictors) -> Vector:
        """Return the prediction, the random effects that aren't known averaged over."""
        return average_over(_scale(self.fit, self.kind), eta, self.variances)


def predict(
    fit: GlmmFit,
    new: Any = None,
    *,
    type: PredictionType = "response",  # noqa: A002 - as in R
    random: RandomPart = "all",
    new_levels: NewLevels = "error",
    bias_correct: bool = False,
    se: bool = False,
    inapplicable: Literal["error", "ignore"] = "error",
    offset: Any = None,
    applicable: Any = None,
) -> Any:
    """Predict every row, on the scale that is asked for.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    new
        Table with the columns that the model needs; None for the rows fitted.
    type
        ``"response"``: the mean, zero inflation included; of an ordinal response the
        probabilities. ``"link"`` (or ``"latent"``): the mean's linear predictor.
        ``"conditional"``: the mean without zero inflation. ``"zero_probability"``: that of an
        added zero. ``"dispersion"``: on its natural scale. ``"probabilities"``, ``"class"``: of
        an ordinal response, a frame with a column for each category, or the most probable one.
        ``"population"``: short for ``"response"`` with ``random="none"`` and ``bias_correct``.
    random
        Random effects to use: ``"all"``, ``"none"``, or names of grouping factors or terms.
    new_levels
        What to do with a level that the fit hasn't seen: ``"error"``, or ``"population"`` to
        predict it by the fixed effects and the effects of its known levels.
    bias_correct
        Average over the random effects that aren't used, instead of setting them to zero: the
        mean of a new level's rows, not the mean of a level in the middle.
    se
        Add standard errors: by the joint covariance of fixed and random effects on the link
        scale, from there by the delta method. They carry what the covariance parameters leave
        uncertain, except by penalised quasi-likelihood and where random effects are averaged over.
    inapplicable
        What to do with a value where its covariate doesn't apply: ``"error"``, or
        ``"ignore"`` to disregard it.
    offset, applicable
        For new rows, in place of arrays given with the rows fitted.

    Returns
    -------
    (m,) array, or native frame with columns ``estimate`` and ``std_error``, or of probabilities
        In units of the response, or of the linear predictor for ``"link"``.
        NaN where a row lacks a value (None for a class), and, with a warning, where the rows
        fitted don't determine its fixed part, such as a combination of levels that they never
        had. Of families with trials the mean is the proportion.

    Raises
    ------
    DataError
        If the type is unknown, columns are missing or of another type, or a level is new.
    ModelError
        If the model has nothing of the type.
    NotAvailableError
        If standard errors of this type don't exist, or a mean over random effects doesn't, as
        with the inverse link.

    Examples
    --------
    >>> import partialpool as pp
    >>> cbpp = pp.load_dataset("cbpp")
    >>> formula = "cbind(incidence, size - incidence) ~ period + (1 | herd)"
    >>> fit = pp.glmm(formula, cbpp, family="binomial")
    >>> predict(fit, {"period": ["1", "2"], "herd": ["1", "1"]}).round(3)
    array([0.308, 0.142])
    >>> predict(fit, {"period": ["1"]}, type="population").round(3)
    array([0.216])

    References
    ----------
    Henderson (1975), Biometrics 31(2), 423-447: the joint covariance of the errors.
    """
    _check(fit, type, new_levels)
    scale: PredictionType = "response" if type == "population" else type
    if type == "population":
        random, bias_correct = "none", True
    table = None if new is None else NewTable(new, inapplicable, offset, applicable)
    averaged = bias_correct and scale not in ("link", "latent")
    parts = _parts(fit, scale)
    if not any(part in fit.designs for part in parts):
        parts = (*parts, "mean")  # which knows how many rows there are
    rows = predictor_rows(fit, parts, table, random, new_levels == "population", averaged)
    eta = with_constants(fit, {name: part.eta() for name, part in rows.items()})
    variances = {name: part.unknown_variance() for name, part in rows.items()} if averaged else {}
    if "mean" in parts and np.any(variances.get("mean", 0.0) > 0.0):
        _refuse_endless_mean(fit)
    asked = _Asked(fit, scale, rows, eta, variances)
    end = at_limit(fit, "dispersion") if scale == "dispersion" else None
    mean = asked.at(eta) if end is None else np.full(len(eta["dispersion"]), end)
    kind, index = (fit.kind, None) if new is None else (read_schema(new).kind, row_index(new))
    if mean.ndim == 2:
        if se:
            raise _no_errors("of several probabilities", "Use se=False, or type='link'.")
        if type == "class":
            return most_probable(mean, fit.response.levels or ())
        levels = fit.response.levels or ()
        return frame_of_rows({name: mean[:, j] for j, name in enumerate(levels)}, kind, index)
    if not se:
        return mean
    errors = _standard_errors(asked) if end is None else np.full(len(mean), np.nan)
    return frame_of_rows({"estimate": mean, "std_error": errors}, kind, index)


def _check(fit: GlmmFit, kind: PredictionType, new_levels: NewLevels) -> None:
    if new_levels not in ("error", "population"):
        raise DataError(f"new_levels must be 'error' or 'population', found {new_levels!r}.")
    kinds = get_args(PredictionType)
    if kind not in kinds:
        raise DataError(f"type must be one of {', '.join(map(repr, kinds))}, found {kind!r}.")
    wants = {"zero_probability": "zero_inflation", "dispersion": "dispersion"}.get(kind)
    wants = "thresholds" if kind in ("probabilities", "class") else wants
    if wants is not None and wants not in fit.parts:
        has = {"thresholds": "ordinal categories"}.get(wants, wants.replace("_", " "))
        raise ModelError(f"type={kind!r} needs a model with {has}, which this one hasn't.")


def _parts(fit: GlmmFit, kind: PredictionType) -> tuple[str, ...]:
    """Name the linear predictors that a type needs; the columns of others needn't be known."""
    if kind in ("zero_probability", "dispersion"):
        return ("zero_inflation",) if kind == "zero_probability" else ("dispersion",)
    if kind in ("link", "latent"):
        return ("mean",)
    return fit.family.mean_parts(fit.solution.zero if kind != "conditional" else "none")


def _scale(fit: GlmmFit, kind: PredictionType) -> Callable[[Predictors], Vector]:
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


def _standard_errors(asked: _Asked) -> Vector:
    slopes = _slopes(asked)
    moving = [part for part in slopes if part in asked.rows and asked.rows[part].terms]
    if not moving or asked.variances:
        return _fixed_errors(asked, slopes)
    # By the delta method the prediction moves as a sum of the linear predictors.
    n = next(iter(asked.rows.values())).rows.n
    rows = {part: _scaled(asked.rows.get(part), slope, n) for part, slope in slopes.items()}
    variance = asked.fit.solution.variance(rows)
    for part in moving:
        variance = variance + slopes[part] ** 2 * asked.rows[part].unknown_variance()
    return np.asarray(np.sqrt(variance))


def _scaled(rows: PredictorRows | None, slope: Vector, n: int) -> tuple[Vector, RowEffects]:
    """Columns and random effects of a part, each row times a number."""
    factor = slope[:, None]
    if rows is None:  # the same number in all rows
        return factor * np.ones((n, 1)), ()
    effects = tuple((codes, factor * basis) for codes, basis in rows.row_effects())
    return factor * rows.rows.X, effects


def _slopes(asked: _Asked) -> dict[str, Vector]:
    """Derivatives of the prediction in the linear predictors on which it depends."""
    slopes = {}
    for part, eta in asked.eta.items():
        above = asked.at({**asked.eta, part: eta + _STEP})
        below = asked.at({**asked.eta, part: eta - _STEP})
        if np.any(above != below):
            slopes[part] = (above - below) / (2.0 * _STEP)
    return slopes


def _fixed_errors(asked: _Asked, slopes: Mapping[str, Vector]) -> Vector:
    """Errors that come from the coefficients alone, of all parts."""
    solution = asked.fit.solution
    if asked.variances and any(
        np.any(new.codes >= 0) for r in asked.rows.values() for new in r.effects.values()
    ):
        raise _no_errors(
            "of a mean over some random effects, given others,",
            "Use se=False, type='link', or random='none'.",
        )
    # A coefficient left out has no error; one that the data leave open has no end to it.
    left_out = np.isnan(np.concatenate(list(solution.beta.values())))
    vcov = np.where(np.logical_or.outer(left_out, left_out), 0.0, solution.vcov)
    n = next(iter(asked.rows.values())).rows.n
    J = np.zeros((n, len(vcov)))
    for part, slope in slopes.items():
        X = asked.rows[part].rows.X if part in asked.rows else np.ones((n, 1))
        J[:, part_slice(solution, part)] = X * slope[:, None]
    return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", J, vcov, J)))


def _no_errors(what: str, cure: str) -> NotAvailableError:
    return NotAvailableError(f"there is no standard error {what} yet. {cure}")


def _refuse_endless_mean(fit: GlmmFit) -> None:
    """Refuse to average over normal effects a mean with a pole among its linear predictors."""
    link = fit.family.link.name
    if link not in _WITH_POLES:
        return
    raise NotAvailableError(
        f"with the {link} link the mean has no average over normal random effects: it runs to "
        "infinity where the linear predictor passes zero, and the integral diverges. Use "
        "random='none' without bias_correct, for a level in the middle, or a fit with the log link."
    )
