"""Compute every figure of merf that the worked example prints, and the honest versions.

    python -m benchmarks.learners_seed          # writes docs/seed-figures-learners.md

Run from the repository's root.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import partialpool as pp
from benchmarks.seeds_table import table
from tests.seeds.figures import CALLS, FIXED, ratpups
from tests.seeds.learners import LEARNERS, learner_figures, shaped

TARGET = Path("docs/seed-figures-learners.md")
INTRODUCTION = """\
# The worked example's learners

The document fits the rat pups with merf: a random forest, a linear model, LightGBM. Made by
`python -m benchmarks.learners_seed`; `tests/seeds` asserts each figure.

## What it prints

Calls are the document's, with one import changed: `from partialpool.compat.merf import MERF`. Its
generalized log-likelihoods have sixteen digits, which sums in another order meet to 1e-9; the
importances differ in the sixth digit between versions of scikit-learn. From its ninth iteration
on, the forest on 70 % of the rows breaks ties between splits by the last bit of its target; merf
1.0 itself, run today, leaves the document at the same iteration.

"""
HONEST = """
## The same, made honest

The document compares models in sample, and scores the mixed models without their random effects
but merf with them. Here every model predicts rows that it hasn't seen (`pp.cross_validate`, ten
folds), with its random effects and without: rows of litters that it knows, and whole litters.
*merf* is the document's model with Z = sex alone, as it has it; *ours* is
`pp.MixedEffectsRegressor(learner, random="1 + sex | litter")` with the same learner.

"""
HEADER = (
    "| scheme | model | random effects | MAE | RMSE | MAPE | R2 | log-likelihood |\n"
    "|---|---|---|---:|---:|---:|---:|---:|\n"
)


def main() -> None:
    pp.set_threads(1)
    TARGET.write_text(INTRODUCTION + table(learner_figures()) + HONEST + HEADER + honest())
    print(f"figures compared in {TARGET}")


def honest() -> str:
    X, _, litter, weight = shaped()
    numbers = X.assign(litter=litter, weight=weight)
    rats = ratpups()
    fits = {name: pp.lmm(FIXED, rats, reml=name != "OLS", **call) for name, call in CALLS.items()}
    models = learners()
    text = ""
    for scheme in ("within", "new-groups"):
        for each, data in ((fits, rats), (models, numbers)):
            found = pp.cross_validate(each, data, "litter", scheme, response="weight", folds=10)
            text += rows(found)
    return text


def learners() -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, learner in LEARNERS.items():
        out[f"{name} alone"] = learner
        settings = {"variance": "em", "tol": None, "max_iter": 20}
        out[f"{name}, merf"] = pp.MixedEffectsRegressor(
            learner, random="0 + sex | litter", **settings
        )
        out[f"{name}, ours"] = pp.MixedEffectsRegressor(learner, random="1 + sex | litter")
    return out


def rows(found: pp.CrossValidation) -> str:
    text = ""
    for name, way, s in zip(found.names, found.random, found.scores, strict=True):
        loglik = "" if np.isnan(s.loglik) else f"{s.loglik:.2f}"
        cells = f"{s.mae:.4f} | {s.rmse:.4f} | {s.mape:.4f} | {s.r2:.4f} | {loglik}"
        text += f"| {found.scheme} | {name} | {way} | {cells} |\n"
    return text


if __name__ == "__main__":
    main()
