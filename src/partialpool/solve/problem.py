"""The rows of a design reduced to cross-products, or a reason why they can't be used."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from partialpool.core import (
    DISTANCE_CODES,
    STRUCTURE_CODES,
    CoreForm,
    Form,
    Problem,
    RowStream,
    codes,
    dense_algebra,
    matrix,
    vector,
)
from partialpool.design import Design, RandomEffects, distances_between
from partialpool.errors import ModelError
from partialpool.formula.structures import BY_DISTANCE, BY_LAG, ONE_CORRELATION, OWN_SCALES
from partialpool.solve.blocks import Block, arrange
from partialpool.solve.levels import crowded

__all__ = [
    "CoreBlock",
    "Reduced",
    "core_blocks",
    "count_rest",
    "reduce",
    "refuse_confounded",
    "refuse_unusable",
    "structure_code",
]

CoreBlock = tuple[Any, int, list[tuple[Any, CoreForm]]]

# A residual this small beside the response is rounding, not variation.
EXACT_FIT = 1e-13
# Up to here columns may outnumber the rows: finding out which are aliased is cheap.
_MANY_COLUMNS = 5_000
# From this many columns on, LAPACK is faster than the core's own loops.
_LARGE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """A design's cross-products.

    Attributes
    ----------
    problem
        The core's handle: scaled cross-products and room for a factor.
    blocks
        Which random terms stand in which of the core's blocks.
    rest
        Random effects outside the first block, which are factored together.
    stream
        Of rows that went by in batches: what was seen of them.
    """

    problem: Problem
    blocks: tuple[Block, ...]
    rest: int
    stream: RowStream | None = None

    def core_term(self, term: int) -> int:
        """Position of a random term of the design among the core's terms."""
        for block in self.blocks:
            if term in block.terms:
                return block.first + block.terms.index(term)
        raise AssertionError(f"no random term {term}")

    def algebra(self) -> AbstractContextManager[None]:
        """Context in which to evaluate: LAPACK for large dense blocks."""
        return dense_algebra() if self.rest >= _LARGE else nullcontext()

    def again(self, design: Design) -> Reduced:
        """Reduce a design that differs in its response only.

        What doesn't depend on the response was checked the first time.
        """
        problem = self.problem.with_response(vector(design.y))
        _refuse_exact_fit(design, problem)
        return Reduced(problem, self.blocks, self.rest)


def core_blocks(blocks: tuple[Block, ...], random: tuple[RandomEffects, ...]) -> list[CoreBlock]:
    """Lay out the random terms as the core takes them."""
    return [
        (
            codes(random[block.terms[0]].factor.codes),
            len(random[block.terms[0]].factor.levels),
            [(matrix(random[i].basis), structure_code(random[i])) for i in block.terms],
        )
        for block in blocks
    ]


def structure_code(effects: RandomEffects) -> CoreForm:
    """A term's structure as the core takes it."""
    structure = effects.term.structure
    if effects.positions is not None and effects.decay is not None:
        distances = distances_between(effects.positions) / effects.decay.unit
        return Form(DISTANCE_CODES[structure], matrix(distances))
    if len(effects.columns) == 1 and structure not in ("unstructured", "diagonal"):
        # One effect has no correlation, only a standard deviation.
        structure = "homdiag"
    return STRUCTURE_CODES[structure]


def reduce(design: Design, sigma: float | None = None) -> Reduced:
    """Read the rows of a design once and keep their cross-products.

    Parameters
    ----------
    design
        Response, columns and random terms.
    sigma
        Residual standard deviation if it is known, in units of the response.

    Raises
    ------
    ModelError
        If the model can't be identified on these rows.

    References
    ----------
    Bates et al. (2015), Journal of Statistical Software 67(1), section 3.
    """
    _refuse_too_many_columns(design)
    blocks = arrange(design.random)
    problem = Problem(
        matrix(design.X),
        vector(design.y),
        None if design.weights is None else vector(design.weights),
        None if design.offset is None else vector(design.offset),
        core_blocks(blocks, design.random),
    )
    refuse_unusable(design, problem, blocks)
    if sigma is None:
        refuse_confounded(design, problem.n)
    return Reduced(problem, blocks, count_rest(blocks, design.random))


def refuse_unusable(design: Design, problem: Problem, blocks: tuple[Block, ...]) -> None:
    """Refuse rows that no model of this kind can be fitted to.

    Raises
    ------
    ModelError
        Saying why.
    """
    _refuse_too_few_rows(design, problem)
    _refuse_dependent_basis(design, problem, blocks)
    _refuse_exact_fit(design, problem)


def count_rest(blocks: tuple[Block, ...], random: tuple[RandomEffects, ...]) -> int:
    """Count the random effects outside the first block."""
    return sum(
        len(random[i].factor.levels) * len(random[i].columns)
        for block in blocks[1:]
        for i in block.terms
    )


def _refuse_too_many_columns(design: Design) -> None:
    # Some columns more than rows may be aliased; a hundred times as many are a mistake, whose
    # triangular factor alone would take the memory.
    n, p = design.X.shape
    if p > max(2 * n, _MANY_COLUMNS):
        raise ModelError(
            f"the fixed effects have {p:,} columns for {n:,} rows."
            + (
                crowded(design)
                or " Look for an interaction of factors with many levels, or for a number that is "
                "stored as text; a factor with many levels is better a random effect."
            )
        )


def _refuse_too_few_rows(design: Design, problem: Problem) -> None:
    rank = len(problem.kept)
    if problem.n <= rank:
        raise ModelError(
            f"{problem.n} rows can't tell {len(design.columns)} fixed effects (rank {rank}) from "
            f"the residual. Leave terms out, or bring more rows.{crowded(design)}"
        )


def _refuse_dependent_basis(design: Design, problem: Problem, blocks: tuple[Block, ...]) -> None:
    block, position, column = problem.deficient
    if block < 0:
        return
    effects = design.random[blocks[block].terms[position]]
    name = effects.columns[column]
    others = [c for c in effects.columns if c != name]
    raise ModelError(
        f"in the random term {effects.term.source} the column {name!r} is a combination of "
        f"{', '.join(map(repr, others)) or 'nothing'} in all {problem.n} rows, so that their "
        "covariance can't be told apart. Remove it from the term, or write the term with || for "
        "independent effects."
    )


def _refuse_exact_fit(design: Design, problem: Problem) -> None:
    if problem.y_deviation == 0.0:
        raise ModelError(
            f"the response {design.formula.response!r} is constant: there is no variation to "
            "explain. Check the column, and the rows that were kept."
        )
    if problem.residual_ratio < EXACT_FIT:
        raise ModelError(
            f"the fixed effects fit the response {design.formula.response!r} exactly, so that the "
            "residual variance is zero and no likelihood exists. Look for a column that the "
            "response was computed from."
        )


def refuse_confounded(design: Design, n: int, pooled: bool = False) -> None:
    """Refuse a term with as many effects as rows, which can't be told from the residual.

    Structured terms tie their many effects together by few parameters, and are refused only
    where their effects have the very covariance of the residual; of rows that weren't kept
    (``pooled``) nobody knows.

    Raises
    ------
    ModelError
        Naming the term.
    """
    for effects in design.random:
        J, k = _levels_with_weight(design, effects), len(effects.columns)
        if effects.term.structure in ("unstructured", "diagonal") and n <= J:
            raise ModelError(
                f"the grouping factor {effects.factor.name!r} has {J:,} levels in {n:,} rows; a "
                "random effect needs fewer levels than rows, or it can't be told from the "
                "residual. Check that the column is a group and not a measurement; with a known "
                "residual standard deviation pass sigma=."
            )
        if not pooled and _second_residual(design, effects):
            raise ModelError(
                f"the random term {effects.term.source} has an effect of its own for each of the "
                f"{n:,} rows: its variances and the residual's can't be told apart. Take columns "
                "out of the term, bring more rows of each level and column, or fix the residual "
                "standard deviation with sigma=."
            )
        if effects.term.structure == "unstructured" and k * J >= n:
            raise ModelError(
                f"the random term {effects.term.source} has {J:,} x {k} = {k * J:,} random "
                f"effects, but there are only {n:,} rows: its covariance and the residual variance "
                "can't be told apart. Take columns out of the term, or fix the residual standard "
                "deviation with sigma=."
            )


def _second_residual(design: Design, effects: RandomEffects) -> bool:
    """Whether the residual variance could as well be part of the term's covariance.

    Every row has an effect of its own, and variances may grow by what the residual's shrinks: a
    correlation makes up for it where there is only one to be told from the others' covariance.
    """
    structure, k = effects.term.structure, len(effects.columns)
    # With one variance every correlation by lag can make up for it, at any number of effects.
    pooled = structure in ("diagonal", "homdiag", "homcs", "homtoep")
    if pooled or (structure in ONE_CORRELATION | BY_LAG | BY_DISTANCE and k == 2):
        return _each_once(design, effects, by_column=structure in OWN_SCALES)
    return False


def _each_once(design: Design, effects: RandomEffects, by_column: bool) -> bool:
    """Whether every row has an effect of its own, in equal size, at least within columns."""
    weights = design.row_weights
    used = weights > 0
    rows, columns = np.nonzero(effects.basis[used])
    values = effects.basis[used][rows, columns]
    # Each row's variance relative to the residual's, which has 1 / weight.
    size = values**2 * weights[used][rows]
    if len(rows) != np.count_nonzero(used) or len(np.unique(rows)) < len(rows):
        return False
    if by_column:
        size = (
            size
            / size[np.unique(columns, return_index=True)[1]][
                np.unique(columns, return_inverse=True)[1]
            ]
        )
    if not np.allclose(size, size[0], rtol=1e-10):
        return False
    cells = effects.factor.codes[used].astype(np.int64) * len(effects.columns) + columns
    return len(np.unique(cells)) == len(cells)


def _levels_with_weight(design: Design, effects: RandomEffects) -> int:
    if design.weights is None:
        return len(effects.factor.levels)
    return len(np.unique(effects.factor.codes[design.weights > 0]))
