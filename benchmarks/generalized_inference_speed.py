"""Time profile likelihoods of generalized models against lme4.

    python benchmarks/generalized_inference_speed.py           # writes docs/
    python benchmarks/generalized_inference_speed.py --quick   # the first model; writes nothing

Both programs use one thread, and the processor's time counts.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from one_thread import restart_with_one_thread
from r_session import RSession, has_package, unfair_blas
from speed_report import machine, time_text, versions

import partialpool as pp

TARGET = Path(__file__).parent.parent / "docs" / "speed-inference-generalized.md"
_BAR = 50.0
_INTRODUCTION = """\
# Speed of profile likelihoods of generalized models

Made by `python benchmarks/generalized_inference_speed.py`. The profile of all parameters up to
level 0.99, `fit.profile()` here and `profile(fit)` of a `glmer` there; one thread each, seconds of
the processor, in one run: lme4 once, ours the mean of three. *ends* is the largest difference of
the ends of the coefficients' 95% intervals, in widths of the interval.

| model | rows | lme4 | partialpool | ratio | bar | met | ends |
|---|---:|---:|---:|---:|---:|---|---:|
"""


def generalized_cases() -> list[tuple[str, str, pd.DataFrame, tuple[str, ...], bool]]:
    """Formula, family, data, columns that are factors, and whether lme4 takes a minute."""
    ticks = pp.load_dataset("grouseticks")
    ticks = ticks.assign(cHEIGHT=(ticks["HEIGHT"] - ticks["HEIGHT"].mean()) / 100)
    return [
        (
            "cbind(incidence, size - incidence) ~ period + (1 | herd)",
            "binomial",
            pp.load_dataset("cbpp"),
            ("period", "herd"),
            False,
        ),
        (
            "TICKS ~ YEAR + cHEIGHT + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)",
            "poisson",
            ticks,
            ("YEAR", "BROOD", "INDEX", "LOCATION"),
            True,
        ),
        (
            "use ~ age + urban + (1 | district)",
            "binomial",
            pp.load_dataset("Contraception"),
            ("use", "urban", "district"),
            True,
        ),
    ]


def main() -> None:
    restart_with_one_thread()
    parser = argparse.ArgumentParser(description="Time generalized profiles against lme4.")
    parser.add_argument("--quick", action="store_true", help="leave the slow models out")
    quick = parser.parse_args().quick
    if not has_package("lmerTest"):
        raise SystemExit("R with lme4 and lmerTest is needed.")
    pp.set_threads(1)
    session = RSession(Path(__file__).with_name("inference_speed.R"))
    r, lme4, _, _, blas = session.ask("about")[:5]
    print(_INTRODUCTION, end="")
    rows = [
        generalized(formula, family, data, factors, session)
        for formula, family, data, factors, slow in generalized_cases()
        if not (quick and slow)
    ]
    facts = f"\n{machine()}.\n\n{versions((f'R {r}', f'lme4 {lme4}'))}.\n"
    unfair = unfair_blas(blas)
    note = f"\n**This comparison is unfair:** {unfair}\n" if unfair else ""
    print(facts + note)
    if not quick:
        TARGET.write_text(_INTRODUCTION + "".join(rows) + facts + note)
        print(f"written to {TARGET}")


def generalized(
    formula: str, family: str, data: pd.DataFrame, factors: tuple[str, ...], session: RSession
) -> str:
    """Row of the table of generalized models' profiles."""
    path = session.folder / "data.csv"
    data.to_csv(path, index=False)
    session.ask("load", formula, str(path), " ".join(factors), family)
    theirs = float(session.ask("time", "profile", "1")[0])
    ends = np.array([float(x) for x in session.ask("ends")[0].split()]).reshape(-1, 2)
    fit = pp.glmm(formula, data.assign(**{f: data[f].astype(str) for f in factors}), family=family)
    start = time.process_time()
    for _ in range(3):
        found = fit.profile()
    ours = (time.process_time() - start) / 3
    mine = np.array([found[name].interval(0.95) for name in fit.fixef.names])
    off = float(np.max(np.abs(mine - ends) / np.diff(ends)))
    ratio = theirs / ours
    row = (
        f"| `{formula.replace('|', chr(92) + '|')}` | {len(data):,} | {time_text(theirs)} "
        f"| {time_text(ours)} | **{ratio:,.0f}** | {_BAR:.0f} | {'yes' if ratio >= _BAR else 'no'} "
        f"| {off:.0e} |\n"
    )
    print(row, end="", flush=True)
    return row


if __name__ == "__main__":
    main()
