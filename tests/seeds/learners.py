"""Every figure of merf that the worked example on rat pups prints, computed here.

Calls are the document's own, with ``partialpool.compat.merf`` for ``merf``. It was made with
scikit-learn and LightGBM of 2023.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

from partialpool.compat.merf import MERF
from tests.seeds.figures import Figure, Scores, ratpups, score

PRINTED = json.loads(Path(__file__).with_name("merf_figures.json").read_text())
MEASURES = ("mae", "rmse", "mape", "r2")
# From its ninth iteration on, trees of the 70 % forest break ties by the last bit of a target:
# merf 1.0 itself, run with today's scikit-learn, leaves the document there, as ours does.
TIES = 1e-3
LEARNERS = {
    "forest": RandomForestRegressor(n_estimators=30, n_jobs=1, random_state=37),
    "linear": LinearRegression(),
    "LightGBM": LGBMRegressor(n_jobs=1, verbose=-1),
}


@cache
def shaped() -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
    """X, Z, clusters and y as the document makes them."""
    rats = ratpups()
    X = rats[["litsize", "treatment", "sex"]].assign(
        sex=rats["sex"].map({"Male": 1, "Female": 0}),
        treatment=rats["treatment"].map({"Control": 0, "Low": 1, "High": 2}),
    )
    return X, X[["sex"]], rats["litter"], rats["weight"]


@cache
def merf(learner: str) -> MERF:
    """Return the document's fit to all rows."""
    return MERF(LEARNERS[learner], max_iterations=20).fit(*shaped())


@cache
def halves() -> tuple[Any, ...]:
    """70 % and 30 % of the rows, stratified by litter."""
    X, _, litter, y = shaped()
    whole = X.assign(litter=litter)
    return tuple(
        train_test_split(whole, y, test_size=0.30, random_state=37, shuffle=True, stratify=litter)
    )


@cache
def merf_on_training_rows() -> MERF:
    train, _, y, _ = halves()
    model = MERF(LEARNERS["forest"], max_iterations=20)
    return model.fit(train.drop(columns="litter"), train[["sex"]], train["litter"], y)


def learner_figures() -> Iterator[Figure]:
    """Compare every figure."""
    X, Z, clusters, y = shaped()
    for name in LEARNERS:
        model = merf(name)
        yield from _history(name, model, 1e-9)
        found = score(y.to_numpy(), model.predict(X, Z, clusters))
        yield from _scores(f"{name}, in sample", found, PRINTED["scores"][name], 0.0)
    importances = dict(zip(X, merf("forest").fe_model.feature_importances_, strict=True))
    for column, printed in PRINTED["importances"].items():
        # Sums of impurities in today's scikit-learn differ in the sixth digit.
        yield Figure("forest", f"importance of {column}", printed, importances[column], slack=3e-6)
    effects = merf("forest").trained_b[0]
    for litter, printed in PRINTED["b"].items():
        yield Figure("forest", f"b of litter {litter}", printed, effects[int(litter)])
    yield from _history("forest, 70 %", merf_on_training_rows(), TIES)
    train, test, y_train, y_test = halves()
    for name, rows, values in (("training", train, y_train), ("test", test, y_test)):
        predicted = merf_on_training_rows().predict(
            rows.drop(columns="litter"), rows[["sex"]], rows["litter"]
        )
        found = score(values.to_numpy(), predicted)
        yield from _scores(f"forest, 70 %, {name}", found, PRINTED["validation"][name], TIES)


def _history(name: str, model: MERF, slack: float) -> Iterator[Figure]:
    printed = PRINTED["gll"][name]
    for i, (gll, text) in enumerate(zip(model.gll_history, printed, strict=True), start=1):
        # Sixteen printed digits can't all be met by sums in another order.
        yield Figure(name, f"GLL {i}", text, gll, slack=slack)


def _scores(name: str, found: Scores, printed: list[str], slack: float) -> Iterator[Figure]:
    for measure, text in zip(MEASURES, printed, strict=True):
        yield Figure(name, measure.upper(), text, getattr(found, measure), slack=slack)
