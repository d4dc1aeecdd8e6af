"""Coverage of Wald, profile, bootstrap and cluster-robust intervals of generalized models.

python -m benchmarks.generalized_interval_coverage             # writes docs/
python -m benchmarks.generalized_interval_coverage --nsim 40   # a glance; writes nothing
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import partialpool as pp

TARGET = Path(__file__).parent.parent / "docs" / "interval-coverage-generalized.md"
_SEED = 20_260_302
_DRAWS = 199
_BOOTSTRAP_SHARE = 2
_INTRODUCTION = """\
# Coverage of intervals of generalized models

Made by `python -m benchmarks.generalized_interval_coverage`: data sets with known truth, and the
share, in per cent, of intervals of level 0.95 that hold it. {nsim:,} data sets of each design
(standard error {se:.1f} per cent), {boot:,} for the bootstrap ({se_boot:.1f}), with {draws} draws
each. Maximum likelihood by Laplace's approximation.

* *small*: 12 groups of 6 rows, random intercepts with SD 0.7; the covariate varies in groups.
* *between*: the same with a covariate of the groups.
* *crossed*: 15 subjects by 12 items, random intercepts of both, SD 0.8 and 0.5.

*coefficient* is that of the covariate, 0.5; *sd* that of the first factor's intercepts. A Wald
interval of a standard deviation goes by its delta-method error from `fit.variance_parameters()`; an
estimate of zero has none, and counts as a miss. Data sets without a finite maximum are drawn again.

| design | family | method | coefficient | sd |
|---|---|---|---:|---:|
"""
_ROBUST = """\

## Counts that vary more than a Poisson model says

Rows are negative binomial with dispersion 1, fitted as Poisson with random intercepts of groups of
8 rows: the coefficient is estimated right, its standard error isn't.

| groups | method | coefficient |
|---:|---|---:|
"""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A model with its true parameters."""

    name: str
    family: str
    columns: dict[str, NDArray[np.generic]]
    sd: float
    sd_h: float = 0.0

    @property
    def formula(self) -> str:
        """Of the model that is fitted."""
        return "y ~ x + (1 | g)" + (" + (1 | h)" if self.sd_h else "")

    def draw(self, rng: np.random.Generator) -> Array:
        """Response (n,)."""
        g = self.columns["g"]
        eta = 0.2 + 0.5 * self.columns["x"] + (rng.normal(size=int(g.max()) + 1) * self.sd)[g]
        if self.sd_h:
            h = self.columns["h"]
            eta = eta + (rng.normal(size=int(h.max()) + 1) * self.sd_h)[h]
        if self.family == "poisson":
            return rng.poisson(np.exp(eta)).astype(float)
        return (rng.random(len(eta)) < 1.0 / (1.0 + np.exp(-eta))).astype(float)


def designs() -> Iterator[Design]:
    rng = np.random.default_rng(1)
    for family in ("poisson", "binomial"):
        g = np.repeat(np.arange(12), 6)
        yield Design("small", family, {"g": g, "x": rng.normal(size=len(g))}, 0.7)
        yield Design("between", family, {"g": g, "x": rng.normal(size=12)[g]}, 0.7)
        g, h = (i.ravel() for i in np.meshgrid(np.arange(15), np.arange(12), indexing="ij"))
        yield Design("crossed", family, {"g": g, "h": h, "x": rng.normal(size=len(g))}, 0.8, 0.5)


def refits(design: Design, nsim: int) -> Iterator[pp.GlmmFit]:
    """Fits to data sets that have a finite maximum."""
    rng = np.random.default_rng(_SEED)
    found = 0
    while found < nsim:
        data = {"y": design.draw(rng), **design.columns}
        try:
            yield pp.glmm(design.formula, data, family=design.family)
        except pp.errors.ModelError:  # separated: no interval by any method
            continue
        found += 1


def likelihood(design: Design, nsim: int) -> Iterator[tuple[str, Array]]:
    """Coverage of Wald and profile intervals."""
    truth = np.array([0.5, design.sd])
    holds: dict[str, list[Array]] = {"Wald": [], "profile": []}
    for fit in refits(design, nsim):
        table, sds = fit.confint(), fit.variance_parameters()
        low = np.array([table["conf_low"][1], sds["estimate"][0] - 1.96 * sds["std_error"][0]])
        high = np.array([table["conf_high"][1], sds["estimate"][0] + 1.96 * sds["std_error"][0]])
        holds["Wald"].append((low <= truth) & (truth <= high))
        found = fit.profile(["x", "sd(g.Intercept)"], level=0.951)
        ends = np.array([curve.interval(0.95) for curve in found.curves])
        holds["profile"].append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    for method, held in holds.items():
        yield method, 100 * np.mean(held, axis=0)


def bootstraps(design: Design, nsim: int) -> Iterator[tuple[str, Array]]:
    """Coverage of percentile intervals of parametric draws."""
    truth = np.array([0.5, design.sd])
    held = []
    for i, fit in enumerate(refits(design, nsim)):
        draws = fit.bootstrap(_DRAWS, seed=i)
        at = [draws.names.index(name) for name in ("x", "sd(g.Intercept)")]
        table = draws.confint()
        low, high = np.asarray(table["conf_low"])[at], np.asarray(table["conf_high"])[at]
        held.append((low <= truth) & (truth <= high))
    yield "bootstrap, percentile", 100 * np.mean(held, axis=0)


def robust(groups: int, nsim: int) -> Iterator[tuple[str, float]]:
    """Coverage of Wald and CR1 intervals where the family's variance is wrong."""
    rng = np.random.default_rng(_SEED)
    g = np.repeat(np.arange(groups), 8)
    hits = np.zeros(2)
    for _ in range(nsim):
        x = rng.normal(size=len(g))
        mu = np.exp(0.5 + 0.5 * x + 0.4 * rng.normal(size=groups)[g])
        y = rng.poisson(mu * rng.gamma(1.0, 1.0, len(g)))
        fit = pp.glmm("y ~ x + (1 | g)", {"y": y, "x": x, "g": g}, family="poisson")
        for i, ddf in enumerate((None, fit.cluster_robust("g"))):
            table = fit.confint(ddf=ddf)
            hits[i] += table["conf_low"][1] <= 0.5 <= table["conf_high"][1]
    yield from zip(("Wald", "CR1"), 100 * hits / nsim, strict=True)


_Study = Callable[[Design, int], Iterator[tuple[str, Array]]]


def rows(study: _Study, nsim: int) -> str:
    """Rows of a table, printed as they come."""
    text = ""
    for design in designs():
        for method, share in study(design, nsim):
            numbers = " | ".join(f"{x:.1f}" for x in share)
            line = f"| {design.name} | {design.family} | {method} | {numbers} |\n"
            print(line, end="", flush=True)
            text += line
    return text


def robust_rows(nsim: int) -> str:
    text = ""
    for groups in (20, 60):
        for method, share in robust(groups, nsim):
            line = f"| {groups} | {method} | {share:.1f} |\n"
            print(line, end="", flush=True)
            text += line
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of intervals of generalized models.")
    parser.add_argument("--nsim", type=int, default=1000, help="data sets of each design")
    nsim = parser.parse_args().nsim
    boot = nsim // _BOOTSTRAP_SHARE
    se, se_boot = (100 * np.sqrt(0.05 * 0.95 / n) for n in (nsim, boot))
    start = time.process_time()
    text = _INTRODUCTION.format(nsim=nsim, se=se, boot=boot, se_boot=se_boot, draws=_DRAWS)
    text += rows(likelihood, nsim)
    robustly = _ROBUST + robust_rows(nsim)
    text += rows(bootstraps, boot) + robustly
    print(f"{time.process_time() - start:.0f} s")
    if nsim >= 1000:
        TARGET.write_text(text)
        print(f"written to {TARGET}")


if __name__ == "__main__":
    main()
