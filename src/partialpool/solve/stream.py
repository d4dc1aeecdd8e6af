"""Rows that come in batches reduced to cross-products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from partialpool.core import RowStream, matrix, vector
from partialpool.core import codes as core_codes
from partialpool.design import Design, NewRows
from partialpool.design.batches import BatchedDesign
from partialpool.solve.blocks import Block, arrange
from partialpool.solve.problem import (
    CoreBlock,
    Reduced,
    count_rest,
    refuse_confounded,
    refuse_unusable,
    structure_code,
)

__all__ = ["reduce_batches"]


def reduce_batches(rows: BatchedDesign, sigma: float | None = None) -> tuple[Design, Reduced]:
    """Read every batch three times, and keep the cross-products of all.

    Parameters
    ----------
    rows
        A design and its rows.
    sigma
        Residual standard deviation if it is known, in units of the response.

    Returns
    -------
    Design
        With few rows in place of all: those of the triangular factors of X and y and of each
        term's columns, which have the same cross-products.
    Reduced
        As :func:`partialpool.solve.reduce` gives it.

    Raises
    ------
    ModelError
        If the model can't be identified on these rows.
    """
    design = rows.design
    blocks = arrange(design.random)
    stream = RowStream()
    _feed(rows, blocks, stream.summarise)
    _feed(rows, blocks, stream.factor)
    stream.find_scaling()
    if stream.solvable:
        _feed(rows, blocks, stream.accumulate)
    problem = stream.problem()
    refuse_unusable(design, problem, blocks)
    if sigma is None:
        refuse_confounded(design, problem.n, pooled=True)
    reduced = Reduced(problem, blocks, count_rest(blocks, design.random))
    return _pooled(design, blocks, stream), reduced


Pass = Callable[..., None]


def _feed(rows: BatchedDesign, blocks: tuple[Block, ...], read: Pass) -> None:
    for batch in rows.batches():
        read(
            matrix(batch.new.X),
            vector(batch.y),
            None if batch.weights is None else vector(batch.weights),
            None if batch.new.offset is None else vector(batch.new.offset),
            _core_blocks(rows.design, blocks, batch.new),
        )


def _core_blocks(design: Design, blocks: tuple[Block, ...], new: NewRows) -> list[CoreBlock]:
    return [
        (
            core_codes(new.effects[block.terms[0]].codes),
            len(design.random[block.terms[0]].factor.levels),
            [(matrix(new.effects[i].basis), structure_code(design.random[i])) for i in block.terms],
        )
        for block in blocks
    ]


def _pooled(design: Design, blocks: tuple[Block, ...], stream: RowStream) -> Design:
    """Put rows that have the cross-products of all in the place of those it was built from."""
    fixed = stream.fixed
    random = list(design.random)
    for b, block in enumerate(blocks):
        for t, i in enumerate(block.terms):
            # Mean squares as over all rows: that is what the columns are compared by.
            triangle = stream.random(b, t)
            basis = triangle * np.sqrt(len(triangle) / stream.used)
            factor = replace(random[i].factor, codes=np.empty(0, dtype=np.int32))
            random[i] = replace(random[i], basis=basis, factor=factor)
    return replace(
        design,
        y=np.ascontiguousarray(fixed[:, -1]),
        X=np.ascontiguousarray(fixed[:, :-1]),
        random=tuple(random),
        weights=None,
        offset=None,
        pooled=True,
    )
