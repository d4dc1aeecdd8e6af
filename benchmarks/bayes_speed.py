"""Time Bayesian mixed models, against Bambi where an interpreter has it.

    python benchmarks/bayes_speed.py                    # ours alone, writes nothing
    python benchmarks/bayes_speed.py --bambi PYTHON     # writes docs/speed-bayes.md

Bambi and its sampler live in an environment of their own, since PyMC pins versions of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from speed_report import machine, versions

import partialpool as pp
from partialpool.bayes.diagnostics import diagnose

TARGET = Path(__file__).parent.parent / "docs" / "speed-bayes.md"
_BAMBI = Path(__file__).with_name("bayes_speed_bambi.py")
_HEAD = """\
# Speed of Bayesian models

Made by `python benchmarks/bayes_speed.py --bambi PYTHON`. Whole call, from formula and table to
posterior: 4 chains of 1,000 draws after 1,000 of warm-up. *cpu* are seconds of the processor, all
threads together, *wall* those of the clock; imports are left out of all. *ESS* is the smallest bulk
effective sample size of all parameters{effects}. Bambi's model has no correlation between intercept
and slope, which makes it the easier one.

| model | program | wall | cpu | smallest ESS | ESS per cpu second | ours / theirs |
|---|---|---:|---:|---:|---:|---:|
"""


def ours(formula: str, data: Any, effects: bool) -> dict[str, float]:
    pp.bmm(formula, data, draws=4, tune=20, progress=lambda done, total: None)  # imports
    start, cpu = time.perf_counter(), time.process_time()
    fit = pp.bmm(formula, data, seed=1)
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    stacked = [np.stack(list(fit.parameters.values()), axis=-1)]
    if effects:
        stacked += [b.reshape(*b.shape[:2], -1) for b in fit.draws.parts["mean"].effects]
    smallest = float(diagnose(np.concatenate(stacked, axis=-1)).ess_bulk.min())
    return {"wall": wall, "cpu": cpu, "ess": smallest}


def bambi(python: str, path: Path, sampler: str) -> dict[str, float]:
    command = [python, str(_BAMBI), str(path), sampler]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(found.stdout.strip().splitlines()[-1]))


def large() -> dict[str, np.ndarray]:
    """100,000 rows of 5,000 groups with random slopes."""
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, 5000, 100_000), rng.normal(size=100_000)
    b = rng.normal(size=(5000, 2)) * [1, 0.5]
    y = 2 + 0.5 * x + b[g, 0] + b[g, 1] * x + rng.normal(size=100_000)
    return {"y": y, "x": x, "g": g}


def row(model: str, program: str, found: dict[str, float], best: float | None) -> str:
    rate = found["ess"] / found["cpu"]
    ratio = "" if best is None else f"**{best / rate:,.0f}**"
    return (
        f"| `{model}` | {program} | {found['wall']:.2f} s | {found['cpu']:.2f} s "
        f"| {found['ess']:,.0f} | {rate:,.0f} | {ratio} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bambi", help="an interpreter with bambi, numpyro and nutpie")
    arguments = parser.parse_args()
    sleep = pp.load_dataset("sleepstudy")
    formula = "Reaction ~ Days + (Days \\| Subject)"
    own = ours("Reaction ~ Days + (Days | Subject)", sleep, effects=True)
    lines = [row(formula, "partialpool", own, None)]
    if arguments.bambi:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "sleep.csv"
            sleep.to_csv(path, index=False)
            for sampler in ("numpyro", "nutpie"):
                found = bambi(arguments.bambi, path, sampler)
                rate = own["ess"] / own["cpu"]
                lines.append(row(formula, f"Bambi, {sampler}", found, rate))
    big = ours("y ~ x + (x | g)", large(), effects=False)
    lines.append(row("y ~ x + (x \\| g), 100,000 rows, 5,000 groups", "partialpool", big, None))
    text = _HEAD.format(effects=" (of sleepstudy, random effects included)")
    text += "\n".join(lines) + f"\n\n{machine()}.\n\n{versions()}.\n"
    sys.stdout.write(text)
    if arguments.bambi:
        TARGET.write_text(text)


if __name__ == "__main__":
    main()
