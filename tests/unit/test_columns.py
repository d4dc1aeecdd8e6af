"""Every table has the columns of docs/notation.md, in its order."""

import inspect
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

import partialpool as pp

_NOTATION = Path(__file__).parents[2] / "docs" / "notation.md"
_SLEEP = "Reaction ~ Days + (Days | Subject)"


def vocabulary() -> list[str]:
    """Names in the first column of the section on tables."""
    section = _NOTATION.read_text("utf-8").split("## Columns of tables")[1]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


def fits() -> dict[str, Any]:
    sleep = pp.load_dataset("sleepstudy")
    orthodont = pp.load_dataset("Orthodont")
    ticks = pp.load_dataset("grouseticks")
    formula = "TICKS ~ YEAR + HEIGHT + (1 | LOCATION)"
    return {
        "lmm": pp.lmm(_SLEEP, sleep),
        "grouped": pp.lmm("distance ~ age * Sex + (age | Subject)", orthodont),
        "glmm": pp.glmm(formula, ticks, family="nbinom2"),
        "bmm": pp.bmm(_SLEEP, sleep, seed=1),
        "penalized": pp.penalized(_SLEEP, sleep, l2=1.0),
    }


# Names of columns of the data and of the models above, which users chose.
_OWN = {
    *("Reaction", "Days", "Subject", "Intercept", "TICKS", "HEIGHT", "LOCATION", "Sex", "age"),
    *("YEAR", "YEAR[T.96]", "YEAR[T.97]", "distance", "Sex[T.Female]", "age:Sex[T.Female]"),
}


def is_frame(value: Any) -> bool:
    return isinstance(value, pd.DataFrame)


def walk(name: str, fit: Any) -> Iterator[tuple[str, pd.DataFrame]]:
    """All tables that a fit gives without being told anything."""
    for attribute in dir(fit):
        if attribute.startswith("_"):
            continue
        try:
            value = getattr(fit, attribute)
            value = value() if callable(value) and _needs_nothing(value) else value
        except pp.errors.PartialPoolError:
            continue  # exists for other fits only
        if is_frame(value):
            yield f"{name}.{attribute}", value


def _needs_nothing(function: Any) -> bool:
    slow = ("bootstrap", "loo", "power", "save", "profile")
    parameters = inspect.signature(function).parameters.values()
    given = all(p.default is not p.empty for p in parameters)
    return given and getattr(function, "__name__", "") not in slow


def asked(fits: dict[str, Any]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables for which something has to be said."""
    lmm, grouped, glmm, bmm, penalized = fits.values()
    yield "loo_compare", pp.bayes.loo_compare(bmm, bmm.resample(seed=2))
    yield "tidy with intervals", lmm.tidy(conf_int=True)
    yield "tidy with intervals, glmm", glmm.tidy(conf_int=True)
    for method in ("wald", "profile", "bootstrap"):
        yield f"confint {method}", lmm.confint(method=method, n=50, seed=1)
    yield "confint profile, glmm", glmm.confint(method="profile")
    yield "robust, glmm", glmm.robust_tests("LOCATION")
    yield "variance tests, glmm", glmm.variance_tests(method="simulate", nsim=5, seed=1)
    yield "confint bootstrap, glmm", glmm.confint(method="bootstrap", n=3, seed=1)
    yield "confint of draws", lmm.bootstrap(50, seed=1, statistic=float_of).confint()
    yield "confint of deviations", penalized.confint(nsim=3, seed=1, of="deviations")
    yield "profile", lmm.profile("Days").to_frame()
    yield "predict se", lmm.predict(se=True)
    yield "predict se, glmm", glmm.predict(se=True)
    yield "predict interval", lmm.predict(interval="prediction")
    yield "predict, bmm", bmm.predict(se=True, interval="confidence")
    yield "slopes, bmm", bmm.slopes("Days")
    yield "ranef", lmm.ranef(cond_sd=True)
    yield "means", grouped.means("Sex")
    yield "means, contrasts", grouped.means("Sex", contrasts="pairwise")
    yield "means, glmm", glmm.means("YEAR", contrasts="pairwise", scale="response")
    yield "power", lmm.power("Days", n=3, seed=1).to_frame()
    yield "effects", grouped.effects("age", by="Sex")
    yield "effects, bmm", bmm.effects("Days")
    yield "effects, ordinal", ordered_sleep().effects("Days")
    yield "slopes", grouped.slopes("age", by="Sex")
    yield "slopes, contrasts", grouped.slopes("age", by="Sex", contrasts="pairwise")
    yield "anova z", lmm.anova(ddf="z")
    yield "variances", lmm.variance_parameters(scale="variance")
    yield "variance tests", lmm.variance_tests(method="simulate", nsim=20, seed=1)
    yield "compare", pp.compare(lmm, pp.lmm("Reaction ~ 1 + (1 | Subject)", lmm_data())).to_frame()
    validated = pp.cross_validate(lmm, lmm_data(), "Subject", folds=2, seed=1)
    yield "cross-validation", validated.to_frame()
    yield from learned()


def lmm_data() -> pd.DataFrame:
    return pp.load_dataset("sleepstudy")


def ordered_sleep() -> pp.GlmmFit:
    sleep = lmm_data()
    sleep["speed"] = np.digitize(sleep["Reaction"], [250.0, 320.0])
    return pp.glmm("speed ~ Days + (1 | Subject)", sleep, family="ordinal")


def float_of(fit: Any) -> float:
    return float(fit.sigma)


def learned() -> Iterator[tuple[str, pd.DataFrame]]:
    sleep = lmm_data()
    X, y, groups = sleep[["Days"]], sleep["Reaction"], sleep["Subject"]
    learner = pp.MixedEffectsRegressor(LinearRegression()).fit(X, y, groups=groups)
    yield "learner interval", learner.predict_interval(X, groups=groups)
    penalised = pp.HierarchicalRegressor(1.0).fit(X, y, groups=groups)
    yield "estimator confint", penalised.confint(X, y, groups=groups, nsim=3, seed=1)
    yield "estimator effects", penalised.group_effects_
    halves = np.digitize(y, [250.0, 320.0])
    classes = pp.HierarchicalClassifier(1.0).fit(X, halves, groups=groups)
    yield "classifier effects", classes.group_effects_
    yield "classifier confint", classes.confint(X, halves, groups=groups, nsim=3, seed=1)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    made = fits()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few draws
        found = [table for name, fit in made.items() for table in walk(name, fit)]
        return dict([*found, *asked(made)])


def test_the_walk_finds_the_tables_of_every_kind_of_fit(tables):
    kinds = ("lmm", "grouped", "glmm", "bmm", "penalized")
    assert {f"{kind}.{table}" for kind in kinds for table in ("tidy", "glance", "augment")} <= {
        *tables
    }
    assert len(tables) > 60


def test_every_column_has_its_name_from_the_vocabulary(tables):
    names = set(vocabulary())
    strange = {
        (table, column)
        for table, frame in tables.items()
        for column in frame.columns
        if column not in names | _OWN
        and column.removesuffix("_sd") not in _OWN
        and column.removeprefix("dfbetas_") not in _OWN
        and not column.startswith(("change_sd(", "change_corr("))
    }
    assert not strange


def test_columns_are_in_the_vocabularys_order(tables):
    order = {name: i for i, name in enumerate(vocabulary())}
    for table, frame in tables.items():
        places = [order[c] for c in frame.columns if c in order]
        assert places == sorted(places), (table, list(frame.columns))


def test_no_name_of_the_vocabulary_is_without_a_table(tables):
    used = {column for frame in tables.values() for column in frame.columns}
    assert set(vocabulary()) <= used
