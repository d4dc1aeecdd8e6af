"""How far a fit is from its reference: one number per kind of result.

Every function returns the largest difference on the scale that its name says, and
None where the reference doesn't hold the result. :mod:`test_linear_fits` judges them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

import partialpool as pp
from tests.reference.cases import Case, r_name, squeeze

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """Random effects of one factor: rows found by level, columns by R's name."""

    levels: dict[tuple[tuple[str, str], ...], int]
    columns: dict[str, int]
    values: Array


def criterion(case: Case, fit: pp.LmmFit) -> float:
    """Ours minus the reference: negative where ours is the better optimum."""
    return fit.objective - case.criterion


def fixef(case: Case, fit: pp.LmmFit) -> float:
    """Relative to the coefficient, or to its standard error where that is larger."""
    theirs, se = (np.array([*case.reference[key].values()]) for key in ("fixef", "fixef_se"))
    return _largest((_estimated(fit) - theirs) / np.maximum(np.abs(theirs), se))


def stderr(case: Case, fit: pp.LmmFit) -> float | None:
    """Relative."""
    if not _conditional_on_theta(case):
        return None
    theirs = np.array([*case.reference["fixef_se"].values()])
    return _largest(np.asarray(fit.stderr)[~_aliased(fit)] / theirs - 1)


def vcov(case: Case, fit: pp.LmmFit) -> float | None:
    """Relative to the product of the two standard errors."""
    if not _conditional_on_theta(case):
        return None
    theirs = np.array(case.reference["vcov"]["matrix"])
    se, kept = np.sqrt(np.diag(theirs)), ~_aliased(fit)
    return _largest((fit.vcov[np.ix_(kept, kept)] - theirs) / np.outer(se, se))


def sigma(case: Case, fit: pp.LmmFit) -> float:
    """Relative."""
    return abs(fit.sigma / case.reference["sigma"] - 1)


def covariances(case: Case, fit: pp.LmmFit) -> float:
    """Variances relative, covariances relative to the product of the standard deviations.

    A variance that the reference puts at zero is measured against the residual's.
    """
    found = []
    for entry in case.reference["VarCorr"]:
        sd = np.array(entry["sd"], dtype=float)
        scale = np.where(sd > 0, sd, case.reference["sigma"])
        ours = _covariance(fit, _factors(case, entry["group"]), entry["names"])
        found.append(_largest((ours - np.array(entry["vcov"])) / np.outer(scale, scale)))
    return max(found)


def ranef(case: Case, fit: pp.LmmFit) -> float:
    """Relative to the standard deviation of the effect (of the residual where that is zero)."""
    return max(
        _largest((ours.values[rows][:, columns] - np.array(theirs["values"])) / scale)
        for ours, rows, columns, theirs, scale in _matched(case, fit)
    )


def cond_sd(case: Case, fit: pp.LmmFit) -> float | None:
    """As :func:`ranef`; lme4 only, since glmmTMB's also holds the uncertainty of theta."""
    if case.engine != "lme4":
        return None
    found = [
        _largest((ours.values[rows][:, columns] - np.array(theirs["cond_sd"])) / scale)
        for ours, rows, columns, theirs, scale in _matched(case, fit, suffix="_sd")
    ]
    return max(found, default=None)


def fitted(case: Case, fit: pp.LmmFit) -> float:
    """Summary and first rows, relative to the standard deviation of the response."""
    return _summary(np.asarray(fit.fitted), case.reference["fitted"], np.std(fit.design.y))


def residuals(case: Case, fit: pp.LmmFit) -> float:
    """All kinds that both programs have, relative to sigma."""
    theirs, found = case.reference["residuals"], []
    found.append(_summary(fit.residuals("response"), theirs["response"], fit.sigma))
    raw = "pearson" if case.engine != "nlme::lme" else None  # nlme's are divided by sigma
    if raw in theirs:
        found.append(_summary(fit.residuals("pearson"), theirs["pearson"], fit.sigma))
    if "pearson_scaled" in theirs:
        found.append(_summary(fit.residuals("pearson") / fit.sigma, theirs["pearson_scaled"], 1.0))
    return max(found)


def hatvalues(case: Case, fit: pp.LmmFit) -> float | None:
    """Absolute: a hat value lies between 0 and 1."""
    theirs = case.reference.get("hatvalues")
    return None if theirs is None else _largest(fit.hatvalues() - np.array(theirs))


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
        _largest((fit.predict(new, random=random) - np.array(theirs[key])) / scale)
        for key, random in zip(keys, ("all", "none"), strict=True)
    ]
    if "newdata_new_level" in theirs:
        change = theirs["newdata_new_level"]
        unseen = new.assign(**{change["factor"]: change["levels"]})
        key = "new_level_" + keys[0].replace("response", "link")
        ours = fit.predict(unseen, new_levels="population")
        found.append(_largest((ours - np.array(theirs[key])) / scale))
    return max(found)


def design(case: Case, fit: pp.LmmFit) -> float | None:
    """Column sums, sums of squares and first rows of X, relative to each column's size."""
    theirs = case.reference.get("X")
    if theirs is None:
        return None
    X = fit.design.X[:, ~_aliased(fit)]
    size = np.sqrt(np.sum(X**2, axis=0))
    return max(
        _largest((X.sum(axis=0) - np.array(theirs["colsums"])) / size / np.sqrt(len(X))),
        _largest(size**2 / np.array(theirs["colsumsq"]) - 1),
        _largest((X[:4] - np.array(theirs["head"])) / size),
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
        frozenset(_factors(case, group)): count
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


def _largest(differences: ArrayLike) -> float:
    return float(np.max(np.abs(differences)))


def _factors(case: Case, group: str) -> tuple[str, ...]:
    """Columns of a grouping factor; nlme names a nested factor by its last column."""
    if case.id == "nlme_machines_nested" and group == "Machine":
        return ("Worker", "Machine")
    return tuple(group.split(":"))


def _covariance(fit: pp.LmmFit, factors: tuple[str, ...], names: list[str]) -> Array:
    """Our covariance matrix of R's columns, wherever our terms hold them."""
    terms = [t for t in fit.varcorr.terms if frozenset(t.group.split(":")) == frozenset(factors)]
    where = {r_name(c): (t, i) for t in terms for i, c in enumerate(t.columns)}
    places = [where[squeeze(name)] for name in names]
    return np.array([[s.cov[i, j] if s is t else 0.0 for t, j in places] for s, i in places])


def _matched(
    case: Case, fit: pp.LmmFit, suffix: str = ""
) -> Iterator[tuple[Effects, Any, Any, Any, Array]]:
    """Our effects, the rows and columns of each that the reference lists, and their scale."""
    sds = _reference_sds(case)
    for group, theirs in case.reference["ranef"].items():
        factors = _factors(case, group)
        if suffix and "cond_sd" not in theirs:
            continue
        ours = _effects(fit, frozenset(factors), suffix)
        rows = [ours.levels[_level(level, factors)] for level in theirs["levels"]]
        columns = [ours.columns[squeeze(name)] for name in theirs["columns"]]
        scale = np.array([sds[frozenset(factors), name] for name in theirs["columns"]])
        yield ours, rows, columns, theirs, scale


def _effects(fit: pp.LmmFit, factors: frozenset[str], suffix: str) -> Effects:
    """Modes, or conditional standard deviations, of all terms on one factor."""
    terms = [e for e in fit.design.random if frozenset(e.term.factors) == factors]
    group = terms[0].factor
    table = fit.ranef(group.name, cond_sd=bool(suffix))
    names = [name for term in terms for name in term.columns]
    written = group.name.split(":")
    return Effects(
        levels={_level(str(level), tuple(written)): i for i, level in enumerate(group.levels)},
        columns={r_name(name): i for i, name in enumerate(names)},
        values=table[[name + suffix for name in names]].to_numpy(),
    )


def _reference_sds(case: Case) -> dict[tuple[frozenset[str], str], float]:
    return {
        (frozenset(_factors(case, entry["group"])), name): sd or case.reference["sigma"]
        for entry in case.reference["VarCorr"]
        for name, sd in zip(entry["names"], entry["sd"], strict=True)
    }


def _level(level: str, factors: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """One level as (factor, value) pairs, so that a:b finds b:a; nlme writes a/b."""
    values = [level] if len(factors) == 1 else level.replace("/", ":").split(":")
    return tuple(sorted(zip(factors, values, strict=True)))


def _summary(values: Array, theirs: dict[str, Any], scale: float) -> float:
    """Largest difference of any of R's summary figures, each per row and on one scale."""
    n = theirs["n"]
    assert len(values) == n
    marks = ("min", "q25", "median", "q75", "max")
    quartiles = dict(zip(marks, np.quantile(values, np.arange(5) / 4), strict=True))
    found = [
        (np.mean(values) - theirs["sum"] / n) / scale,
        (np.mean(values**2) - theirs["sum_sq"] / n) / (scale * np.sqrt(theirs["sum_sq"] / n)),
        *((quartiles[key] - theirs[key]) / scale for key in quartiles),
        *((values[:20] - np.array(theirs["first20"])[: len(values)]) / scale),
    ]
    return _largest(found)
