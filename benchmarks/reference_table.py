"""Fit every reference model and write how far ours is from R's.

    python -m benchmarks.reference_table          # writes docs/reference-fits.md

Run from the repository's root.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.reference import compare
from tests.reference.cases import fit, names, read

TARGET = Path("docs/reference-fits.md")
INTRODUCTION = """\
# Reference fits

Every linear mixed model of the reference set, fitted in R 4.2.2 (lme4 1.1-31, glmmTMB 1.1.5, nlme
3.1-162) and here. Made by `python -m benchmarks.reference_table`; `tests/reference` holds the
same figures to their bars.

* *criterion*: REML criterion or minus twice the log-likelihood in R; *ours − R's* is negative
  where ours is the lower, and so the better, optimum.
* *fixef*: largest difference of a fixed effect, relative to it or to its standard error,
  whichever is larger. *SE*: largest relative difference of a standard error. *cov*: largest
  difference of a random-effects covariance, relative to the product of its standard deviations.
  *ranef*: largest difference of a conditional mode, relative to the effect's standard deviation.
  *predict*: largest difference of a prediction for new rows and new levels, relative to the
  standard deviation of the response; – where R's file has none.
* *evals*: evaluations of the objective in our fit.

R's own optimiser stops early now and then; the reference values were polished by Newton steps
where the size of the problem allowed it (not for Chem97 and InstEval).

"""
HEADER = (
    "| fit | program | model | criterion | ours − R's | fixef | SE | cov | ranef | predict "
    "| evals |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)
MEASURES: tuple[Callable[..., float | None], ...] = (
    compare.fixef,
    compare.stderr,
    compare.covariances,
    compare.ranef,
    compare.predictions,
)


def main() -> None:
    TARGET.write_text(INTRODUCTION + HEADER + "".join(map(row, names())))
    print(f"{len(names())} fits compared in {TARGET}")


def row(name: str) -> str:
    case, ours = read(name), fit(name)
    model = case.formula.replace("|", "\\|")
    method = "REML" if case.reml else "ML"
    cells = [
        name,
        case.engine,
        f"`{model}` ({method}{_extra(name)})",
        f"{case.criterion:.6f}",
        f"{compare.criterion(case, ours):.1e}",
        *(_scientific(measure(case, ours)) for measure in MEASURES),
        str(ours.evaluations),
    ]
    return "| " + " | ".join(cells) + " |\n"


def _extra(name: str) -> str:
    """What the formula doesn't say: weights, offset, subset."""
    reference = read(name).reference
    given = [f"{key} `{reference[key]}`" for key in ("weights", "offset", "subset")
             if reference.get(key)]  # fmt: skip
    return "".join(f", {text}" for text in given)


def _scientific(value: float | None) -> str:
    return "–" if value is None else f"{value:.0e}"


if __name__ == "__main__":
    main()
