"""Time degrees of freedom, profiles and bootstraps against lmerTest, pbkrtest and lme4.

    python benchmarks/inference_speed.py             # writes docs/speed-inference.md
    python benchmarks/inference_speed.py --quick     # without the slow cases; writes nothing

Both programs use one thread and take turns in rounds, and the processor's time counts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from one_thread import restart_with_one_thread
from r_session import RSession, has_package, unfair_blas
from speed_report import machine, time_text, versions

import partialpool as pp
from partialpool.inference import coefficient_tests

TARGET = Path(__file__).parent.parent / "docs" / "speed-inference.md"
_BAR = 50.0
_ROUNDS = 5
_INTRODUCTION = """\
# Speed of inference

Made by `python benchmarks/inference_speed.py`. Coefficients with standard errors, degrees of
freedom, t and p-values of a model that is fitted already, as arrays:
`inference.coefficient_tests(fit, ddf)` here, `coef(summary(...))` of lmerTest there (which takes
Kenward-Roger from pbkrtest). `fit.tidy(ddf=...)` takes half a millisecond more, in which pandas
makes a frame. One thread each, seconds of the processor; the programs take turns, times are medians
over the rounds, and the ratio is the median of the rounds' ratios. *df* is the largest relative
difference of the degrees of freedom.

| model | rows | method | R | partialpool | ratio | bar | met | df |
|---|---:|---|---:|---:|---:|---:|---|---:|
"""
_INTERVALS = """
The profile likelihood of all parameters up to level 0.99, `fit.profile()` and `profile(fit)`, and a
parametric bootstrap of 1,000 draws, `fit.bootstrap(1000)` and `bootMer` (whose time is ten times
that of 100 draws):

| model | what | lme4 | partialpool | ratio | bar | met |
|---|---|---:|---:|---:|---:|---|
"""
_ALONE = """
Ours alone, beyond the sizes at which pbkrtest's matrices of rows by rows fit in memory:

| model | rows | groups | method | partialpool |
|---|---:|---:|---|---:|
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A model that both programs fit; R's calls of Kenward-Roger can take minutes."""

    formula: str
    data: pd.DataFrame
    factors: tuple[str, ...]
    calls: int
    slow: bool = False


def cases() -> list[Case]:
    bdf = pp.load_dataset("bdf")
    groups = ("schoolNR",)
    return [
        Case("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"), ("Subject",), 3),
        Case(
            "weight ~ treatment * sex + litsize + (1 | litter)",
            pp.load_dataset("ratpup"),
            ("treatment", "sex", "litter"),
            3,
        ),
        Case(
            "diameter ~ 1 + (1 | plate) + (1 | sample)",
            pp.load_dataset("Penicillin"),
            ("plate", "sample"),
            3,
        ),
        Case(
            "langPOST ~ IQ.ver.cen + (IQ.ver.cen | schoolNR)",
            bdf[bdf["schoolNR"].isin(list(dict.fromkeys(bdf["schoolNR"]))[:60])],
            groups,
            1,
        ),
        Case("langPOST ~ IQ.ver.cen + (IQ.ver.cen | schoolNR)", bdf, groups, 1, slow=True),
    ]


def main() -> None:
    restart_with_one_thread()
    parser = argparse.ArgumentParser(description="Time inference against lmerTest and lme4.")
    parser.add_argument("--quick", action="store_true", help="leave the slow cases out")
    quick = parser.parse_args().quick
    if not (has_package("lmerTest") and has_package("pbkrtest")):
        raise SystemExit("R with lmerTest and pbkrtest is needed.")
    pp.set_threads(1)
    session = RSession(Path(__file__).with_suffix(".R"))
    r, lme4, lmertest, pbkrtest, blas = session.ask("about")[:5]
    print(_INTRODUCTION, end="")
    rows = [row for c in cases() if not (quick and c.slow) for row in measure(c, session)]
    print(_INTERVALS, end="")
    both = [row for c in cases()[:3] for row in intervals(c, session)]
    print(_ALONE, end="")
    alone = [] if quick else large()
    others = (f"R {r}", f"lme4 {lme4}", f"lmerTest {lmertest}", f"pbkrtest {pbkrtest}")
    facts = f"\n{machine()}.\n\n{versions(others)}.\n"
    unfair = unfair_blas(blas)
    note = f"\n**This comparison is unfair:** {unfair}\n" if unfair else ""
    print(facts + note)
    if not quick:
        tables = "".join(rows) + _INTERVALS + "".join(both) + _ALONE
        TARGET.write_text(_INTRODUCTION + tables + "".join(alone) + facts + note)
        print(f"written to {TARGET}")


def load(case: Case, session: RSession) -> pp.LmmFit:
    """Fit a model in both programs."""
    path = session.folder / "data.csv"
    case.data.to_csv(path, index=False)
    session.ask("load", case.formula, str(path), " ".join(case.factors))
    data = case.data.assign(**{f: case.data[f].astype(str) for f in case.factors})
    return pp.lmm(case.formula, data)


def intervals(case: Case, session: RSession) -> list[str]:
    """Rows of the table of profiles and bootstraps for one model."""
    fit = load(case, session)
    work = {"profile": fit.profile, "bootstrap": lambda: fit.bootstrap(1000, acceleration=False)}
    rows = []
    for what, ours in work.items():
        times = []
        for _ in range(3):
            theirs = float(session.ask("time", what, "1")[0])
            start = time.process_time()
            for _ in range(5):
                ours()
            times.append((theirs, (time.process_time() - start) / 5))
        scale = 10.0 if what == "bootstrap" else 1.0
        ratio = statistics.median(scale * a / b for a, b in times)
        a, b = (statistics.median(pair[i] for pair in times) for i in (0, 1))
        row = (
            f"| `{case.formula.replace('|', chr(92) + '|')}` | {what} | {time_text(scale * a)} "
            f"| {time_text(b)} | **{ratio:,.0f}** | {_BAR:.0f} "
            f"| {'yes' if ratio >= _BAR else 'no'} |\n"
        )
        print(row, end="", flush=True)
        rows.append(row)
    return rows


def measure(case: Case, session: RSession) -> list[str]:
    """Rows of the table for one model."""
    fit = load(case, session)
    rows = []
    for method in ("satterthwaite", "kenward-roger"):
        rounds = 1 if case.slow and method == "kenward-roger" else _ROUNDS
        theirs, ours = [], []
        for _ in range(rounds):
            theirs.append(float(session.ask("time", method, str(case.calls))[0]))
            ours.append(timed(fit, method, 30))
        df = np.array([float(x) for x in session.ask("df", method)[0].split()])
        mine = coefficient_tests(fit, method).df
        ratio = statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
        row = (
            f"| `{case.formula.replace('|', chr(92) + '|')}` | {len(case.data):,} | {method} "
            f"| {time_text(statistics.median(theirs))} | {time_text(statistics.median(ours))} "
            f"| **{ratio:,.0f}** | {_BAR:.0f} | {'yes' if ratio >= _BAR else 'no'} "
            f"| {np.max(np.abs(mine / df - 1)):.0e} |\n"
        )
        print(row, end="", flush=True)
        rows.append(row)
    return rows


def timed(fit: pp.LmmFit, method: str, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        coefficient_tests(fit, method)
    return (time.process_time() - start) / calls


def large() -> list[str]:
    """Random slopes of many groups, and many crossed groups."""
    rng = np.random.default_rng(1)
    n, J = 100_000, 5_000
    g, x = rng.integers(0, J, n), rng.normal(size=n)
    b = rng.normal(size=(J, 2))
    y = 1 + x + b[g, 0] + b[g, 1] * x + rng.normal(size=n)
    rows = []
    for formula, data, groups in (
        ("y ~ x + (x | g)", {"y": y, "x": x, "g": g}, "5,000"),
        (
            "y ~ 1 + service + (1 | s) + (1 | d) + (1 | dept)",
            pp.load_dataset("InstEval"),
            "2,972 + 1,128 + 14",
        ),
    ):
        fit = pp.lmm(formula, data)
        for method in ("satterthwaite", "kenward-roger"):
            row = (
                f"| `{formula.replace('|', chr(92) + '|')}` | {fit.nobs:,} | {groups} | {method} "
                f"| {time_text(min(timed(fit, method, 1) for _ in range(3)))} |\n"
            )
            print(row, end="", flush=True)
            rows.append(row)
    return rows


if __name__ == "__main__":
    main()
