"""Mixed-effects learners and their competitors on real data, five folds each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from learners_methods import GPBoost, forest, lightgbm, with_codes
from sklearn.base import BaseEstimator, RegressorMixin

import partialpool as pp
from partialpool.errors import DataError

SCHEMES = ("within", "new-groups")
SAMPLE = 40
"""Lecturers of InstEval that are kept, or every forest would take half an hour."""


@dataclass(frozen=True)
class Case:
    """A data set and its models; ``formula_new`` where folds of groups need another."""

    data: str
    response: str
    group: str
    columns: tuple[str, ...]
    formula: str
    random: str
    note: str = ""
    formula_new: str = ""

    @property
    def factors(self) -> tuple[str, ...]:
        """Grouping columns."""
        return ("d", "s") if self.data == "InstEval" else (self.group,)


CASES = (
    Case(
        "ratpup",
        "weight",
        "litter",
        ("sex", "litsize", "treatment"),
        "weight ~ sex + litsize + treatment + (1 | litter)",
        "1 | litter",
    ),
    Case(
        "Exam",
        "normexam",
        "school",
        ("standLRT", "sex", "schgend", "schavg", "vr", "intake", "type"),
        "normexam ~ standLRT + sex + schgend + schavg + (standLRT | school)",
        "1 + standLRT | school",
    ),
    Case(
        "bdf",
        "langPOST",
        "schoolNR",
        ("IQ.verb", "IQ.perf", "ses", "sex", "Minority", "repeatgr"),
        "langPOST ~ `IQ.verb` + `IQ.perf` + ses + sex + Minority + repeatgr + (1 | schoolNR)",
        "1 | schoolNR",
    ),
    Case(
        "InstEval",
        "y",
        "d",
        ("studage", "lectage", "service", "dept"),
        "y ~ studage + lectage + service + dept + (1 | d) + (1 | s)",
        "(1 | d) + (1 | s)",
        f", those of {SAMPLE} lecturers; merf and GPBoost have the lecturers' effects alone, "
        "and the linear model has no `dept` where whole lecturers are held out: some folds lack "
        "a department, which it can't predict then, where learners take its code for a number",
        "y ~ studage + lectage + service + (1 | d) + (1 | s)",
    ),
)


class WithoutGroups(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A learner that isn't shown the grouping columns."""

    def __init__(self, learner: Any, factors: tuple[str, ...]) -> None:
        self.learner, self.factors = learner, factors

    def fit(self, X: Any, y: Any) -> WithoutGroups:
        """Fit the learner."""
        self.fitted_ = self.learner.fit(self._shown(X), y)
        return self

    def predict(self, X: Any) -> Any:
        """Predict rows."""
        return self.fitted_.predict(self._shown(X))

    def _shown(self, X: Any) -> Any:
        return X.drop(columns=[name for name in self.factors if name in X.columns])


class GroupedBoost(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """GPBoost on a table whose first grouping column holds the groups."""

    def __init__(self, factors: tuple[str, ...], slope: int | None) -> None:
        self.factors, self.slope = factors, slope

    def fit(self, X: Any, y: Any) -> GroupedBoost:
        """Boost."""
        features = X.drop(columns=list(self.factors))
        self.fitted_ = GPBoost(self.slope).fit(features, y, X[self.factors[0]])
        return self

    def predict(self, X: Any) -> Any:
        """Predict rows."""
        return self.fitted_.predict(X.drop(columns=list(self.factors)), X[self.factors[0]])


def load(case: Case) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table, and the same with numbers for labels: trees need no more."""
    table = pp.load_dataset(case.data)
    if case.data == "InstEval":
        lecturers = np.random.default_rng(1).choice(pd.unique(table["d"]), SAMPLE, replace=False)
        table = table[table["d"].isin(lecturers)].reset_index(drop=True)
        for name in case.factors:
            table[name] = table[name].cat.remove_unused_categories()
    numbers = table[list(case.columns)].copy()
    for name in case.columns:
        if not pd.api.types.is_numeric_dtype(numbers[name]):
            numbers[name] = pd.Categorical(numbers[name]).codes
    numbers = numbers.astype(float)
    numbers[case.response] = table[case.response].astype(float)
    for name in case.factors:
        numbers[name] = pd.Categorical(table[name]).codes
    return table, numbers


def models(case: Case) -> dict[str, Any]:
    """Every learner by every method."""
    out: dict[str, Any] = {}
    single = case.random if "+ (1" not in case.random else f"1 | {case.factors[0]}"
    hidden = case.factors[1:]
    for name, make in {"forest": forest, "LightGBM": lightgbm}.items():
        out[f"{name} alone"] = WithoutGroups(make(), case.factors)
        feature = with_codes(WithoutGroups(make(), ()), [case.group])
        out[f"{name}, group as feature"] = feature.set_output(transform="pandas")
        out[f"{name}, merf"] = pp.MixedEffectsRegressor(
            WithoutGroups(make(), hidden), random=single, variance="em", tol=None
        )
        out[f"{name}, ours"] = pp.MixedEffectsRegressor(make(), random=case.random)
    out["GPBoost"] = GroupedBoost(case.factors, 0 if "standLRT |" in case.random else None)
    return out


def run_real(store: Path, only: str, again: bool) -> None:
    """Every model on every data set and scheme that it hasn't been run on."""
    for case in CASES:
        table, numbers = load(case)
        for scheme in SCHEMES:
            for name, model in {"linear mixed model": None, **models(case)}.items():
                place = store / "real" / f"{case.data}_{scheme}_{name}.json".replace(" ", "_")
                if only not in name or (place.exists() and not again):
                    continue
                try:
                    found = _validate(case, table, numbers, scheme, model)
                except (ImportError, DataError) as error:
                    print(f"{place.stem} left out: {error}", flush=True)
                    continue
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(json.dumps(_rows(found, numbers, case)))
                print(place.stem, flush=True)


def _validate(case: Case, table: Any, numbers: Any, scheme: Any, model: Any) -> Any:
    if model is None:
        new = scheme == "new-groups"
        fit = pp.lmm((new and case.formula_new) or case.formula, table)
        return pp.cross_validate(fit, table, case.group, scheme)
    labels = numbers[case.group].to_numpy()  # the column itself stays among the features
    return pp.cross_validate(model, numbers, labels, scheme, response=case.response)


def _rows(found: pp.CrossValidation, numbers: pd.DataFrame, case: Case) -> list[dict[str, Any]]:
    """Scores, and the squared errors of every group for comparisons in pairs."""
    out = []
    ways = zip(found.names, found.random, found.scores, found.seconds, strict=True)
    for name, way, scores, seconds in ways:
        errors = (numbers[case.response] - found.predictions[name, way]) ** 2
        sums = errors.groupby(numbers[case.group]).sum()
        out.append({"way": way, "seconds": seconds, "squares": sums.tolist(), **asdict(scores)})
    return out
