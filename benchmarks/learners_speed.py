"""Time what an iteration of a mixed-effects learner costs besides the learner.

    python -m benchmarks.learners_speed          # writes docs/speed-learners.md

Run from the repository's root. Where merf is installed, or the environment variable
MERF_PYTHON names a Python that has it, both are timed in turns on the same rows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import partialpool as pp
from benchmarks.speed_report import machine, time_text, versions
from partialpool.compat.merf import MERF
from partialpool.learners.grouped import build_design, read_rows
from partialpool.learners.layout import lay_out
from partialpool.learners.variance import make_step

TARGET = Path("docs/speed-learners.md")
ROUNDS = 3

# A learner that costs nothing, so that what is left is the rest.
NOTHING = """
import sys, time
import numpy as np, pandas as pd
class Nothing:
    def fit(self, X, y): return self
    def predict(self, X): return np.zeros(len(X))
    def get_params(self, deep=True): return {}
"""
THEIRS = """
from merf import MERF
rows = np.load(sys.argv[1])
X, Z, y, clusters = rows["X"], rows["Z"], rows["y"], pd.Series(rows["g"])
def run(n):
    model = MERF(Nothing(), max_iterations=n)
    start = time.process_time()
    model.fit(X, Z, clusters, y)
    return time.process_time() - start
first, more = run(1), run(2)
model = MERF(Nothing(), max_iterations=2)
model.fit(X, Z, clusters, y)
print(more - first, model.sigma2_hat_history[-1])
"""


class Nothing:
    """A learner that costs nothing."""

    def fit(self, X: Any, y: Any) -> Nothing:  # noqa: D102
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: D102
        return np.zeros(len(X))

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: D102
        return {}


def rows(n: int, n_groups: int, k: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    g = rng.integers(0, n_groups, n)
    Z = np.column_stack([np.ones(n), rng.normal(size=n)])[:, :k]
    y = (Z * rng.normal(size=(n_groups, k))[g]).sum(axis=1) + rng.normal(size=n)
    return {"X": rng.normal(size=(n, 3)), "Z": np.ascontiguousarray(Z), "g": g, "y": y}


def ours(data: dict[str, np.ndarray], iterations: int = 11) -> float:
    """Seconds of the processor for one iteration, of merf's kind."""
    clusters = pd.Series(data["g"])

    def run(count: int) -> float:
        model = MERF(Nothing(), max_iterations=count)
        start = time.process_time()
        model.fit(data["X"], data["Z"], clusters, data["y"])
        return time.process_time() - start

    return (run(iterations) - run(1)) / (iterations - 1)


def likelihood(data: dict[str, np.ndarray], iterations: int = 5) -> float:
    """Seconds of the processor for one iteration with variance="ml": step and fitted values."""
    layout = lay_out(data["X"], None, data["g"], data["Z"])
    own = read_rows(data["X"], layout, data["g"], data["Z"])
    step = make_step(build_design(own, layout, data["y"], None), "ml")
    part = step(data["y"], None)
    start = time.process_time()
    for i in range(iterations):
        part = step(data["y"] - 0.01 * i * part.fitted, part)
    return (time.process_time() - start) / iterations


def theirs(data: dict[str, np.ndarray]) -> float | None:
    python = os.environ.get("MERF_PYTHON") or (sys.executable if find_spec("merf") else None)
    if python is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npz"
        np.savez(path, **data)
        command = [python, "-c", NOTHING + THEIRS, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[0])


HEAD = """\
# Speed of learners with random effects

Made by `python -m benchmarks.learners_speed`: seconds of the processor that one iteration takes
besides the learner, which here costs nothing. One thread; merf 1.0 and ours in turns, medians
over {rounds} rounds, and the ratio with the lowest and the highest.

* *as merf*: `partialpool.compat.merf.MERF`, which gives merf's numbers.
* *maximum likelihood*: the default of `MixedEffectsRegressor`: the likelihood maximised anew, and
  Z b for every row.

| rows | groups | effects | merf 1.0 | as merf | merf / ours | maximum likelihood |
|---:|---:|---:|---:|---:|---:|---:|
"""


def line(n: int, n_groups: int, k: int, with_merf: bool) -> str:
    data = rows(n, n_groups, k)
    pairs = []
    for _ in range(ROUNDS):
        slow = theirs(data) if with_merf else None
        pairs.append((slow, ours(data), likelihood(data)))
    mine = float(np.median([pair[1] for pair in pairs]))
    ml = float(np.median([pair[2] for pair in pairs]))
    cells = ["", time_text(mine), ""]
    if pairs[0][0] is not None:
        ratios = [pair[0] / pair[1] for pair in pairs if pair[0] is not None]
        cells[0] = time_text(float(np.median([pair[0] or 0.0 for pair in pairs])))
        cells[2] = f"**{np.median(ratios):.0f}** ({min(ratios):.0f}–{max(ratios):.0f})"
    return f"| {n:,} | {n_groups:,} | {k} | " + " | ".join([*cells, time_text(ml)]) + " |\n"


def main() -> None:
    pp.set_threads(1)
    text = HEAD.format(rounds=ROUNDS)
    for n, n_groups, k, with_merf in (
        (10_000, 500, 1, True),
        (10_000, 500, 2, True),
        (1_000_000, 50_000, 1, False),
        (1_000_000, 50_000, 2, False),
    ):
        text += line(n, n_groups, k, with_merf)
        print(text.splitlines()[-1], flush=True)
    TARGET.write_text(f"{text}\n{machine()}\n\n{versions()}\n")


if __name__ == "__main__":
    main()
