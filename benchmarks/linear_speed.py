"""Time linear mixed models against lme4 (or statsmodels, where R has no lme4).

    python benchmarks/linear_speed.py             # writes docs/speed.md
    python benchmarks/linear_speed.py --quick     # without the slow cases; writes nothing

Both programs use one thread and take turns in rounds, and the processor's time counts: whatever
else the machine does hits both, or none.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from one_thread import restart_with_one_thread
from speed_cases import Case, Repeats, cases
from speed_report import TARGET, machine, time_text, versions, write_section
from speed_rivals import Outcome, Rival, find_rival

import partialpool as pp
from partialpool.solve import Likelihood, solve

# Both stop close to the optimum; a difference above this means that one did not.
_SAME_OPTIMUM = 1e-3
_RESPONSES = 20
_WHAT = {
    "call": "whole call",
    "design": "given the design",
    "refit": "refit to a new response",
}
_INTRODUCTION = """\
## Against {rival}

Made by `python benchmarks/linear_speed.py`. One thread each, and seconds of the processor, which
are those of the clock where nothing else runs; the programs take turns, and the times are medians
over the rounds. The ratio is the median of the rounds' ratios, with the lowest and the highest.

* *whole call*: formula and table to fit, `lmm(formula, data)` and `lmer(formula, data)`; R's
  factors are made before.
* *given the design*: what follows once the matrices are there, `solve(design, ...)` and all that
  `lmer` does after `lFormula`.
* *refit to a new response*: `fit.refit(y)` and `refit(fit, y)`, over {responses} simulated
  responses.
* *criterion*: ours less theirs; negative where ours is the better optimum.

Nothing is cached between calls.

"""
_HEADER = (
    "| case | what | {rival} | partialpool | ratio (lowest–highest) | bar | met | evaluations, "
    "{rival} / ours | criterion |\n|---|---|---:|---:|---:|---:|---|---:|---:|\n"
)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of the processor per call of both programs, round by round."""

    rival: tuple[float, ...]
    ours: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours was, round by round."""
        return [a / b for a, b in zip(self.rival, self.ours, strict=True)]


def main() -> None:
    restart_with_one_thread()
    parser = argparse.ArgumentParser(description="Time linear mixed models against lme4.")
    parser.add_argument("--quick", action="store_true", help="leave the slow cases out")
    quick = parser.parse_args().quick
    rival = find_rival()
    if rival is None:
        raise SystemExit("Neither Rscript with lme4 nor statsmodels was found.")
    if rival.unfair:
        print("UNFAIR:", rival.unfair)
    pp.set_threads(1)
    header = _HEADER.format(rival=rival.name)
    print(header, end="")
    rows = [row for case in cases(quick) for row in measure(case, rival)]
    facts = f"\n{machine()}.\n\n{versions(rival.facts)}.\n"
    print(facts)
    if not quick:
        unfair = f"**This comparison is unfair:** {rival.unfair}\n\n" if rival.unfair else ""
        introduction = _INTRODUCTION.format(rival=rival.name, responses=_RESPONSES)
        write_section("speed", introduction + unfair + header + "".join(rows) + facts)
        print(f"written to {TARGET}")


def measure(case: Case, rival: Rival) -> list[str]:
    """Rows of the table for one case, printed as they come."""
    known = {work: repeats for work, repeats in case.work.items() if rival.knows(case, work)}
    if not known:
        return []
    data = case.data()
    fit = pp.lmm(case.formula, data)
    drawn = fit.simulate(_RESPONSES, seed=1) if "refit" in known else np.empty((0, 0))
    responses = np.ascontiguousarray(drawn.T)
    rival.load(case, data, responses)
    ours = our_work(case, data, fit, responses)
    rows = []
    for work, repeats in known.items():
        timing = take_turns(rival, work, ours[work], repeats)
        rows.append(row(case, work, repeats, timing, rival.outcome(), fit))
        print(rows[-1], end="", flush=True)
    return rows


def our_work(
    case: Case, data: pd.DataFrame, fit: pp.LmmFit, responses: np.ndarray
) -> dict[str, Callable[[int], object]]:
    likelihood = Likelihood(reml=True)
    return {
        "call": lambda i: pp.lmm(case.formula, data),
        "design": lambda i: solve(fit.design, likelihood),
        "refit": lambda i: fit.refit(responses[i % len(responses)]),
    }


def take_turns(rival: Rival, work: str, ours: Callable[[int], object], repeats: Repeats) -> Timing:
    """Time both programs in alternating rounds, after one that doesn't count."""
    if repeats.rounds > 1:
        rival.seconds(work, 1)
    seconds(ours, 1)
    pairs = [
        (rival.seconds(work, repeats.rival), seconds(ours, repeats.ours))
        for _ in range(repeats.rounds)
    ]
    return Timing(*zip(*pairs, strict=True))


def seconds(work: Callable[[int], object], calls: int) -> float:
    start = time.process_time()
    for i in range(calls):
        work(i)
    return (time.process_time() - start) / calls


def row(
    case: Case, work: str, repeats: Repeats, timing: Timing, theirs: Outcome, fit: pp.LmmFit
) -> str:
    ratio = statistics.median(timing.ratios)
    difference = fit.objective - theirs.criterion
    model = case.formula.replace("|", "\\|")
    spread = f"{min(timing.ratios):.3g}–{max(timing.ratios):.3g}"
    cells = [
        f"{case.name}: `{model}`",
        _WHAT[work],
        time_text(statistics.median(timing.rival)),
        time_text(statistics.median(timing.ours)),
        f"**{ratio:.3g}** ({spread})" if repeats.rounds > 1 else f"**{ratio:.3g}**",
        "" if repeats.bar is None else f"{repeats.bar:g}",
        "" if repeats.bar is None else ("yes" if ratio >= repeats.bar else "**no**"),
        f"{theirs.evaluations or '–'} / {fit.evaluations}",
        f"{difference:+.1e}{verdict(difference)}",
    ]
    return "| " + " | ".join(cells) + " |\n"


def verdict(difference: float) -> str:
    """Say which search stopped short, if the two didn't end at the same optimum."""
    if abs(difference) < _SAME_OPTIMUM:
        return ""
    return " **ours stopped short**" if difference > 0 else " (theirs stopped short)"


if __name__ == "__main__":
    main()
