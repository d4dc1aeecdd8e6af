"""Held-out error of mixed-effects learners, on designs stated beforehand and on real data.

    python benchmarks/learners_accuracy.py                 # writes docs/accuracy-learners.md
    python benchmarks/learners_accuracy.py --replicates 1  # a look, writes nothing

Run from the repository's root. GPBoost's column is filled where it is installed.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import partialpool as pp
from partialpool.compat.merf import MERF

warnings.filterwarnings("ignore", message=".*feature names.*")
TARGET = Path("docs/accuracy-learners.md")
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
    sigma: float = np.nan
    spread: float = np.nan
    cover_known: float = np.nan
    cover_new: float = np.nan


Method = Callable[[dict[str, Data], Any], Outcome]


def rmse(data: Data, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((data.y - predicted) ** 2)))


def plain(data: dict[str, Data], learner: Any) -> Outcome:
    learner.fit(data["train"].X, data["train"].y)
    return Outcome(*(rmse(data[k], learner.predict(data[k].X)) for k in ("known", "new")))


def with_feature(data: dict[str, Data], learner: Any) -> Outcome:
    def whole(part: Data) -> np.ndarray:
        return np.column_stack([part.X, part.g])

    coded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), [5]), remainder="passthrough"
    )
    model = make_pipeline(coded, learner).fit(whole(data["train"]), data["train"].y)
    return Outcome(*(rmse(data[k], model.predict(whole(data[k]))) for k in ("known", "new")))


def merf(data: dict[str, Data], learner: Any) -> Outcome:
    train = data["train"]
    model = MERF(learner).fit(train.X, train.Z, pd.Series(train.g), train.y)
    found = [
        rmse(data[k], model.predict(data[k].X, data[k].Z, pd.Series(data[k].g)))
        for k in ("known", "new")
    ]
    sigma, D = np.sqrt(model.sigma2_hat_history[-1]), model.D_hat_history[-1]
    return Outcome(*found, sigma, np.sqrt(np.diag(D).mean()))


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
    sd = np.sqrt(np.mean(model.varcorr_.terms[0].sd ** 2))
    return Outcome(*errors, model.sigma_, sd, *covered)


def boosting(data: dict[str, Data], learner: Any) -> Outcome:
    return ours(data, learner, algorithm="boosting")


def gpboost(data: dict[str, Data], learner: Any) -> Outcome:
    import gpboost as gpb

    train = data["train"]
    extra = {} if train.Z.shape[1] == 1 else {"group_rand_coef_data": train.X[:, :1].copy()}
    if extra:
        extra["ind_effect_group_rand_coef"] = [1]
    model = gpb.GPModel(group_data=train.g, likelihood="gaussian", **extra)
    rows = gpb.Dataset(np.ascontiguousarray(train.X), np.ascontiguousarray(train.y))
    settings = {"learning_rate": 0.1, "num_leaves": 15, "verbose": -1, "num_threads": 1}
    booster = gpb.train(settings, train_set=rows, gp_model=model, num_boost_round=500)
    errors = []
    for part in (data["known"], data["new"]):
        more = {} if not extra else {"group_rand_coef_data_pred": part.X[:, :1].copy()}
        found = booster.predict(
            np.ascontiguousarray(part.X), group_data_pred=part.g, pred_latent=False, **more
        )
        errors.append(rmse(part, found["response_mean"]))
    return Outcome(*errors)


def forest() -> Any:
    return RandomForestRegressor(50, random_state=0, n_jobs=1)


def lightgbm() -> Any:
    return LGBMRegressor(n_estimators=100, num_leaves=15, verbose=-1, n_jobs=1, random_state=0)


METHODS: dict[str, tuple[Method, Callable[[], Any]]] = {
    "forest alone": (plain, forest),
    "forest, group as feature": (with_feature, forest),
    "forest, merf": (merf, forest),
    "**forest, ours**": (ours, forest),
    "LightGBM alone": (plain, lightgbm),
    "LightGBM, group as feature": (with_feature, lightgbm),
    "LightGBM, merf": (merf, lightgbm),
    "**LightGBM, ours**": (ours, lightgbm),
    "**LightGBM, ours, boosting**": (boosting, lightgbm),
    "GPBoost": (gpboost, lightgbm),
}


def simulated(replicates: int) -> str:
    text = SIMULATED.format(replicates=replicates, noise=NOISE, spread=SPREAD, new=NEW)
    for design in DESIGNS:
        found: dict[str, list[Outcome]] = {}
        for seed in range(replicates):
            data = draw(design, seed)
            for name, (method, learner) in METHODS.items():
                try:
                    found.setdefault(name, []).append(method(data, learner()))
                except ImportError:
                    continue
        text += f"\n### {design.name}\n\n{design.words}: {design.groups} groups of {design.rows}"
        text += " rows\n\n" + HEAD + "".join(map(row, found.items()))
        print(text[text.rindex("###") :], flush=True)
        if replicates > 1:
            write_section("simulated", text)
    return text


def row(item: tuple[str, list[Outcome]]) -> str:
    name, outcomes = item
    cells = []
    for field in ("known", "new", "sigma", "spread", "cover_known", "cover_new"):
        values = np.array([getattr(outcome, field) for outcome in outcomes])
        if np.isnan(values).all():
            cells.append("")
        elif field.startswith("cover"):
            cells.append(f"{100 * values.mean():.0f} %")
        else:
            error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
            cells.append(f"{values.mean():.3f} ± {error:.3f}")
    return f"| {name} | " + " | ".join(cells) + " |\n"


HEAD = (
    "| method | RMSE, known groups | RMSE, new groups | residual sd | effects' sd "
    "| 90 % covers, known | new |\n|---|---:|---:|---:|---:|---:|---:|\n"
)


# --- real data ----------------------------------------------------------------------------


def coded(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Numbers in place of labels: trees need no more."""
    out = table[columns].copy()
    for name in columns:
        if not pd.api.types.is_numeric_dtype(out[name]):
            out[name] = pd.Categorical(out[name]).codes
    return out.astype(float)


@dataclass(frozen=True)
class Case:
    """A data set and its models."""

    data: str
    response: str
    group: str
    columns: tuple[str, ...]
    formula: str
    random: str
    forest: bool = False
    folds: int = 5


CASES = (
    Case(
        "ratpup",
        "weight",
        "litter",
        ("sex", "litsize", "treatment"),
        "weight ~ sex + litsize + treatment + (1 | litter)",
        "1 | litter",
        forest=True,
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
        folds=2,
    ),
)


def real() -> str:
    text = REAL
    for case in CASES:
        table = pp.load_dataset(case.data)
        numbers = coded(table, list(case.columns))
        numbers[case.response] = table[case.response].astype(float)
        groups = [case.group, *(["s"] if case.data == "InstEval" else [])]
        for name in groups:
            numbers[name] = pd.Categorical(table[name]).codes
        text += f"\n### {case.data}\n\n`` {case.formula} ``, {len(table):,} rows\n\n" + REAL_HEAD
        models = learners(case, table)
        for scheme in ("within", "new-groups"):
            fit = pp.lmm(case.formula, table)
            own = {"folds": case.folds}
            first = pp.cross_validate({"linear mixed model": fit}, table, case.group, scheme, **own)
            rest = pp.cross_validate(
                models, numbers, case.group, scheme, response=case.response, **own
            )
            for found in (first, rest):
                text += "".join(real_rows(found))
        print(text[text.rindex("###") :], flush=True)
        write_section("real", text)
    return text


def learners(case: Case, table: pd.DataFrame) -> dict[str, Any]:
    out: dict[str, Any] = {}
    kinds = {"forest": forest, "LightGBM": lightgbm} if case.forest else {"LightGBM": lightgbm}
    for name, make in kinds.items():
        out[f"{name} alone"] = without(make(), ("s",)) if case.data == "InstEval" else make()
        em = case.random if "+ (1" not in case.random else "1 | d"
        out[f"{name}, merf"] = pp.MixedEffectsRegressor(
            without(make(), ("s",)) if case.data == "InstEval" else make(),
            random=em, variance="em", tol=None,
        )  # fmt: skip
        out[f"**{name}, ours**"] = pp.MixedEffectsRegressor(make(), random=case.random)
    return out


def without(learner: Any, names: tuple[str, ...]) -> Any:
    """Return a learner that doesn't see a grouping column."""
    return make_pipeline(
        make_column_transformer(("drop", list(names)), remainder="passthrough"), learner
    )


def real_rows(found: pp.CrossValidation) -> list[str]:
    return [
        f"| {found.scheme} | {name} | {way} | {s.mae:.4f} | {s.rmse:.4f} | {s.r2:.4f} "
        f"| {'' if np.isnan(s.loglik) else f'{s.loglik:.1f}'} | {seconds:.1f} |\n"
        for name, way, s, seconds in zip(
            found.names, found.random, found.scores, found.seconds, strict=True
        )
    ]


REAL_HEAD = (
    "| scheme | model | random effects | MAE | RMSE | R2 | log-likelihood | seconds |\n"
    "|---|---|---|---:|---:|---:|---:|---:|\n"
)
INTRODUCTION = """\
# Held-out error of learners with random effects

Made by `python benchmarks/learners_accuracy.py`. The designs were stated before anything was
fitted to them; `rescale` was added, and boosting's leaves chosen, after a look at some of the same
draws with other settings of the learners, so that these tables don't count as a blind test of
either. What came out is printed whatever it says. *merf* is `partialpool.compat.merf.MERF`, whose
numbers are merf 1.0's, with its 20 iterations. Forests have 50 trees; LightGBM 100 rounds of 15
leaves; GPBoost 500 rounds, since after 100 it still underfits.
"""
SIMULATED = """
## Simulated

Friedman's function of five features, random effects of standard deviation {spread}, noise of
{noise}: mean and standard error over {replicates} data sets. Known groups: ten new rows of every
training group; new groups: {new} others. The residual sd of a learner that is honest is the
noise's and the learner's own error together; merf's is taken from rows that the learner was
fitted to.
"""
REAL = """
## Real data

`pp.cross_validate`: rows of known groups (*within*), and whole groups; five folds, of InstEval
two. Text is coded as numbers for the learners. GPBoost, group-as-feature, and but for the rat pups
the forest are left out here.
"""


def write_section(name: str, text: str) -> None:
    """Put one section into the page and leave the other as it is."""
    page = TARGET.read_text() if TARGET.exists() else INTRODUCTION
    start, end = f"\n<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    section = f"{start}{text}{end}"
    if start in page:
        before, _, rest = page.partition(start)
        page = before + section + rest.partition(end)[2]
    else:
        page += section
    TARGET.write_text(page)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=3)
    parser.add_argument("--only", choices=("simulated", "real"))
    asked = parser.parse_args()
    pp.set_threads(1)
    if asked.only != "real":
        simulated(asked.replicates)
    if asked.only != "simulated" and asked.replicates > 1:
        real()


if __name__ == "__main__":
    main()
