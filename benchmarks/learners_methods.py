"""Designs stated beforehand, and the methods that are compared on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import partialpool as pp
from partialpool.compat.merf import MERF

NOISE, SPREAD, NEW = 1.5, 2.0, 40


@dataclass(frozen=True)
class Design:
    """Groups and rows of a simulated data set."""

    name: str
    words: str
    groups: int
    rows: int
    effects: int
    between: int


DESIGNS = (
    Design("intercepts", "random intercepts", 50, 20, 1, 0),
    Design("slopes", "random intercepts and slopes of the first feature", 50, 20, 2, 0),
    Design("between", "two of five features constant within groups", 60, 10, 1, 2),
    Design("small groups", "many groups of four rows", 400, 4, 1, 0),
    Design("few groups", "few large groups, one feature constant within them", 15, 60, 1, 1),
)


@dataclass(frozen=True)
class Data:
    """Features, random-effects columns, groups and response."""

    X: np.ndarray
    Z: np.ndarray
    g: np.ndarray
    y: np.ndarray


def draw(design: Design, seed: int) -> dict[str, Data]:
    """Friedman's function, random effects of deviation 2, noise of deviation 1.5."""
    rng = np.random.default_rng(seed)
    total, held = design.groups + NEW, 10
    g = np.repeat(np.arange(total), design.rows + held)
    X = rng.random((len(g), 5))
    for column in range(design.between):
        X[:, 4 - column] = rng.random(total)[g]
    b = rng.normal(size=(total, design.effects)) * SPREAD
    Z = np.column_stack([np.ones(len(g)), X[:, 0]])[:, : design.effects]
    f = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3]
    y = f + 5 * X[:, 4] + (Z * b[g]).sum(axis=1) + rng.normal(size=len(g)) * NOISE
    first = np.tile(np.arange(design.rows + held) < design.rows, total)
    parts = {
        "train": (g < design.groups) & first,
        "known": (g < design.groups) & ~first,
        "new": g >= design.groups,
    }
    return {name: Data(X[rows], Z[rows], g[rows], y[rows]) for name, rows in parts.items()}


@dataclass(frozen=True)
class Outcome:
    """One method on one data set."""

    known: float
    new: float
    sigma: float | None = None
    spread: float | None = None
    cover_known: float | None = None
    cover_new: float | None = None


Method = Callable[[dict[str, Data], Any], Outcome]


def rmse(data: Data, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((data.y - predicted) ** 2)))


def plain(data: dict[str, Data], learner: Any) -> Outcome:
    learner.fit(data["train"].X, data["train"].y)
    return Outcome(*(rmse(data[k], learner.predict(data[k].X)) for k in ("known", "new")))


def with_feature(data: dict[str, Data], learner: Any) -> Outcome:
    def whole(part: Data) -> np.ndarray:
        return np.column_stack([part.X, part.g])

    model = with_codes(learner, [5]).fit(whole(data["train"]), data["train"].y)
    return Outcome(*(rmse(data[k], model.predict(whole(data[k]))) for k in ("known", "new")))


def with_codes(learner: Any, columns: list[Any]) -> Any:
    """Return the learner that gets groups as one column for each level."""
    coded = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((coded, columns), remainder="passthrough"), learner
    )


def merf(data: dict[str, Data], learner: Any) -> Outcome:
    train = data["train"]
    model = MERF(learner).fit(train.X, train.Z, pd.Series(train.g), train.y)
    found = [
        rmse(data[k], model.predict(data[k].X, data[k].Z, pd.Series(data[k].g)))
        for k in ("known", "new")
    ]
    sigma, D = np.sqrt(model.sigma2_hat_history[-1]), model.D_hat_history[-1]
    return Outcome(*found, float(sigma), float(np.sqrt(np.diag(D).mean())))


def ours(data: dict[str, Data], learner: Any, **settings: Any) -> Outcome:
    train = data["train"]
    model = pp.MixedEffectsRegressor(learner, **settings)
    model.fit(train.X, train.y, groups=train.g, Z=train.Z)
    errors, covered = [], []
    for part in (data["known"], data["new"]):
        found = model.predict_interval(part.X, groups=part.g, Z=part.Z, level=0.9)
        errors.append(rmse(part, found["estimate"].to_numpy()))
        covered.append(
            float(np.mean((part.y >= found["conf_low"]) & (part.y <= found["conf_high"])))
        )
    sd = float(np.sqrt(np.mean(model.varcorr_.terms[0].sd ** 2)))
    return Outcome(*errors, model.sigma_, sd, *covered)


def boosting(data: dict[str, Data], learner: Any) -> Outcome:
    return ours(data, learner, algorithm="boosting")


def gpboost(data: dict[str, Data], learner: Any) -> Outcome:
    train = data["train"]
    slopes = train.Z.shape[1] > 1
    model = GPBoost(slope=0 if slopes else None).fit(train.X, train.y, groups=train.g)
    return Outcome(*(rmse(data[k], model.predict(data[k].X, data[k].g)) for k in ("known", "new")))


class GPBoost(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """GPBoost with the leaves and rate of the LightGBM beside it, and 500 rounds."""

    def __init__(self, slope: int | None = None) -> None:
        self.slope = slope

    def fit(self, X: Any, y: Any, groups: Any) -> GPBoost:
        """Boost, with an intercept for each group and perhaps a slope."""
        import gpboost as gpb

        X = np.ascontiguousarray(X, dtype=np.float64)
        extra = {}
        if self.slope is not None:
            extra["group_rand_coef_data"] = X[:, [self.slope]].copy()
            extra["ind_effect_group_rand_coef"] = [1]
        model = gpb.GPModel(group_data=np.asarray(groups), likelihood="gaussian", **extra)
        settings = {"learning_rate": 0.1, "num_leaves": 15, "verbose": -1, "num_threads": 1}
        rows = gpb.Dataset(X, np.ascontiguousarray(y, dtype=np.float64))
        self.booster_ = gpb.train(settings, train_set=rows, gp_model=model, num_boost_round=500)
        return self

    def predict(self, X: Any, groups: Any) -> Any:
        """Predict rows of known or new groups."""
        X = np.ascontiguousarray(X, dtype=np.float64)
        more = {}
        if self.slope is not None:
            more["group_rand_coef_data_pred"] = X[:, [self.slope]].copy()
        found = self.booster_.predict(
            X, group_data_pred=np.asarray(groups), pred_latent=False, **more
        )
        return found["response_mean"]


def forest() -> Any:
    return RandomForestRegressor(50, random_state=0, n_jobs=1)


def lightgbm() -> Any:
    return LGBMRegressor(n_estimators=100, num_leaves=15, verbose=-1, n_jobs=1, random_state=0)


METHODS: dict[str, tuple[Method, Callable[[], Any]]] = {
    "forest alone": (plain, forest),
    "forest, group as feature": (with_feature, forest),
    "forest, merf": (merf, forest),
    "forest, ours": (ours, forest),
    "LightGBM alone": (plain, lightgbm),
    "LightGBM, group as feature": (with_feature, lightgbm),
    "LightGBM, merf": (merf, lightgbm),
    "LightGBM, ours": (ours, lightgbm),
    "LightGBM, boosting, ours": (boosting, lightgbm),
    "GPBoost": (gpboost, lightgbm),
}
