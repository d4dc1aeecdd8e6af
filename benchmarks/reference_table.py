"""Fit every reference model and write how far ours is from R's.

    python -m benchmarks.reference_table          # writes docs/reference-fits.md

Run from the repository's root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.reference import cases, compare, generalized_cases, generalized_compare

TARGET = Path("docs/reference-fits.md")
INTRODUCTION = """\
# Reference fits

Every mixed model of the reference set that can be fitted here, fitted in R 4.2.2 (lme4 1.1-31,
glmmTMB 1.1.5, nlme 3.1-162, MASS 7.3-58.2) and here. Made by
`python -m benchmarks.reference_table`; `tests/reference` holds the same figures to their bars.

## Linear models

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
GENERALIZED = """\

## Generalized models

Columns as above, with these differences.

* *criterion*: minus twice the log-likelihood with all constants, of the approximation that stands
  behind the model; of penalised quasi-likelihood there is none.
* *fixef* and *SE*: of all parts of the model, dispersion and zero inflation included. lme4's and
  glmmTMB's standard errors come from second derivatives by differences: where the largest
  difference is above 1e-4, it is theirs (glmmTMB's for the gasoline data are ours to 3e-7 once the
  column is divided by 100; lme4's of its negative binomial model take the dispersion as known).
* *predict*: on the link, response and conditional scales and of the probability of a zero, relative
  to the range of the fitted values.

Where the link isn't canonical, lme4's Laplace approximation has the expected information in its
determinant (`information="expected"` here), glmmTMB's and ours the observed one. lme4's
likelihood of a Gamma model has a moment estimate of the dispersion in it, and no counterpart here:
`tmb_cake_gamma` and `tmb_sleepstudy_gamma` are the same models by maximum likelihood.
`tmb_epil_nb2_slope` has its optimum at a correlation of -1, where ours is; R's search stopped at
-0.99897.

"""
HEADER = (
    "| fit | program | model | criterion | ours − R's | fixef | SE | cov | ranef | predict "
    "| evals |\n|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n"
)


def main() -> None:
    linear, generalized = cases.names(), generalized_cases.names()
    TARGET.write_text(
        INTRODUCTION
        + HEADER
        + "".join(map(linear_row, linear))
        + GENERALIZED
        + HEADER
        + "".join(map(generalized_row, generalized))
    )
    print(f"{len(linear)} linear and {len(generalized)} generalized fits compared in {TARGET}")


def linear_row(name: str) -> str:
    case, ours = cases.read(name), cases.fit(name)
    method = "REML" if case.reml else "ML"
    model = f"{_code(case.formula)} ({method}{_extra(case.reference)})"
    return _row(compare, case, ours, model, f"{case.criterion:.6f}")


def generalized_row(name: str) -> str:
    case, ours = generalized_cases.read(name), generalized_cases.fit(name)
    method = f"{ours.family.name}, {ours.family.link.name}; {_method(case.arguments)}"
    model = f"{_code(case.formula)} ({method}{_extra(case.reference)}{_other_parts(case)})"
    if case.plug_in:
        cells = [name, case.engine, model, f"{case.criterion:.6f}", *["–"] * 7]
        return _line(cells)
    criterion = "–" if case.criterion is None else f"{case.criterion:.6f}"
    return _row(generalized_compare, case, ours, model, criterion)


def _row(measures: Any, case: Any, ours: Any, model: str, criterion: str) -> str:
    measured: tuple[Callable[..., float | None], ...] = (
        measures.fixef,
        measures.stderr,
        measures.covariances,
        measures.ranef,
        measures.predictions,
    )
    difference = measures.criterion(case, ours)
    cells = [
        case.id,
        case.engine,
        model,
        criterion,
        "–" if difference is None else f"{difference:.1e}",
        *(_scientific(measure(case, ours)) for measure in measured),
        str(ours.evaluations),
    ]
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def _method(arguments: dict[str, Any]) -> str:
    if "quadrature" in arguments:
        return f"{arguments['quadrature']} nodes"
    names = {"joint": "joint", "pql": "PQL"}
    expected = ", expected information" if "information" in arguments else ""
    return names.get(arguments.get("method", ""), "Laplace") + expected


def _other_parts(case: generalized_cases.GeneralizedCase) -> str:
    parts = {"zero_inflation": "zero inflation", "dispersion": "dispersion"}
    return "".join(
        f", {text} {_code(case.arguments[key])}"
        for key, text in parts.items()
        if key in case.arguments
    )


def _extra(reference: dict[str, Any]) -> str:
    """What the formula doesn't say: weights, offset, subset."""
    given = [f"{key} `{reference[key]}`" for key in ("weights", "offset", "subset")
             if reference.get(key)]  # fmt: skip
    return "".join(f", {text}" for text in given)


def _scientific(value: float | None) -> str:
    return "–" if value is None else f"{value:.0e}"


if __name__ == "__main__":
    main()
