"""Time generalized linear mixed models against glmer and glmmTMB.

    python benchmarks/generalized_speed.py             # writes docs/speed-generalized.md
    python benchmarks/generalized_speed.py --quick     # without the slow case; writes nothing
    python benchmarks/generalized_speed.py --only cbpp # cases whose name has this; writes nothing

All programs use one thread and take turns in rounds, and the processor's time counts: whatever
else the machine does hits all, or none.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from generalized_speed_cases import Case, Timed, Work, cases
from one_thread import restart_with_one_thread
from r_session import RSession, has_package, unfair_blas
from speed_report import machine, time_text, versions

import partialpool as pp
from partialpool.generalized.solving import solve_designs

TARGET = Path(__file__).parent.parent / "docs" / "speed-generalized.md"
_SCRIPT = Path(__file__).with_name("generalized_speed.R")
_WHAT = {"call": "whole call", "design": "given the design"}
_INTRODUCTION = """\
# Speed of generalized linear mixed models

Made by `python benchmarks/generalized_speed.py`. One thread each, and seconds of the processor,
which are those of the clock where nothing else runs; the programs take turns, and the times are
medians over the rounds. A ratio is the median of the rounds' ratios.

* *given the design*: what follows once the matrices are there, standard errors included: all that
  `glmer` does after `glFormula` (both stages of its search, derivatives, the check of
  convergence), `fitTMB` after `glmmTMB(doFit = FALSE)`, and here the solver and `vcov`.
* *whole call*: formula and table to fit and standard errors; R's factors are made before.
* *evaluations*: of the objective by the outer search. glmer's are those of its second stage;
  derivatives for the standard errors come on top in all programs.
* *criterion*: ours less theirs; negative where ours is the better optimum. glmer by default ends
  0.0005 to 0.02 away from the optimum, since its inner iterations stop early (README of
  `tests/reference`). With quadrature it leaves the saturated likelihood out, which is put back.

Nothing is cached between calls. glmmTMB has no quadrature.

"""
_HEADER = (
    "| case | what | glmer | glmmTMB | partialpool | glmer / ours | bar | glmmTMB / ours | bar "
    "| evaluations, glmer / glmmTMB / ours | criterion, less glmer's / glmmTMB's |\n"
    "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)


@dataclass(frozen=True, slots=True)
class Rival:
    """How one of R's programs did: seconds per round, criterion, evaluations."""

    seconds: tuple[float, ...]
    criterion: float
    evaluations: int


class R:
    """The R session with both programs, or glmer alone."""

    def __init__(self) -> None:
        self._session = RSession(_SCRIPT)
        # glmmTMB's field is empty where R hasn't got it.
        self._r, self._lme4, self._tmb, self._blas = self._session.ask("about")

    @property
    def programs(self) -> tuple[str, ...]:
        """Those that are there."""
        return ("glmer", "glmmTMB") if self._tmb else ("glmer",)

    @property
    def facts(self) -> tuple[str, ...]:
        """Versions, for the foot of the table."""
        tmb = (f"glmmTMB {self._tmb}",) if self._tmb else ()
        return (f"R {self._r}", f"lme4 {self._lme4}", *tmb, f"R's BLAS {self._blas}")

    @property
    def remarks(self) -> str:
        """What a reader has to know before the table."""
        unfair = unfair_blas(self._blas)
        text = f"**This comparison is unfair:** {unfair}\n\n" if unfair else ""
        if not self._tmb:
            text += "**glmmTMB wasn't there**: R hasn't got it (Debian: `r-cran-glmmtmb`).\n\n"
        return text

    def load(self, case: Case, data: pd.DataFrame) -> None:
        """Take a model and its table."""
        table = self._session.folder / "data.csv"
        data.to_csv(table, index=False)
        factors = " ".join(case.factors)
        words = (case.formula, str(table), factors, case.family, str(case.nodes))
        self._session.ask("load", *words)

    def seconds(self, program: str, work: Work, calls: int) -> float:
        """Work so often in a row and return the mean seconds of the processor for one."""
        return float(self._session.ask(f"{program}_{work}", str(calls))[0])

    def outcome(self, program: str) -> tuple[float, int]:
        """Where a program's last fit ended: criterion, and evaluations."""
        criterion, evaluations = self._session.ask(f"{program}_outcome")
        return float(criterion), int(evaluations)


def main() -> None:
    restart_with_one_thread()
    parser = argparse.ArgumentParser(description="Time generalized mixed models against R's.")
    parser.add_argument("--quick", action="store_true", help="leave the slow case out")
    parser.add_argument("--only", help="cases whose name has this in it")
    arguments = parser.parse_args()
    if not has_package("lme4"):
        raise SystemExit("Rscript with lme4 wasn't found.")
    r = R()
    print(r.remarks + _HEADER, end="")
    pp.set_threads(1)
    chosen = [c for c in cases(arguments.quick) if (arguments.only or "") in c.name]
    rows = [row for case in chosen for row in measure(case, r)]
    facts = f"\n{machine()}.\n\n{versions(r.facts)}.\n"
    print(facts)
    if not (arguments.quick or arguments.only):
        TARGET.write_text(_INTRODUCTION + r.remarks + _HEADER + "".join(rows) + facts)
        print(f"written to {TARGET}")


def measure(case: Case, r: R) -> list[str]:
    """Rows of the table for one case, printed as they come."""
    data = case.data()
    r.load(case, data)
    fit = pp.glmm(case.formula, data, family=case.family, quadrature=case.nodes)
    ours = our_work(case, data, fit)
    # glmmTMB has no quadrature.
    programs = r.programs if case.nodes == 1 else ("glmer",)
    rows = []
    for work, timed in case.work.items():
        rivals, own = take_turns(r, programs, work, ours[work], timed)
        rows.append(row(case, work, timed, rivals, own, fit))
        print(rows[-1], end="", flush=True)
    return rows


def our_work(case: Case, data: pd.DataFrame, fit: pp.GlmmFit) -> dict[Work, Callable[[], object]]:
    """Return both kinds of work, each with the standard errors, which are made when asked for."""

    def call() -> object:
        made = pp.glmm(case.formula, data, family=case.family, quadrature=case.nodes)
        return made.stderr

    def design() -> object:
        solved = solve_designs(
            fit.designs, fit.response, fit.family, fit.solution.zero, fit.approximation
        )
        return solved.vcov

    return {"call": call, "design": design}


def take_turns(
    r: R, programs: tuple[str, ...], work: Work, ours: Callable[[], object], timed: Timed
) -> tuple[dict[str, Rival], tuple[float, ...]]:
    """Time all programs in alternating rounds, after one that doesn't count."""
    if timed.rounds > 1:
        for program in programs:
            r.seconds(program, work, 1)
    seconds(ours, 1)
    theirs: dict[str, list[float]] = {program: [] for program in programs}
    own = []
    for _ in range(timed.rounds):
        for program in programs:
            theirs[program].append(r.seconds(program, work, timed.theirs))
        own.append(seconds(ours, timed.ours))
    found = {name: Rival(tuple(times), *r.outcome(name)) for name, times in theirs.items()}
    return found, tuple(own)


def seconds(work: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return (time.process_time() - start) / calls


def row(
    case: Case,
    work: Work,
    timed: Timed,
    rivals: dict[str, Rival],
    own: tuple[float, ...],
    fit: pp.GlmmFit,
) -> str:
    glmer, tmb = rivals.get("glmer"), rivals.get("glmmTMB")
    model = case.formula.replace("|", "\\|")
    few = timed.evaluations is None or fit.evaluations <= timed.evaluations
    evaluations = [str(rival.evaluations) if rival else "–" for rival in (glmer, tmb)]
    evaluations.append(str(fit.evaluations) if few else f"**{fit.evaluations}**")
    criteria = [f"{fit.objective - r.criterion:+.1e}" if r else "–" for r in (glmer, tmb)]
    cells = [
        f"{case.name}: `{model}`",
        _WHAT[work],
        _median(glmer),
        _median(tmb),
        time_text(statistics.median(own)),
        *_ratio(glmer, own, timed.glmer),
        *_ratio(tmb, own, timed.glmmtmb),
        " / ".join(evaluations),
        " / ".join(criteria),
    ]
    return "| " + " | ".join(cells) + " |\n"


def _median(rival: Rival | None) -> str:
    return time_text(statistics.median(rival.seconds)) if rival else "–"


def _ratio(rival: Rival | None, own: tuple[float, ...], bar: float | None) -> tuple[str, str]:
    """Two cells: the ratio, with lowest and highest, and the bar with how it was met."""
    asked = "" if bar is None else f"{bar:g}"
    if rival is None:
        return "–", asked
    ratios = [a / b for a, b in zip(rival.seconds, own, strict=True)]
    ratio = statistics.median(ratios)
    spread = f" ({min(ratios):.3g}–{max(ratios):.3g})" if len(ratios) > 1 else ""
    if bar is not None:
        asked += ", met" if ratio >= bar else ", **not met**"
    return f"**{ratio:.3g}**{spread}", asked


if __name__ == "__main__":
    main()
