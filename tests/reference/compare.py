"""How far a fit is from its reference: one number per kind of result.

Every function returns the largest difference on the scale that its name says, and
None where the reference doesn't hold the result. :mod:`test_linear_fits` judges them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import partialpool as pp
from tests.reference.cases import Case, r_name, squeeze
from tests.reference.matching import (
    RandomPart,
    covariance_difference,
    effect_difference,
    factors_of,
    largest,
    summary_difference,
)

Array = NDArray[np.float64]


def criterion(case: Case, fit: pp.LmmFit) -> float:
    """Ours minus the reference: negative where ours is the better optimum."""
    return fit.objective - case.criterion


def fixef(case: Case, fit: pp.LmmFit) -> float:
    """Relative to the coefficient, or to its standard error where that is larger."""
    theirs, se = (np.array([*case.reference[key].values()]) for key in ("fixef", "fixef_se"))
    return largest((_estimated(fit) - theirs) / np.maximum(np.abs(theirs), se))


def stderr(case: Case, fit: pp.LmmFit) -> float | None:
    """Relative."""
    if not _conditional_on_theta(case):
        return None
    theirs = np.array([*case.reference["fixef_se"].values()])
    return largest(np.asarray(fit.stderr)[~_aliased(fit)] / theirs - 1)


def vcov(case: Case, fit: pp.LmmFit) -> float | None:
    """Relative to the product of the two standard errors."""
    if not _conditional_on_theta(case):
        return None
    theirs = np.array(case.reference["vcov"]["matrix"])
    se, kept = np.sqrt(np.diag(theirs)), ~_aliased(fit)
    return largest((fit.vcov[np.ix_(kept, kept)] - theirs) / np.outer(se, se))


def sigma(case: Case, fit: pp.LmmFit) -> float:
    """Relative."""
    return abs(fit.sigma / case.reference["sigma"] - 1)


def covariances(case: Case, fit: pp.LmmFit) -> float:
    """Variances relative, covariances relative to the product of the standard deviations.

    A variance that the reference puts at zero is measured against the residual's.
    """
    return covariance_difference(_random(fit), case.reference, "VarCorr", case.reference["sigma"])


def ranef(case: Case, fit: pp.LmmFit) -> float:
    """Relative to the standard deviation of the effect (of the residual where that is zero)."""
    return effect_difference(_random(fit), case.reference, zero=case.reference["sigma"])


def cond_sd(case: Case, fit: pp.LmmFit) -> float | None:
    """As :func:`ranef`; lme4 only, since glmmTMB's also holds the uncertainty of theta."""
    if case.engine != "lme4":
        return None
    return effect_difference(
        _random(fit), case.reference, kind="cond_sd", zero=case.reference["sigma"]
    )


def fitted(case: Case, fit: pp.LmmFit) -> float:
    """Summary and first rows, relative to the standard deviation of the response."""
    return summary_difference(
        np.asarray(fit.fitted), case.reference["fitted"], np.std(fit.design.y)
    )


def residuals(case: Case, fit: pp.LmmFit) -> float:
    """All kinds that both programs have, relative to sigma."""
    theirs, found = case.reference["residuals"], []
    found.append(summary_difference(fit.residuals("response"), theirs["response"], fit.sigma))
    raw = "pearson" if case.engine != "nlme::lme" else None  # nlme's are divided by sigma
    if raw in theirs:
        found.append(summary_difference(fit.residuals("pearson"), theirs["pearson"], fit.sigma))
    if "pearson_scaled" in theirs:
        found.append(
            summary_difference(fit.residuals("pearson") / fit.sigma, theirs["pearson_scaled"], 1.0)
        )
    return max(found)


def hatvalues(case: Case, fit: pp.LmmFit) -> float | None:
    """Absolute: a hat value lies between 0 and 1."""
    theirs = case.reference.get("hatvalues")
    return None if theirs is None else largest(fit.hatvalues() - np.array(theirs))


def predictions(case: Case, fit: pp.LmmFit) -> float | None:
    """With all random effects, with none, and for new levels; relative to sd(response)."""
    theirs = case.reference.get("predictions")
    if theirs is None:
        return None
    new = pd.DataFrame(theirs["newdata"])
    keys = {
        "lme4": ("re_form_NULL", "re_form_NA"),
        "glmmTMB": ("response_re_form_NULL", "response_re_form_NA"),
        "nlme::lme": ("innermost", "population"),
    }[case.engine]
    scale = np.std(fit.design.y)
    found = [
        largest((fit.predict(new, random=random) - np.array(theirs[key])) / scale)
        for key, random in zip(keys, ("all", "none"), strict=True)
    ]
    if "newdata_new_level" in theirs:
        change = theirs["newdata_new_level"]
        unseen = new.assign(**{change["factor"]: change["levels"]})
        key = "new_level_" + keys[0].replace("response", "link")
        ours = fit.predict(unseen, new_levels="population")
        found.append(largest((ours - np.array(theirs[key])) / scale))
    return max(found)


def design(case: Case, fit: pp.LmmFit) -> float | None:
    """Column sums, sums of squares and first rows of X, relative to each column's size."""
    theirs = case.reference.get("X")
    if theirs is None:
        return None
    X = fit.design.X[:, ~_aliased(fit)]
    size = np.sqrt(np.sum(X**2, axis=0))
    return max(
        largest((X.sum(axis=0) - np.array(theirs["colsums"])) / size / np.sqrt(len(X))),
        largest(size**2 / np.array(theirs["colsumsq"]) - 1),
        largest((X[:4] - np.array(theirs["head"])) / size),
    )


def coefficient_names(fit: pp.LmmFit) -> list[str]:
    """Names of the estimated coefficients as R writes them."""
    return [r_name(n) for n, gone in zip(fit.fixef.names, _aliased(fit), strict=True) if not gone]


def reference_names(case: Case) -> list[str]:
    """R's names of the coefficients, without blanks."""
    return [squeeze(name) for name in case.reference["fixef"]]


def group_counts(case: Case) -> dict[frozenset[str], int]:
    """Levels per factor in the reference."""
    return {
        frozenset(factors_of(case.reference, group)): count
        for group, count in case.reference["ngroups"].items()
    }


def _conditional_on_theta(case: Case) -> bool:
    """Whether the file's vcov treats theta as known, as lme4, nlme and we do.

    glmmTMB's comes from the joint Hessian in beta and theta. The two are the same where the
    design is balanced; :mod:`test_dense_twin` shows both for the one file where they aren't.
    """
    return case.id != "tmb_sleepstudy_ar1"


def _estimated(fit: pp.LmmFit) -> Array:
    return np.asarray(fit.fixef)[~_aliased(fit)]


def _aliased(fit: pp.LmmFit) -> NDArray[np.bool_]:
    return np.isnan(np.asarray(fit.fixef))


def _random(fit: pp.LmmFit) -> RandomPart:
    return RandomPart(fit.varcorr, fit.design, fit.ranef)
