"""Size of tests and coverage of Wald intervals, where the truth is known.

python -m benchmarks.inference_simulation               # writes docs/inference-simulation.md
python -m benchmarks.inference_simulation --nsim 100    # a glance; writes nothing
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import partialpool as pp
from partialpool.inference import calibrate, cluster_robust, coefficient_tests
from partialpool.inference.ddf import joint_test

TARGET = Path(__file__).parent.parent / "docs" / "inference-simulation.md"
_SEED = 20_260_101
_INTRODUCTION = """\
# Size of tests and coverage of intervals

Made by `python -m benchmarks.inference_simulation`: {nsim:,} data sets of each design, drawn with
the effects tested at zero, fitted by REML. *Size* is the share of p-values below 0.05 (its
standard error is {se:.2f} per cent), *coverage* that of Wald intervals of level 0.95 that hold the
truth; both in per cent. *Treatment* is an effect between groups, *slope* one within, *joint* the F
test of a factor of three levels between groups together with the slope. CR2 is the cluster-robust
t test.

* *small*: 6 groups of 5 rows, random slopes.
* *unbalanced*: 15 groups of 2 to 30 rows, random intercepts.
* *crossed*: 8 subjects by 10 items, random slopes of subjects, random intercepts of items.

| design | method | size: treatment | size: slope | size: joint | coverage: treatment \
| coverage: slope |
|---|---|---:|---:|---:|---:|---:|
"""
_VARIANCES = """
Tests that the only variance is zero, 10 groups of 4 rows, {nsim:,} data sets without it:

| test | size |
|---|---:|
"""


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A formula, its covariates, and how responses under the hypothesis are drawn."""

    name: str
    formula: str
    columns: dict[str, NDArray[np.generic]]
    draw: Callable[[np.random.Generator], NDArray[np.float64]]


def designs() -> list[Design]:
    return [small(), unbalanced(), crossed()]


def small() -> Design:
    g = np.repeat(np.arange(6), 5)
    x = np.tile(np.linspace(-1, 1, 5), 6)
    columns = {"g": g, "x": x, "a": np.array([*"uvw"])[g % 3]}

    def draw(rng: np.random.Generator) -> NDArray[np.float64]:
        b = rng.normal(size=(6, 2))
        return b[g, 0] + 0.7 * b[g, 1] * x + rng.normal(size=len(g))

    return Design("small", "y ~ a + x + (x | g)", columns, draw)


def unbalanced() -> Design:
    sizes = np.array([2, 2, 3, 3, 4, 5, 5, 6, 8, 10, 12, 15, 20, 25, 30])
    g = np.repeat(np.arange(15), sizes)
    x = np.random.default_rng(1).normal(size=len(g)) + 0.3 * (g % 4)
    columns = {"g": g, "x": x, "a": np.array([*"uvw"])[g % 3]}

    def draw(rng: np.random.Generator) -> NDArray[np.float64]:
        return rng.normal(size=15)[g] + rng.normal(size=len(g))

    return Design("unbalanced", "y ~ a + x + (1 | g)", columns, draw)


def crossed() -> Design:
    g, h = (i.ravel() for i in np.meshgrid(np.arange(8), np.arange(10), indexing="ij"))
    x = np.where(h % 2 == 0, -0.5, 0.5)
    columns = {"g": g, "h": h, "x": x, "a": np.array([*"uvw"])[g % 3]}

    def draw(rng: np.random.Generator) -> NDArray[np.float64]:
        b = rng.normal(size=(8, 2))
        return b[g, 0] + b[g, 1] * x + 0.7 * rng.normal(size=10)[h] + rng.normal(size=len(g))

    return Design("crossed", "y ~ a + x + (x | g) + (1 | h)", columns, draw)


def study(design: Design, nsim: int) -> dict[str, NDArray[np.float64]]:
    """Shares of rejections and of intervals that hold zero, by method."""
    rng = np.random.default_rng(_SEED)
    first = pp.lmm(design.formula, {"y": design.draw(rng), **design.columns})
    joint = np.zeros((3, 4))
    joint[:, 1:] = np.eye(3)
    found: dict[str, list[list[float]]] = {}
    for _ in range(nsim):
        fit = first.refit(design.draw(rng))
        for method in ("z", "satterthwaite", "kenward-roger", "CR2"):
            if method == "CR2" and design.name == "crossed":
                continue  # no independent clusters
            judge = cluster_robust(fit) if method == "CR2" else calibrate(fit, method)
            tests = coefficient_tests(fit, calibration=judge)
            low, high = tests.interval(0.95)
            together = joint_test(judge, fit.fixef.values, joint).p_value
            if method == "CR2":
                together = np.nan
            p = (tests.p_value[1], tests.p_value[3], together)
            holds = [float(low[i] <= 0.0 <= high[i]) for i in (1, 3)]
            row = [float(value < 0.05) if value == value else np.nan for value in p]
            found.setdefault(method, []).append([*row, *holds])
    return {method: 100 * np.mean(rows, axis=0) for method, rows in found.items()}


def variances(nsim: int) -> list[str]:
    """Size of the tests of one variance."""
    rng = np.random.default_rng(_SEED)
    g = np.repeat(np.arange(10), 4)
    fit = pp.lmm("y ~ 1 + (1 | g)", {"y": rng.normal(size=40), "g": g})
    p = []
    for i in range(nsim):
        table = fit.refit(rng.normal(size=40)).variance_tests("simulate", 2000, seed=i)
        p.append([float(table[key][0]) for key in ("p_value", "p_simulated")])
    share = 100 * np.mean(np.array(p) < 0.05, axis=0)
    return [f"| mixture of chi-squares | {share[0]:.1f} |\n", f"| simulation | {share[1]:.1f} |\n"]


def main() -> None:
    parser = argparse.ArgumentParser(description="Size of tests and coverage of intervals.")
    parser.add_argument("--nsim", type=int, default=2000, help="data sets of each design")
    nsim = parser.parse_args().nsim
    se = 100 * np.sqrt(0.05 * 0.95 / nsim)
    start = time.process_time()
    text = _INTRODUCTION.format(nsim=nsim, se=se)
    for design in designs():
        for method, share in study(design, nsim).items():
            cells = " | ".join("" if np.isnan(x) else f"{x:.1f}" for x in share)
            text += f"| {design.name} | {method} | {cells} |\n"
    text += _VARIANCES.format(nsim=nsim) + "".join(variances(nsim))
    print(text)
    print(f"{time.process_time() - start:.0f} s")
    if nsim >= 2000:
        TARGET.write_text(text)
        print(f"written to {TARGET}")


if __name__ == "__main__":
    main()
