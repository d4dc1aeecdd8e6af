"""Rows that come in batches reduced to cross-products."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partialpool.core import RowStream, matrix, vector
from partialpool.core import codes as core_codes
from partialpool.design import Design, NewEffects, NewRows
from partialpool.design.batches import Batch, BatchedDesign
from partialpool.errors import DataError
from partialpool.solve.blocks import Block, arrange
from partialpool.solve.problem import (
    CoreBlock,
    Reduced,
    count_rest,
    refuse_confounded,
    refuse_unusable,
    structure_code,
)

__all__ = ["reduce_batches", "restore_batches"]

Vector = NDArray[np.float64]

# Sums of the same numbers in another order differ by less, relative to those of their sizes.
_ROUNDING = 1e-10


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
    stream, plain = RowStream(), _PlainTriangle()
    looked = _Seen(design.rows.n_given - design.rows.left_out)
    seen = _feed(rows, blocks, stream.summarise)
    looked.refuse_other(seen)
    seen.refuse_other(_feed(rows, blocks, stream.factor, plain.add))
    stream.find_scaling()
    if stream.solvable:
        seen.refuse_other(_feed(rows, blocks, stream.accumulate))
    problem = stream.problem()
    refuse_unusable(design, problem, blocks)
    if sigma is None:
        refuse_confounded(design, problem.n, pooled=True)
    reduced = Reduced(problem, blocks, count_rest(blocks, design.random), stream)
    X = plain.r if plain.r is not None else stream.fixed[:, :-1]
    return _pooled(design, blocks, stream, X), reduced


def restore_batches(design: Design, looks: Vector, sums: Vector) -> Reduced:
    """Make the reduced problem of rows that went by again, from what was kept of them.

    Parameters
    ----------
    design
        As :func:`reduce_batches` returned it.
    looks, sums
        ``stream.looks()`` and ``problem.sums()`` of what it returned.

    Raises
    ------
    ValueError
        If they aren't those of the design.
    """
    blocks = arrange(design.random)
    none = (NewEffects(e.factor.codes, e.basis[:0], e.factor.codes) for e in design.random)
    stream, empty = RowStream(), NewRows(0, design.X[:0], None, tuple(none))
    stream.restore(matrix(empty.X), _core_blocks(design, blocks, empty), looks, sums)
    return Reduced(stream.problem(), blocks, count_rest(blocks, design.random), stream)


Pass = Callable[..., None]


@dataclass(slots=True)
class _Seen:
    """What a pass has seen, by which the next one knows whether it sees the same."""

    rows: int = 0
    sums: NDArray[np.float64] | None = None
    sizes: NDArray[np.float64] | None = None

    def add(self, batch: Batch) -> None:
        numbers = np.column_stack([batch.y, batch.new.X])
        sums, sizes = numbers.sum(axis=0), np.abs(numbers).sum(axis=0)
        self.rows += len(numbers)
        self.sums = sums if self.sums is None else self.sums + sums
        self.sizes = sizes if self.sizes is None else self.sizes + sizes

    def refuse_other(self, later: _Seen) -> None:
        """Refuse a source that gave other rows later.

        Raises
        ------
        DataError
            If so.
        """
        same = self.rows == later.rows and (
            self.sums is None
            or later.sums is None
            or self.sizes is None
            or bool(np.all(np.abs(self.sums - later.sums) <= _ROUNDING * self.sizes))
        )
        if not same:
            raise DataError(
                f"the source gave {self.rows:,} rows on one look and {later.rows:,} on a later "
                "one, or other numbers in them. It has to give the same rows each time."
            )


class _PlainTriangle:
    """The triangular factor of X without the weights, which hypotheses about terms need."""

    def __init__(self) -> None:
        self.r: NDArray[np.float64] | None = None

    def add(self, batch: Batch) -> None:
        """Take in the rows of a batch that have weight."""
        if batch.weights is None:
            return
        X = batch.new.X[batch.weights > 0]
        self.r = np.asarray(np.linalg.qr(X if self.r is None else np.vstack([self.r, X]), mode="r"))


def _feed(
    rows: BatchedDesign,
    blocks: tuple[Block, ...],
    read: Pass,
    also: Callable[[Batch], None] | None = None,
) -> _Seen:
    seen = _Seen()
    for batch in rows.batches():
        seen.add(batch)
        if also is not None:
            also(batch)
        read(
            matrix(batch.new.X),
            vector(batch.y),
            None if batch.weights is None else vector(batch.weights),
            None if batch.new.offset is None else vector(batch.new.offset),
            _core_blocks(rows.design, blocks, batch.new),
        )
    return seen


def _core_blocks(design: Design, blocks: tuple[Block, ...], new: NewRows) -> list[CoreBlock]:
    return [
        (
            core_codes(new.effects[block.terms[0]].codes),
            len(design.random[block.terms[0]].factor.levels),
            [(matrix(new.effects[i].basis), structure_code(design.random[i])) for i in block.terms],
        )
        for block in blocks
    ]


def _pooled(
    design: Design, blocks: tuple[Block, ...], stream: RowStream, X: NDArray[np.float64]
) -> Design:
    """Put rows that have the cross-products of all in the place of those it was built from."""
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
        y=np.ascontiguousarray(stream.fixed[:, -1]),
        X=np.ascontiguousarray(X),
        random=tuple(random),
        weights=None,
        offset=None,
        pooled=True,
    )
