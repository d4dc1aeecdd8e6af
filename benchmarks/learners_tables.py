"""The page of held-out errors, from the results that are kept in a store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from learners_methods import DESIGNS, METHODS, NEW, NOISE, SPREAD, Design
from learners_real import CASES, SCHEMES, Case, models
from scipy import stats

FIELDS = ("known", "new", "sigma", "spread", "cover_known", "cover_new")


def page(store: Path) -> str:
    simulated = "".join(design_table(store, design) for design in DESIGNS)
    real = "".join(case_table(store, case) for case in CASES)
    text = SIMULATED.format(noise=NOISE, spread=SPREAD, new=NEW)
    return INTRODUCTION + text + simulated + REAL + real


def outcomes(store: Path, design: Design, name: str) -> dict[int, dict[str, Any]]:
    """Outcomes by seed."""
    found = {}
    for seed in range(1000):
        place = store / "simulated" / f"{design.name} {seed} {name}.json".replace(" ", "_")
        if not place.exists():
            break
        found[seed] = json.loads(place.read_text())
    return found


def design_table(store: Path, design: Design) -> str:
    text = f"\n### {design.name}\n\n{design.words}: {design.groups} groups of {design.rows} rows\n"
    text += "\n" + SIMULATED_HEAD
    for name in METHODS:
        own = outcomes(store, design, rival(name))
        found = {s: each for s, each in outcomes(store, design, name).items() if s in own}
        if found:
            head = f"| {bold(name)} | {len(found)} | "
            text += head + " | ".join(cells(name, found, own)) + " |\n"
    return text


def rival(name: str) -> str:
    """The method of ours that a row is compared with."""
    return "forest, ours" if name.startswith("forest") else "LightGBM, ours"


def bold(name: str) -> str:
    return f"**{name}**" if "ours" in name else name


def cells(name: str, found: dict[int, Any], own: dict[int, Any]) -> list[str]:
    out = []
    for field in FIELDS:
        values = [each[field] for each in found.values()]
        if values[0] is None:
            out.append("")
        elif field.startswith("cover"):
            out.append(f"{100 * np.mean(values):.0f} %")
        else:
            out.append(f"{np.mean(values):.3f}")
        if field in ("known", "new"):
            pairs = [found[s][field] - own[s][field] for s in found if s in own]
            out.append("" if name == rival(name) else paired(np.array(pairs)))
    return out


def paired(differences: np.ndarray) -> str:
    """Mean difference and standard error, marked where it is significant at 5 %."""
    if len(differences) < 2:
        return ""
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    return shown(float(differences.mean()), float(error), len(differences))


def shown(difference: float, error: float, n: int) -> str:
    limit = stats.t.ppf(0.975, n - 1)
    mark = "" if abs(difference) <= limit * error else (" ▲" if difference > 0 else " ▼")
    return f"{difference:+.3f} ± {error:.3f}{mark}"


# --- real data ----------------------------------------------------------------------------


def case_table(store: Path, case: Case) -> str:
    kept = {
        (scheme, name): json.loads(place.read_text())
        for scheme in SCHEMES
        for name in ("linear mixed model", *models(case))
        if (
            place := store / "real" / f"{case.data}_{scheme}_{name}.json".replace(" ", "_")
        ).exists()
    }
    text = f"\n### {case.data}\n\n`` {case.formula} ``{case.note}\n\n" + REAL_HEAD
    for (scheme, name), rows in kept.items():
        own = kept.get((scheme, rival(name)))
        for row in rows:
            text += real_row(scheme, name, row, own)
    return text


def real_row(scheme: str, name: str, row: dict[str, Any], own: Any) -> str:
    loglik = row["loglik"]
    difference = ""
    if own is not None and name != rival(name):
        difference = by_group(row, own[0])
    return (
        f"| {scheme} | {bold(name)} | {row['way']} | {row['mae']:.4f} | {row['rmse']:.4f} "
        f"| {difference} | {row['r2']:.4f} | {'' if np.isnan(loglik) else f'{loglik:.1f}'} "
        f"| {row['seconds']:.1f} |\n"
    )


def by_group(row: dict[str, Any], own: dict[str, Any]) -> str:
    """Difference of RMSE; its standard error from the groups' squared errors (delta method)."""
    apart = np.array(row["squares"]) - np.array(own["squares"])
    mean = 0.5 * (row["rmse"] + own["rmse"])
    n = sum(row["squares"]) / row["rmse"] ** 2
    error = np.sqrt(len(apart) * apart.var(ddof=1)) / n / (2 * mean)
    return shown(row["rmse"] - own["rmse"], float(error), len(apart))


SIMULATED_HEAD = (
    "| method | data sets | RMSE, known groups | less ours | RMSE, new groups | less ours "
    "| residual sd | effects' sd | 90 % covers, known | new |\n"
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)
REAL_HEAD = (
    "| scheme | model | random effects | MAE | RMSE | less ours | R2 | log-likelihood | seconds |\n"
    "|---|---|---|---:|---:|---:|---:|---:|---:|\n"
)
INTRODUCTION = """\
# Held-out error of learners with random effects

Made by `python benchmarks/learners_accuracy.py`, and printed whatever came out. *merf* is
`partialpool.compat.merf.MERF`, whose numbers are merf 1.0's, with its 20 iterations. Forests have
50 trees; LightGBM 100 rounds of 15 leaves; GPBoost 500 rounds, since after 100 it still
underfits. *Less ours* is a method's error less that of `MixedEffectsRegressor` with its defaults
and the same learner (GPBoost's with LightGBM), in pairs, ± its standard error. ▲: ours is better,
▼: ours is worse, by a t test at 5 %; no mark: no difference can be told. Rows that are not there
have not been run: `run` goes on where it stopped.
"""
SIMULATED = """

## Simulated

Friedman's function of five features, random effects of standard deviation {spread}, noise of
{noise}. Known groups: ten new rows of every training group; new groups: {new} others. The designs
were stated before anything was fitted to them. The method was chosen on other draws of them
(seeds from 100) and on the first three of these, which are seeds from 0; the other seven were
looked at when nothing was to be chosen any more.
The residual sd of a learner that is honest is the noise's and the learner's own error together;
merf's is taken from rows that the learner was fitted to.
"""
REAL = """

## Real data

`pp.cross_validate`, five folds: rows of known groups (*within*), and whole groups. Text is coded
as numbers for the learners. Standard errors here are between groups.
"""
