"""A Bayesian model: designs, response, family and priors, before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.assignment import Assignment, assign
from partialpool.bayes.priors import Flat
from partialpool.bayes.scale_defaults import scale_defaults
from partialpool.bayes.scales import response_scale
from partialpool.core import Problem, matrix, vector
from partialpool.design import Design, build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.errors import DataError, ModelError
from partialpool.families import Response, ResponseFamily, Zero, resolve
from partialpool.formula import Formula, parse, parse_part
from partialpool.frames import read_schema
from partialpool.solve.levels import crowded, refuse_numbers_as_text

__all__ = ["Statement", "crowds", "state", "threshold_names"]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What is to be known, and what is believed before.

    Attributes
    ----------
    designs
        Linear predictors that have a formula, by name, the mean first.
    response, family, zero
        The likelihood.
    kept
        For each predictor the columns that aren't combinations of those before, or all, where
        there are as many as rows, or more: then they are known by their priors alone.
    symbols
        Names of the predictors that are one number (``{"dispersion": "sigma"}``).
    priors
        Of every parameter.
    """

    designs: Mapping[str, Design]
    response: Response
    family: ResponseFamily
    zero: Zero
    kept: Mapping[str, list[int]]
    symbols: Mapping[str, str]
    priors: Assignment

    @property
    def design(self) -> Design:
        """Rows and columns of the mean."""
        return self.designs["mean"]


def state(
    formula: str,
    data: Any,
    family: str | ResponseFamily | type[ResponseFamily],
    *,
    priors: Mapping[str, Any] | None = None,
    weights: Any = None,
    offset: Any = None,
    zero_inflation: str | None = None,
    dispersion: str | None = None,
    missing: Literal["error", "drop"] = "error",
    applicable: Any = None,
) -> Statement:
    """Put a model together; arguments as for :func:`partialpool.bmm`.

    Raises
    ------
    FormulaError, DataError, ModelError
        As :func:`partialpool.bmm`.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"missing must be 'error' or 'drop', found {missing!r}.")
    resolved = resolve(family)
    formulas = _formulas(formula, zero_inflation, dispersion, read_schema(data).names, resolved)
    zero = resolved.zero_for("zero_inflation" in formulas)
    ordered = "thresholds" in resolved.own_parts
    parts = build_parts(
        formulas,
        data,
        read=partial(read_generalized_response, family=resolved, zero=zero, believed=True),
        weights=weights,
        offset=offset,
        missing=missing,
        applicable=applicable,
        thresholds=ordered,
    )
    designs, response = parts.designs, parts.response
    kept = {
        name: kept_columns(design, response, ordered and name == "mean")
        for name, design in designs.items()
    }
    defaults = scale_defaults(response, resolved, zero, tuple(designs))
    assignment = assign(
        designs,
        kept,
        dict(defaults.values()),
        response_scale(response, resolved, designs["mean"].offset),
        priors,
        threshold_names(response) if ordered else (),
    )
    _refuse_flat(designs, response, assignment)
    symbols = {part: symbol for part, (symbol, _) in defaults.items()}
    return Statement(designs, response, resolved, zero, kept, symbols, assignment)


def _formulas(
    formula: str,
    zero_inflation: str | None,
    dispersion: str | None,
    columns: tuple[str, ...],
    family: ResponseFamily,
) -> dict[str, Formula]:
    mean = parse(formula, columns)
    formulas = {"mean": mean}
    if dispersion is not None:
        if "dispersion" not in family.own_parts:
            raise ModelError(
                f"dispersion= is for families with a dispersion, but {family.name} has none. "
                "Leave it out, or take another family, such as nbinom2 in place of poisson."
            )
        formulas["dispersion"] = parse_part(dispersion, mean.response, columns)
    if zero_inflation is not None:
        formulas["zero_inflation"] = parse_part(zero_inflation, mean.response, columns)
    return formulas


def threshold_names(response: Response) -> tuple[str, ...]:
    """Name the thresholds between the categories of an ordinal response: ``"low|high"``."""
    return tuple(f"{a}|{b}" for a, b in pairwise(response.levels or ()))


def crowds(design: Design, response: Response) -> bool:
    """Whether there are as many columns as rows that count, or more."""
    return len(design.columns) >= int(response.counted.sum())


def kept_columns(design: Design, response: Response, thresholds: bool) -> list[int]:
    """Find the columns with coefficients of their own.

    Where rows are too few, which columns depend on those before says nothing about the columns.

    Raises
    ------
    ModelError
        If there are so many because a column holds numbers as text.
    """
    if not crowds(design, response):
        return independent_columns(design, thresholds)
    refuse_numbers_as_text(design, int(response.counted.sum()))
    return list(range(len(design.columns)))


def _refuse_flat(designs: Mapping[str, Design], response: Response, priors: Assignment) -> None:
    for name, design in designs.items():
        flat = [a.parameter for a in priors.parts[name].fixed if isinstance(a.prior, Flat)]
        if flat and crowds(design, response):
            raise ModelError(
                f"{int(response.counted.sum()):,} rows can't tell {len(design.columns):,} "
                f"coefficients apart while priors are flat ({flat[0]}). Give all of them proper "
                f"priors, such as normal(0, 1), or leave terms out.{crowded(design)}"
            )


def independent_columns(design: Design, thresholds: bool = False) -> list[int]:
    """Find the columns that aren't combinations of those before them, as linear models do.

    Thresholds move together as an intercept does.
    """
    if thresholds:
        X = np.column_stack([np.ones(len(design.X)), design.X])
        return [i - 1 for i in _independent(X, design) if i > 0]
    return _independent(design.X, design)


def _independent(X: NDArray[np.float64], design: Design) -> list[int]:
    # The core asks for a response; which one makes no difference to the columns.
    noise = np.random.default_rng(0).normal(size=len(X))
    weights = None if design.weights is None else vector(design.weights)
    return list(Problem(matrix(X), noise, weights, None, []).kept)
