"""Simulation-based calibration of the Bayesian engines (Talts et al. 2018, arXiv:1804.06788).

    python benchmarks/calibration.py              # 500 replications, writes docs/calibration.md
    python benchmarks/calibration.py --quick      # 60 replications, writes nothing
    python benchmarks/calibration.py --engine nuts --only slopes --replications 100

Parameters are drawn from the prior, a response from them, and the posterior from the response. If
the sampler is right, the parameter's rank among the posterior's draws is uniform. Each row of the
table is a chi-squared test of that, over 20 bins.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import partialpool as pp
from partialpool.bayes.control import Control
from partialpool.bayes.marginal import sample_marginal
from partialpool.bayes.prior_draws import draw_prior
from partialpool.bayes.statement import Statement, state
from partialpool.families import Response

TARGET = Path(__file__).parent.parent / "docs" / "calibration.md"
_BINS, _RANKS = 20, 99
_HEAD = """\
# Calibration

Made by `python benchmarks/calibration.py`. Parameters are drawn from the prior, a response from
them, and {ranks} nearly independent draws from the posterior given that response; over {n}
replications the rank of the parameter among the draws is uniform if priors, likelihood, Jacobians
and sampler are all right. *p* is of a chi-squared test over {bins} bins: of {count} tests a few lie
below 0.05 by chance, none should lie below 0.0005.

| model | priors | engine | parameter | p |
|---|---|---|---|---:|
"""


@dataclass(frozen=True)
class Case:
    """A model and its priors."""

    name: str
    formula: str
    priors: dict[str, str]
    family: str = "gaussian"


def cases() -> list[Case]:
    base = {"fixef": "normal(0, 1)", "Intercept": "normal(0, 1)"}
    half = base | {"sd": "half_normal(1)", "sigma": "half_normal(1)"}
    alone = {name: prior for name, prior in half.items() if name != "fixef"}
    return [
        Case("no random term", "y ~ x", base | {"sigma": "half_normal(1)"}),
        Case("intercepts, half-normal", "y ~ x + (1 | g)", half),
        Case(
            "intercepts, half Student's t",
            "y ~ x + (1 | g)",
            base | {"sd": "half_student_t(5, 1)", "sigma": "half_student_t(5, 1)"},
        ),
        Case(
            "intercepts, exponential",
            "y ~ x + (1 | g)",
            base | {"sd": "exponential(1)", "sigma": "exponential(1)"},
        ),
        Case(
            "intercepts, gamma and inverse gamma",
            "y ~ x + (1 | g)",
            base | {"sd": "gamma(2, 2)", "sigma": "inverse_gamma(4, 3)"},
        ),
        Case(
            "intercepts, log-normal and half-Cauchy",
            "y ~ x + (1 | g)",
            base | {"sd": "half_cauchy(0.5)", "sigma": "log_normal(0, 0.5)"},
        ),
        Case("slopes, LKJ", "y ~ x + (x | g)", half | {"corr": "lkj(2)"}),
        Case("three effects, LKJ", "y ~ 1 + (0 + t | g)", alone | {"corr": "lkj(1.5)"}),
        Case("crossed", "y ~ x + (1 | g) + (1 | h)", half),
        Case("compound symmetry", "y ~ 1 + cs(0 + t | g)", alone | {"corr": "lkj(1)"}),
        Case("autoregressive", "y ~ 1 + ar1(0 + t | g)", alone | {"corr": "lkj(2)"}),
    ]


def table() -> dict[str, Any]:
    n = 48
    return {
        # A spread of one, so that the columns' defaults don't matter.
        "y": np.random.default_rng(0).normal(size=n),
        "x": np.tile([-1.0, 1.0], n // 2),
        "g": np.repeat(np.arange(8), n // 8).astype(str),
        "h": np.tile(np.arange(6), n // 6).astype(str),
        "t": np.tile(np.repeat(["1", "2", "3"], 2), 8),
    }


def replications(case: Case, engine: str, n: int) -> Iterator[dict[str, int]]:
    """Ranks of the parameters, and of two random effects."""
    base = state(case.formula, table(), case.family, priors=case.priors)
    for i in range(n):
        rng = np.random.default_rng([i, 17])
        drawn = draw_prior(base, 1, rng)
        prior = pp.bayes.BayesFit(base, drawn, "prior", Control(1, 0, 1, 0))
        y = prior.simulate(1, seed=i)[:, 0]
        truth = values(prior)
        found = values(posterior(with_response(base, y), engine, i))
        yield {
            name: int((x[:: len(x) // _RANKS][:_RANKS] < truth[name][0]).sum())
            for name, x in found.items()
        }


def values(fit: pp.bayes.BayesFit) -> dict[str, np.ndarray]:
    out = {name: x.ravel() for name, x in fit.parameters.items()}
    for i, effects in enumerate(fit.draws.parts["mean"].effects):
        label = fit.design.random[i].term.source
        out[f"an effect of {label}"] = effects[:, :, 2, -1].ravel()
    return out


def with_response(base: Statement, y: np.ndarray) -> Statement:
    designs = {"mean": base.design.with_response(y)}
    response = Response(base.response.text, y)
    return Statement(
        designs, response, base.family, base.zero, base.kept, base.symbols, base.priors
    )


def posterior(statement: Statement, engine: str, seed: int) -> pp.bayes.BayesFit:
    control = Control(5 * _RANKS, 300, 2, seed, 0.9, 10)
    if engine == "marginal":
        return pp.bayes.BayesFit(
            statement, sample_marginal(statement, control, None), "marginal", control
        )
    from partialpool.bayes.general import sample_general

    return pp.bayes.BayesFit(statement, sample_general(statement, control, False), "nuts", control)


def uniformity(ranks: np.ndarray) -> float:
    counts = np.bincount(ranks * _BINS // (_RANKS + 1), minlength=_BINS)
    return float(stats.chisquare(counts).pvalue)


def rows(case: Case, engine: str, n: int) -> list[tuple[str, float]]:
    found = list(replications(case, engine, n))
    names = list(found[0])
    return [(name, uniformity(np.array([ranks[name] for ranks in found]))) for name in names]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--engine", choices=["marginal", "nuts"], default="marginal")
    parser.add_argument("--replications", type=int, default=500)
    arguments = parser.parse_args()
    n = 60 if arguments.quick else arguments.replications
    lines = []
    for case in cases():
        if arguments.only not in case.name:
            continue
        priors = ", ".join(f"{k} {v}" for k, v in case.priors.items())
        for name, p in rows(case, arguments.engine, n):
            formula = case.formula.replace("|", "\\|")
            shown = name.replace("|", "\\|")
            lines.append(f"| `{formula}` | {priors} | {arguments.engine} | {shown} | {p:.3f} |")
            print(lines[-1], flush=True)
    if not arguments.quick and not arguments.only and arguments.engine == "marginal":
        head = _HEAD.format(ranks=_RANKS, n=n, bins=_BINS, count=len(lines))
        TARGET.write_text(head + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
