"""Predictions of a generalized model, on the scale that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from partialpool.errors import DataError, ModelError, NotAvailableError
from partialpool.families import category_columns, most_probable
from partialpool.frames import read_schema, row_index
from partialpool.generalized.delta import (
    Prediction,
    PredictionType,
    parts_for,
    standard_errors,
)
from partialpool.generalized.parts import with_constants
from partialpool.generalized.rows import NewTable, predictor_rows
from partialpool.generalized.summary.limits import at_limit
from partialpool.inference.rows import NewLevels, RandomPart, frame_of_rows

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["PredictionType", "predict"]

# Links whose means are infinite at a linear predictor of zero, which normal effects reach.
_WITH_POLES = ("inverse", "inverse_squared")


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
    (m,) array, or native frame with columns ``estimate`` and ``std_error``, or of probabilities,
    their errors behind the category's name
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
    _check(fit, type, new_levels, se)
    scale: PredictionType = "response" if type == "population" else type
    if type == "population":
        random, bias_correct = "none", True
    table = None if new is None else NewTable(new, inapplicable, offset, applicable)
    averaged = bias_correct and scale not in ("link", "latent")
    parts = parts_for(fit, scale)
    if not any(part in fit.designs for part in parts):
        parts = (*parts, "mean")  # which knows how many rows there are
    rows = predictor_rows(fit, parts, table, random, new_levels == "population", averaged)
    eta = with_constants(fit, {name: part.eta() for name, part in rows.items()})
    variances = {name: part.unknown_variance() for name, part in rows.items()} if averaged else {}
    if "mean" in parts and np.any(variances.get("mean", 0.0) > 0.0):
        _refuse_endless_mean(fit)
    asked = Prediction(fit, scale, rows, eta, variances)
    end = at_limit(fit, "dispersion") if scale == "dispersion" else None
    mean = asked.at(eta) if end is None else np.full(len(eta["dispersion"]), end)
    kind, index = (fit.kind, None) if new is None else (read_schema(new).kind, row_index(new))
    if mean.ndim == 2:
        levels = fit.response.levels or ()
        if type == "class":
            return most_probable(mean, levels)
        of_each = {"std_error": standard_errors(asked)} if se else {}
        return frame_of_rows(category_columns(levels, mean, of_each), kind, index)
    if not se:
        return mean
    errors = standard_errors(asked) if end is None else np.full(len(mean), np.nan)
    return frame_of_rows({"estimate": mean, "std_error": errors}, kind, index)


def _check(fit: GlmmFit, kind: PredictionType, new_levels: NewLevels, se: bool) -> None:
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
    if kind == "class" and se:
        raise DataError(
            "a most probable category has no standard error: ask for type='probabilities'."
        )


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
