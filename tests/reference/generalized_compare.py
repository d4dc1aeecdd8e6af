"""How far a generalized fit is from its reference: one number per kind of result.

Every function returns the largest difference on the scale that its name says, and None where the
reference doesn't hold the result, or means something else by it (the function says what).
:mod:`test_generalized_fits` judges them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import partialpool as pp
from tests.reference.cases import r_name, squeeze
from tests.reference.generalized_cases import GeneralizedCase as Case
from tests.reference.matching import (
    RandomPart,
    covariance_difference,
    effect_difference,
    factors_of,
    largest,
    summary_difference,
)

Array = NDArray[np.float64]

# R's keys of each part: coefficients, and random effects.
_FIXED = {"mean": "fixef", "zero_inflation": "fixef_zi", "dispersion": "fixef_disp"}
_SUFFIX = {"mean": "", "zero_inflation": "_zi"}
# glmmTMB 1.1.5 leaves effects on zero inflation in, where it is asked for none.
_NOT_WITHOUT_EFFECTS = {"tmb_owls_zinb1_re": ("zprob_re_form_NA", "response_re_form_NA")}


def criterion(case: Case, fit: pp.GlmmFit) -> float | None:
    """Ours minus the reference: negative where ours is the better optimum."""
    return None if case.criterion is None else fit.objective - case.criterion


def fixef(case: Case, fit: pp.GlmmFit) -> float:
    """Of all parts, relative to the coefficient or its standard error, whichever is larger."""
    found = []
    for part, key in _parts(case).items():
        theirs = _vector(case.reference[key]) * _unit(case, part)
        se = np.asarray(fit.stderr_of(part)) if part in fit.designs else 0.0
        scale = np.maximum(np.abs(theirs), np.nan_to_num(se))
        found.append(largest((np.asarray(fit.fixef_of(part)) - theirs) / scale))
    return max(found)


def stderr(case: Case, fit: pp.GlmmFit) -> float:
    """Of all parts, relative.

    Where glmmTMB fitted lme4's model too, its standard errors: their derivatives are exact up to
    the last one, lme4's are differences of the criterion.
    """
    found = []
    for part, key in _parts(case).items():
        theirs = case.reference.get(key + "_se")
        if part == "mean" and _checked(case):
            theirs = case.reference["laplace_check"]["fixef_se"]
        if theirs:
            ours = np.asarray(fit.stderr_of(part))
            found.append(largest(ours / (_vector(theirs) * _unit(case, part)) - 1))
    return max(found)


def vcov(case: Case, fit: pp.GlmmFit) -> float:
    """Of the mean's coefficients, relative to the product of the two standard errors."""
    theirs = np.array(case.reference["vcov"]["matrix"])
    se = np.sqrt(np.diag(theirs))
    return largest((fit.vcov - theirs) / np.outer(se, se))


def scale(case: Case, fit: pp.GlmmFit) -> float | None:
    """Relative difference of the dispersion, and of Tweedie's power."""
    theirs = case.reference
    found = []
    if theirs.get("sigma") and len(fit.dispersion) and case.engine != "lme4":
        sigma = theirs["sigma"]
        # R's Gamma has the standard deviation over the mean, ours the shape.
        theirs_of_ours = sigma**-2 if fit.family.name == "gamma" else sigma
        found.append(fit.dispersion[0] / theirs_of_ours - 1)
    if theirs.get("family_params"):
        found.append(fit.shape[0] / theirs["family_params"]["Tweedie power"] - 1)
    return largest(found) if found else None


def covariances(case: Case, fit: pp.GlmmFit) -> float:
    """Variances relative, covariances relative to the product of the standard deviations."""
    return max(
        covariance_difference(_random(fit, part), case.reference, "VarCorr" + suffix)
        for part, suffix in _suffixes(case).items()
    )


def ranef(case: Case, fit: pp.GlmmFit) -> float:
    """Relative to the standard deviation of the effect."""
    found = [
        effect_difference(_random(fit, part), case.reference, suffix=suffix)
        for part, suffix in _suffixes(case).items()
    ]
    return max(value for value in found if value is not None)


def cond_sd(case: Case, fit: pp.GlmmFit) -> float | None:
    """As :func:`ranef`; lme4 only, since glmmTMB's also holds the uncertainty of the rest."""
    if case.engine != "lme4":
        return None
    return effect_difference(_random(fit, "mean"), case.reference, kind="cond_sd")


def fitted(case: Case, fit: pp.GlmmFit) -> float:
    """Means and linear predictors, relative to the standard deviations of R's own."""
    theirs, found = case.reference, []
    if case.quasi:  # glmmPQL's fitted values are on the scale of the link
        return _summary(fit.linear_predictor, theirs["fitted"])
    found.append(_summary(fit.fitted, theirs["fitted"]))
    if "linear_predictor" in theirs:
        found.append(_summary(fit.linear_predictor, theirs["linear_predictor"]))
    return max(found)


def residuals(case: Case, fit: pp.GlmmFit, kind: str) -> float | None:
    """One kind, relative to the standard deviation of R's own."""
    theirs = case.reference.get("residuals", {}).get(kind)
    if theirs is None:
        return None
    ours = fit.residuals(kind)
    if kind == "pearson" and case.engine == "glmmTMB":
        ours = ours * np.sqrt(_variance_over_glmmtmb_s(fit))
    return _summary(ours, theirs)


def predictions(case: Case, fit: pp.GlmmFit) -> float | None:
    """On all scales, with all random effects, with none and for new levels; relative to each
    scale's range over the rows fitted."""
    theirs = case.reference.get("predictions")
    if theirs is None:
        return None
    new = pd.DataFrame(theirs["newdata"])
    change = theirs["newdata_new_level"]
    unseen = new.assign(**{change["factor"]: change["levels"]})
    found = []
    for key, (kind, random) in _predicted(case).items():
        rows, levels = (unseen, "population") if key.startswith("new_level") else (new, "error")
        ours = fit.predict(rows, type=kind, random=random, new_levels=levels)
        fitted = fit.predict(type=kind)
        # Without a covariate the probability of a zero is the same in all rows.
        spread = np.ptp(fitted) if np.ptp(fitted) > 1e-9 else np.max(np.abs(fitted))
        found.append(largest((ours - np.array(theirs[key])) / spread))
    return max(found)


def prediction_errors(case: Case, fit: pp.GlmmFit) -> float | None:
    """Standard errors of predicted linear predictors, relative."""
    theirs = (case.reference.get("predictions") or {}).get("link_se_re_form_NULL")
    if theirs is None:
        return None
    ours = fit.predict(pd.DataFrame(case.reference["predictions"]["newdata"]), type="link", se=True)
    return largest(ours["std_error"].to_numpy() / np.array(theirs) - 1)


def design(case: Case, fit: pp.GlmmFit) -> float | None:
    """Column sums, sums of squares and first rows of X, relative to each column's size."""
    theirs = case.reference.get("X")
    if theirs is None:
        return None
    X = fit.design.X
    size = np.sqrt(np.sum(X**2, axis=0))
    return max(
        largest((X.sum(axis=0) - np.array(theirs["colsums"])) / size / np.sqrt(len(X))),
        largest(size**2 / np.array(theirs["colsumsq"]) - 1),
        largest((X[:4] - np.array(theirs["head"])) / size),
    )


def coefficient_names(case: Case, fit: pp.GlmmFit) -> dict[str, tuple[list[str], list[str]]]:
    """By part, the names of our coefficients as R writes them, and R's own."""
    return {
        part: (
            [r_name(name) for name in fit.fixef_of(part).names],
            [squeeze(name) for name in case.reference[key]],
        )
        for part, key in _parts(case).items()
    }


def group_counts(case: Case) -> dict[frozenset[str], int]:
    """Levels per factor in the reference."""
    counts = case.reference.get("ngroups", {})
    return {frozenset(factors_of(case.reference, group)): n for group, n in counts.items()}


def _parts(case: Case) -> dict[str, str]:
    """Parts whose coefficients the file lists, and under which key."""
    return {part: key for part, key in _FIXED.items() if case.reference.get(key)}


def _suffixes(case: Case) -> dict[str, str]:
    return {p: suffix for p, suffix in _SUFFIX.items() if case.reference.get("VarCorr" + suffix)}


def _random(fit: pp.GlmmFit, part: str) -> RandomPart:
    return RandomPart(
        fit.varcorr_of(part), fit.predictor(part).design, partial(fit.ranef, part=part)
    )


def _checked(case: Case) -> bool:
    """Whether the file holds glmmTMB's fit of the same approximation."""
    return "laplace_check" in case.reference and "information" not in case.arguments


def _unit(case: Case, part: str) -> float:
    """glmmTMB's Gaussian dispersion is the log variance, ours the log standard deviation."""
    return 0.5 if part == "dispersion" and case.gaussian else 1.0


def _predicted(case: Case) -> dict[str, tuple[str, str]]:
    """R's keys, our type and random effects."""
    if case.engine == "lme4":
        return {
            "re_form_NULL": ("link", "all"),
            "re_form_NA": ("link", "none"),
            "re_form_NULL_response": ("response", "all"),
            "new_level_re_form_NULL": ("link", "all"),
        }
    kinds = {
        "link": "link",
        "response": "response",
        "conditional": "conditional",
        "zprob": "zero_probability",
    }
    found = {
        f"{theirs}_re_form_{form}": (ours, random)
        for theirs, ours in kinds.items()
        for form, random in (("NULL", "all"), ("NA", "none"))
    }
    found["new_level_link_re_form_NULL"] = ("link", "all")
    return {
        key: value
        for key, value in found.items()
        if key in case.reference["predictions"] and key not in _NOT_WITHOUT_EFFECTS.get(case.id, ())
    }


def _variance_over_glmmtmb_s(fit: pp.GlmmFit) -> Array | float:
    """Our variance of each row over that by which glmmTMB 1.1.5 divides.

    It leaves the dispersion of these families out, and takes the mean of a truncated Poisson
    variable for its rate.
    """
    name, phi = fit.family.name, fit.dispersion[0] if len(fit.dispersion) else 1.0
    if name == "gaussian":
        return phi**2
    if name == "gamma":
        return 1.0 / phi
    if name == "beta":
        return 1.0 / (1.0 + phi)
    if name == "betabinomial":
        return (phi + fit.response.trials) / (1.0 + phi)
    if name == "truncated_poisson":
        return _hurdle_variance(fit, np.exp(fit.linear_predictor)) / _hurdle_variance(
            fit, fit.predict(type="conditional")
        )
    return 1.0


def _hurdle_variance(fit: pp.GlmmFit, rate: Array) -> Array:
    """Variance of a truncated Poisson variable of this rate behind our hurdle and mean."""
    p, mu = fit.predict(type="zero_probability"), fit.predict(type="conditional")
    positive = -np.expm1(-rate)
    own = (rate + rate**2) / positive - (rate / positive) ** 2
    return own * (1.0 - p) + mu**2 * p * (1.0 - p)


def _summary(ours: Array, theirs: dict[str, Any]) -> float:
    spread = np.sqrt(max(theirs["sum_sq"] / theirs["n"] - (theirs["sum"] / theirs["n"]) ** 2, 0.0))
    return summary_difference(np.asarray(ours), theirs, spread)


def _vector(values: dict[str, float]) -> Array:
    return np.array([*values.values()], dtype=np.float64)
