"""Coverage of profile, bootstrap and prediction intervals, where the truth is known.

python -m benchmarks.interval_coverage               # writes docs/interval-coverage.md
python -m benchmarks.interval_coverage --nsim 40     # a glance; writes nothing
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

TARGET = Path(__file__).parent.parent / "docs" / "interval-coverage.md"
_SEED = 20_260_102
_DRAWS = 999
_BOOTSTRAP_SHARE = 4
_INTRODUCTION = """\
# Coverage of intervals

Made by `python -m benchmarks.interval_coverage`: data sets with known truth, and the share, in per
cent, of intervals of level 0.95 that hold it. {nsim:,} data sets of each design for profiles
(standard error {se:.1f} per cent), {boot:,} for what takes a bootstrap ({se_boot:.1f}), with
{draws} draws each; fits by REML.

* *sleepstudy-like*: 18 subjects, 10 days each, random intercepts and slopes.
* *small*: 6 groups of 5 rows, random slopes.
* *unbalanced*: 15 groups of 2 to 30 rows, random intercepts.
* *crossed*: 8 subjects by 10 items, random slopes of subjects, random intercepts of items.

"""
_PARAMETERS = """\
## Parameters

*sd* is the standard deviation of the random intercepts of the first factor.

| design | method | slope | sd | sigma |
|---|---|---:|---:|---:|
"""
_PREDICTIONS = """\

## Predictions

A new observation, and the mean that it has, in a group of the data and in a new one. Plug-in
intervals take the covariance parameters for known. What the bootstrap adds is that they aren't.

| design | method | observation, known group | observation, new group | mean, known group \
| mean, new group |
|---|---|---:|---:|---:|---:|
"""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A model with its true parameters.

    Attributes
    ----------
    columns
        Covariates and groups.
    sd
        True standard deviations of the effects of ``g``: intercept, slope of x.
    sd_h
        Of the intercepts of ``h``, if there is such a factor.
    """

    name: str
    formula: str
    columns: dict[str, NDArray[np.generic]]
    sd: tuple[float, float]
    sd_h: float = 0.0

    def draw(self, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Response, effects of g (J, 2), effects of h."""
        g, x = self.columns["g"], self.columns["x"]
        b = rng.normal(size=(int(g.max()) + 1, 2)) * self.sd
        y = 1.0 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=len(g))
        c = np.zeros(1)
        if "h" in self.columns:
            c = rng.normal(size=int(self.columns["h"].max()) + 1) * self.sd_h
            y = y + c[self.columns["h"]]
        return y, b, c


def designs() -> Iterator[Design]:
    g, x = np.repeat(np.arange(18), 10), np.tile(np.arange(10.0), 18)
    yield Design("sleepstudy-like", "y ~ x + (x | g)", {"g": g, "x": x}, (1.0, 0.25))
    g, x = np.repeat(np.arange(6), 5), np.tile(np.linspace(-1, 1, 5), 6)
    yield Design("small", "y ~ x + (x | g)", {"g": g, "x": x}, (1.0, 0.7))
    g = np.repeat(np.arange(15), [2, 2, 3, 3, 4, 5, 5, 6, 8, 10, 12, 15, 20, 25, 30])
    x = np.random.default_rng(1).normal(size=len(g)) + 0.3 * (g % 4)
    yield Design("unbalanced", "y ~ x + (1 | g)", {"g": g, "x": x}, (1.0, 0.0))
    g, h = (i.ravel() for i in np.meshgrid(np.arange(8), np.arange(10), indexing="ij"))
    x = np.where(h % 2 == 0, -0.5, 0.5)
    formula = "y ~ x + (x | g) + (1 | h)"
    yield Design("crossed", formula, {"g": g, "h": h, "x": x}, (1.0, 1.0), 0.7)


def profiles(design: Design, nsim: int) -> Iterator[tuple[str, Array]]:
    """Coverage of profile intervals of slope, sd and sigma."""
    rng = np.random.default_rng(_SEED)
    truth = np.array([0.5, design.sd[0], 1.0])
    fit = first_fit(design, rng)
    names = ["x", "sd(g.Intercept)", "sigma"]
    holds = []
    for _ in range(nsim):
        found = fit.refit(design.draw(rng)[0]).profile(names, level=0.951)
        ends = np.array([curve.interval(0.95) for curve in found.curves])
        holds.append((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    yield "profile", 100 * np.mean(holds, axis=0)


def bootstraps(design: Design, nsim: int) -> Iterator[tuple[str, Array]]:
    """Coverage of bootstrap intervals of slope, sd and sigma."""
    rng = np.random.default_rng(_SEED)
    truth = np.array([0.5, design.sd[0], 1.0])
    fit = first_fit(design, rng)
    methods = ("percentile", "basic", "bca")
    holds: dict[str, list[Array]] = {method: [] for method in methods}
    for i in range(nsim):
        draws = fit.refit(design.draw(rng)[0]).bootstrap(_DRAWS, seed=i)
        at = [draws.names.index(name) for name in ("x", "sd(g.Intercept)", "sigma")]
        for method in methods:
            table = draws.confint(method=method)
            low, high = table["conf_low"][at], table["conf_high"][at]
            holds[method].append((low <= truth) & (truth <= high))
    for method in methods:
        yield f"bootstrap, {method}", 100 * np.mean(holds[method], axis=0)


def predictions(design: Design, nsim: int) -> Iterator[tuple[str, Array]]:
    """Coverage of intervals of an observation and of its mean, in known and new groups."""
    rng = np.random.default_rng(_SEED)
    fit = first_fit(design, rng)
    methods = ("plug-in", "bootstrap")
    holds: dict[str, list[Array]] = {method: [] for method in methods}
    for i in range(nsim):
        y, b, c = design.draw(rng)
        x, group = float(rng.choice(design.columns["x"])), int(rng.integers(len(b)))
        new_b = rng.normal(size=2) * design.sd
        item = int(rng.integers(len(c)))
        mean = np.array([1.0 + 0.5 * x + e[0] + e[1] * x + c[item] for e in (b[group], new_b)])
        observed = mean + rng.normal(size=2)
        rows = {"x": [x, x], "g": [group, -1], "h": [item, item]}
        again = fit.refit(y)
        for method in methods:
            held = []
            for interval, target in (("prediction", observed), ("confidence", mean)):
                found = again.predict(
                    rows,
                    new_levels="population",
                    interval=interval,
                    method=method,
                    draws=_DRAWS,
                    seed=i,
                )
                held.append((found["conf_low"] <= target) & (target <= found["conf_high"]))
            holds[method].append(np.concatenate(held))
    for method in methods:
        yield method, 100 * np.mean(holds[method], axis=0)


def first_fit(design: Design, rng: np.random.Generator) -> pp.LmmFit:
    return pp.lmm(design.formula, {"y": design.draw(rng)[0], **design.columns})


_Study = Callable[[Design, int], Iterator[tuple[str, Array]]]


def rows(study: _Study, nsim: int) -> str:
    """Rows of a table, printed as they come."""
    text = ""
    for design in designs():
        for method, share in study(design, nsim):
            line = f"| {design.name} | {method} | {' | '.join(f'{x:.1f}' for x in share)} |\n"
            print(line, end="", flush=True)
            text += line
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage of intervals.")
    parser.add_argument("--nsim", type=int, default=2000, help="data sets of each design")
    nsim = parser.parse_args().nsim
    boot = nsim // _BOOTSTRAP_SHARE
    se, se_boot = (100 * np.sqrt(0.05 * 0.95 / n) for n in (nsim, boot))
    start = time.process_time()
    text = _INTRODUCTION.format(nsim=nsim, se=se, boot=boot, se_boot=se_boot, draws=_DRAWS)
    text += _PARAMETERS + rows(profiles, nsim) + rows(bootstraps, boot)
    text += _PREDICTIONS + rows(predictions, boot)
    print(f"{time.process_time() - start:.0f} s")
    if nsim >= 2000:
        TARGET.write_text(text)
        print(f"written to {TARGET}")


if __name__ == "__main__":
    main()
