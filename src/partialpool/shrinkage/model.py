"""From a formula and a table to a fitted penalised regression."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, build_parts
from partialpool.design.outcomes import read_generalized_response
from partialpool.design.response import read_response
from partialpool.design.sheet import Sheet
from partialpool.errors import DataError, ModelError
from partialpool.families import resolve
from partialpool.formula import parse
from partialpool.formula.structures import ALONG
from partialpool.frames import read_schema
from partialpool.shrinkage.design_rows import Asked, DesignProblem, make_problem
from partialpool.shrinkage.estimates import PenalizedEstimates
from partialpool.shrinkage.fit import PenalizedFit
from partialpool.shrinkage.penalty import Penalty
from partialpool.shrinkage.problem import Solution
from partialpool.shrinkage.rules import best_by_reml, matching_l2
from partialpool.shrinkage.solving import Prepared, prepare, solve

__all__ = ["penalized"]

Vector = NDArray[np.float64]


def penalized(
    formula: str,
    data: Any,
    *,
    l2: float | Literal["reml"] = 1.0,
    l1: float = 0.0,
    linf: float = 0.0,
    main_l2: float = 0.0,
    loss: Literal["rms", "squared", "logistic"] = "rms",
    squared: bool | None = None,
    level_weights: Any = "size",
    penalize_intercept: bool = False,
    reweight_deviations: bool = False,
    weights: Any = None,
    offset: Any = None,
    missing: Literal["error", "drop"] = "error",
    applicable: Any = None,
) -> PenalizedFit:
    """Fit a hierarchical regression whose deviations by group are penalised.

    The formula is a mixed model's; its random effects are deviations v with weights omega, found
    by minimising ``loss + l2 ||omega v||_2 + l1 ||omega v||_1 + linf ||v||_inf
    + main_l2 ||beta||_2``.

    Parameters
    ----------
    formula
        As in lme4: ``"weight ~ sex + litsize + (sex | litter)"``.
    data
        A table, or what is read as one: see :func:`partialpool.lmm`.
    l2
        Penalty of the deviations' length, or ``"reml"`` for that of the mixed model whose random
        effects are independent with one variance, chosen by restricted likelihood.
    l1, linf, main_l2
        Penalties of the deviations' sum and maximum, and of the shared coefficients' length.
    loss
        ``"rms"`` (root of the mean square), ``"squared"`` (mean square, with the norms of length
        squared too) or ``"logistic"`` for two classes.
    squared
        Whether ``l2`` and ``main_l2`` go with squared norms; by default with ``"squared"`` alone.
    level_weights
        ``"size"``: inversely proportional to a level's rows, summing to one over levels and
        columns; ``"equal"``: 1; or a mapping from level to weight, for several factors a mapping
        of such.
    penalize_intercept
        Whether ``main_l2`` counts the intercept.
    reweight_deviations
        Penalise l2 sum_g (omega v_g)'D^-1 (omega v_g) in the metric D of trace one that is best;
        terms with different columns have a metric each.
    weights
        Weights of the rows: a column, an expression or an array.
    offset
        Known part of the linear predictor: a column, an expression or an array.
    missing
        ``"error"``, or ``"drop"`` to leave rows with missing values out and report them.
    applicable
        Where covariates apply, as for :func:`partialpool.lmm`: where one doesn't, its
        coefficients take no part.

    Returns
    -------
    PenalizedFit
        The fitted model; printing it gives a summary.

    Raises
    ------
    FormulaError
        If the formula can't be read.
    DataError
        If the data don't fit it, or an argument is none of its values.
    ModelError
        If the model can't be fitted on these data.

    Examples
    --------
    >>> import partialpool as pp
    >>> rats = pp.load_dataset("ratpup")
    >>> fit = pp.penalized("weight ~ sex + litsize + (sex | litter)", rats, l2="reml")
    >>> fit.fixef
    Intercept     7.3436
    sex[T.Male]   0.384894
    litsize      -0.112676

    References
    ----------
    Evgeniou, Pontil & Toubia (2007), Marketing Science 26(6), 805-818.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"missing must be 'error' or 'drop', found {missing!r}.")
    if loss not in ("rms", "squared", "logistic"):
        raise DataError(f"loss must be 'rms', 'squared' or 'logistic', found {loss!r}.")
    if isinstance(l2, str) and (l2 != "reml" or loss == "logistic"):
        raise DataError(f"l2 must be a number, or 'reml' for a regression, found {l2!r}.")
    square = loss == "squared" if squared is None else bool(squared)
    if square is not (loss == "squared") and loss != "logistic":
        raise DataError(
            f"loss={loss!r} does not go with squared={squared}: squares of residuals go with "
            "squared norms, and their root with plain ones. Leave squared out."
        )
    read = _read_classes if loss == "logistic" else _read_number
    parsed = parse(formula, read_schema(data).names)
    for term in parsed.random:
        if term.structure in ALONG:
            raise ModelError(
                f"{term.source} ties effects at different times or places by a correlation, and a "
                "penalty knows of none. Fit it by lmm() or glmm(), or write a plain term."
            )
    parts = build_parts(
        {"mean": parsed},
        data,
        read=read,
        weights=weights,
        offset=offset,
        missing=missing,
        applicable=applicable,
    )
    design = parts.designs["mean"]
    number = 1.0 if isinstance(l2, str) else l2
    penalty = Penalty(number, l1, linf, main_l2, square, bool(reweight_deviations))
    asked = Asked(loss, penalty, level_weights, bool(penalize_intercept))
    return _fit(design, asked, l2 == "reml", parts.response.labels)


def _fit(design: Design, asked: Asked, by_reml: bool, labels: tuple[str, ...]) -> PenalizedFit:
    made = make_problem(design, asked)
    prepared = prepare(made.problem, asked.penalty)
    if by_reml:
        asked = replace(asked, penalty=replace(asked.penalty, l2=_reml_penalty(prepared, asked)))
    solution = solve(prepared, asked.penalty)
    return PenalizedFit(design, asked, _estimates(design, made, solution), labels)


def _reml_penalty(prepared: Prepared, asked: Asked) -> float:
    if prepared.squares is None or not asked.penalty.ridge or asked.penalty.reweight:
        raise ModelError(
            "l2='reml' needs a regression penalised by l2 alone. Give l2 a number, or leave the "
            "other penalties out."
        )
    if not prepared.problem.layout.shapes:
        raise ModelError("l2='reml' needs a random term such as (1 | g) in the formula.")
    point = prepared.squares.at(best_by_reml(prepared.squares))
    return matching_l2(prepared.problem, point, asked.penalty.squared)


def _estimates(design: Design, made: DesignProblem, solution: Solution) -> PenalizedEstimates:
    layout = made.problem.layout
    beta = np.full(len(design.columns), np.nan)
    beta[made.kept] = solution.theta[: layout.p]
    rows = made.problem.bare
    deviations = tuple(
        u / term.omega[:, None]
        for term, u in zip(rows.terms, layout.deviations(solution.theta), strict=True)
    )
    return PenalizedEstimates(
        beta,
        deviations,
        solution.objective,
        solution.bound,
        solution.kappa,
        solution.iterations,
        solution.kind,
        solution.metrics,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Response:
    """A response that is one number for each row, and what its values 0 and 1 are called."""

    values: Vector
    weights: Vector | None
    labels: tuple[str, ...] = ()


def _read_number(text: str, sheet: Sheet, weights: Vector | None) -> _Response:
    return _Response(read_response(text, sheet), weights)


def _read_classes(text: str, sheet: Sheet, weights: Vector | None) -> _Response:
    read = partial(read_generalized_response, family=resolve("binomial"))
    response = read(text, sheet, weights)
    values = response.values
    if response.trials is not None and (response.trials != 1).any():
        raise DataError(
            f"the response {text!r} counts successes out of several trials, but a penalised "
            "logistic regression needs a row for each trial: 0 and 1, or two labels."
        )
    if not np.isin(values, (0.0, 1.0)).all():
        raise DataError(f"the response {text!r} must be 0 and 1, or two labels.")
    return _Response(np.array(values), response.weights, response.levels or ("0", "1"))
