"""Simulation-based calibration of the Bayesian engines (Talts et al. 2018, arXiv:1804.06788).

    python -m benchmarks.calibration              # 500 replications, writes docs/calibration.md
    python -m benchmarks.calibration --quick      # 60 replications, writes nothing
    python -m benchmarks.calibration --engine nuts --only Poisson --replications 1000
    python -m benchmarks.calibration --keep rows.json   # goes on where it was stopped
    python -m benchmarks.calibration --keep rows.json --finished   # writes what there is

Parameters are drawn from the prior, a response from them, and the posterior from the response. If
the sampler is right, the parameter's rank among the posterior's draws is uniform.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import stats

import partialpool as pp
from benchmarks.calibration_cases import Case, cases, statement_of
from benchmarks.calibration_draws import BATCH, posteriors
from partialpool.bayes.control import Control
from partialpool.bayes.prior_draws import draw_prior

TARGET = Path(__file__).parent.parent / "docs" / "calibration.md"
_BINS, _RANKS, _THIN = 10, 49, 5
_HEAD = """\
# Calibration

Made by `python -m benchmarks.calibration` ({minutes:.0f} minutes of one processor). Parameters are
drawn from the prior, a response from them, and {ranks} nearly independent draws from the posterior
given that response; over {n} replications the rank of the parameter among the draws is uniform if
priors, likelihood, Jacobians and sampler are all right. Behind each parameter are two p-values: of
a chi-squared test over {bins} bins, and of the largest distance between the ranks' distribution
and the uniform one. Of {count} p-values {low} are below 0.05 ({expected:.0f} expected), and the
smallest is {least:.2g}: {count} true hypotheses, were they independent, would have one that small
with probability {chance:.2f}.

Engine "nuts" runs the programs that `bmm` runs, on {batch} data sets at once.{missing}

| model | family | priors | engine | p-values |
|---|---|---|---|---|
"""


def ranks(case: Case, engine: str, n: int) -> dict[str, np.ndarray]:
    """Ranks of the parameters, and of a random effect of every term, (n,) each."""
    base = statement_of(case)
    truths, responses = [], []
    for i in range(n):
        drawn = draw_prior(base, 1, np.random.default_rng([i, 17]))
        prior = pp.bayes.BayesFit(base, drawn, "prior", Control(1, 0, 1, 0))
        y = prior.simulate(1, seed=i)[:, 0]
        # Beta's proportions may round to one.
        responses.append(np.clip(y, 1e-12, 1 - 1e-12) if case.family == "beta" else y)
        truths.append(values(prior))
    draws = _RANKS * _THIN
    out: dict[str, list[int]] = {}
    for truth, fit in zip(truths, posteriors(base, responses, engine, draws), strict=True):
        for name, x in values(fit).items():
            out.setdefault(name, []).append(int((x[::_THIN][:_RANKS] < truth[name][0]).sum()))
    return {name: np.array(found) for name, found in out.items()}


def values(fit: pp.bayes.BayesFit) -> dict[str, np.ndarray]:
    out = {name: x.ravel() for name, x in fit.parameters.items()}
    for i, effects in enumerate(fit.draws.parts["mean"].effects):
        label = fit.design.random[i].term.source
        out[f"an effect of {label}"] = effects[:, :, 2, -1].ravel()
    return out


def by_bins(found: np.ndarray) -> float:
    counts = np.bincount(found * _BINS // (_RANKS + 1), minlength=_BINS)
    return float(stats.chisquare(counts).pvalue)


def by_distance(found: np.ndarray, simulated: int = 4000) -> float:
    """P-value of the largest distance between distribution functions, by simulation."""
    rng = np.random.default_rng(len(found))
    draws = rng.integers(0, _RANKS + 1, (simulated, len(found)))
    null = np.array([_distance(row) for row in draws])
    return float((1 + (null >= _distance(found) - 1e-12).sum()) / (simulated + 1))


def _distance(found: np.ndarray) -> float:
    share = np.bincount(found, minlength=_RANKS + 1).cumsum() / len(found)
    return float(np.abs(share - np.arange(1, _RANKS + 2) / (_RANKS + 1)).max())


def row(case: Case, engine: str, n: int) -> tuple[str, list[float]]:
    pairs = {
        name: (by_bins(x), by_distance(x)) for name, x in sorted(ranks(case, engine, n).items())
    }
    priors = ", ".join(f"{k} {v}" for k, v in case.priors.items())
    formula = " ".join([case.formula, *(f"{k} {v}" for k, v in case.parts.items())])
    said = "; ".join(f"{name} {a:.3f} {b:.3f}" for name, (a, b) in pairs.items())
    family = case.family if isinstance(case.family, str) else f"{case.family.name} (one's own)"
    cells = [f"`{formula}`", family, priors, engine, said]
    line = "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    return line, [p for pair in pairs.values() for p in pair]


def head(found: list[float], missing: list[str], n: int, seconds: float) -> str:
    p = np.array(found)
    return _HEAD.format(
        minutes=seconds / 60,
        ranks=_RANKS,
        n=n,
        bins=_BINS,
        count=len(p),
        low=int((p < 0.05).sum()),
        expected=0.05 * len(p),
        least=p.min(),
        chance=1 - (1 - p.min()) ** len(p),
        batch=BATCH,
        missing="" if not missing else f" Still to run: {', '.join(missing)}.",
    )


def wanted(arguments: argparse.Namespace) -> Iterator[tuple[Case, str]]:
    for engine in ("marginal", "nuts"):
        for case in cases(engine):
            named = not arguments.only or any(text in case.name for text in arguments.only)
            if named and arguments.engine in ("both", engine):
                yield case, engine


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--engine", choices=["marginal", "nuts", "both"], default="both")
    parser.add_argument("--replications", type=int, default=500)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--finished", action="store_true")
    arguments = parser.parse_args()
    # Many small programs: threads would only wait for each other.
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
    n = 60 if arguments.quick else arguments.replications
    rows, missing = [], []
    for case, engine in wanted(arguments):
        name = f"{engine}: {case.name}, {n}"
        found = kept(arguments.keep).get(name)
        if found is None and arguments.finished:
            missing.append(f"{case.name} ({engine})")
            continue
        if found is None:
            start = time.process_time()
            line, p = row(case, engine, n)
            found = {"name": name, "line": line, "p": p, "s": time.process_time() - start}
            keep(arguments.keep, found)
        rows.append(found)
        print(f"{found['s']:.0f} s {min(found['p']):.4f} {found['line']}", flush=True)
    if not (arguments.quick or arguments.only) and arguments.engine == "both":
        write(rows, missing, n)


def write(rows: list[dict], missing: list[str], n: int) -> None:
    p = [x for found in rows for x in found["p"]]
    top = head(p, missing, n, sum(found["s"] for found in rows))
    TARGET.write_text(top + "\n".join(found["line"] for found in rows) + "\n")


def kept(path: Path | None) -> dict[str, dict]:
    if path is None or not path.exists():
        return {}
    return {found["name"]: found for found in map(json.loads, path.read_text().splitlines())}


def keep(path: Path | None, found: dict) -> None:
    if path is not None:
        with path.open("a") as file:
            file.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
