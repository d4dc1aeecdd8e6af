"""The fixed part with a column for every level: what SAS's types of hypotheses are about."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from partialpool.design import DesignSpec
from partialpool.design.contrasts import coding_matrix
from partialpool.design.terms import ScopedFactor, ScopedTerm, read_terms

__all__ = ["general_form"]

Matrix = NDArray[np.float64]
Piece = tuple[str, ...]


def general_form(spec: DesignSpec) -> Matrix:
    """Write the model's coefficients in those of the overparametrised model (p, r).

    The overparametrised model has an indicator for every level of every factor, and products of
    these for the interactions. Row i is what coefficient i is of its parameters.

    Notes
    -----
    Both models are sums of the same pieces, in which every factor is coded by contrasts or is
    absent, since an indicator is a mean plus contrasts.
    """
    order = {text: i for i, text in enumerate(spec.factors)}
    every = tuple(
        tuple(ScopedFactor(text, False) for text in dict.fromkeys(term))
        for term in read_terms(spec.formula.fixed)
    )
    model = [_in_pieces(term, spec, order) for term in spec.fixed.terms]
    full = [_in_pieces(term, spec, order) for term in every]
    # A piece that only the full model has can't be told by the model: it stays out.
    pieces = list(dict.fromkeys(piece for term in model for piece in term))
    X = _stack(model, pieces, spec)
    return np.asarray(np.linalg.lstsq(X, _stack(full, pieces, spec), rcond=None)[0], np.float64)


def _in_pieces(term: ScopedTerm, spec: DesignSpec, order: dict[str, int]) -> dict[Piece, Matrix]:
    """What every column of a term is of each piece's columns: (piece's, term's) by piece."""
    options = [_factor_options(factor, spec) for factor in term]
    out: dict[Piece, Matrix] = {}
    for pick in product(*options):
        present = [(text, matrix) for text, matrix in pick if text]
        ranked = sorted(present, key=lambda item: order[item[0]])
        piece = tuple(text for text, _ in ranked)
        out[piece] = _kronecker(pick, [text for text, _ in ranked], spec)
    return out


def _factor_options(factor: ScopedFactor, spec: DesignSpec) -> list[tuple[str, Matrix]]:
    """A factor as the piece it is, or as absent (an empty text), with its columns in it."""
    known = spec.factors[factor.text]
    if known.kind != "categorical":
        return [(factor.text, np.eye(known.width))]
    contrasts = coding_matrix(known.contrast, known.labels, reduced=True).values
    if factor.reduced:
        return [(factor.text, np.eye(contrasts.shape[1]))]
    inverse = np.linalg.inv(np.column_stack([np.ones(len(contrasts)), contrasts]))
    return [("", inverse[:1]), (factor.text, inverse[1:])]


def _kronecker(pick: tuple[tuple[str, Matrix], ...], ranked: list[str], spec: DesignSpec) -> Matrix:
    """Combine the factors' matrices; rows in the piece's order, the first factor fastest."""
    out: Matrix = np.ones((1, 1))
    for _, matrix in pick:
        out = np.asarray(np.kron(matrix, out), np.float64)
    texts = [text for text, _ in pick if text]
    if texts == ranked:
        return out
    sizes = [matrix.shape[0] for text, matrix in pick if text]
    # The last factor varies slowest, so that it is the first axis.
    cube = out.reshape(*sizes[::-1], out.shape[1])
    axes = [len(texts) - 1 - texts.index(text) for text in reversed(ranked)]
    return cube.transpose(*axes, len(texts)).reshape(out.shape)


def _stack(terms: list[dict[Piece, Matrix]], pieces: list[Piece], spec: DesignSpec) -> Matrix:
    """Rows for all pieces, columns for all terms."""
    sizes = {piece: _size(piece, spec) for piece in pieces}
    blocks = []
    for term in terms:
        columns = next(iter(term.values())).shape[1]
        rows = [term.get(piece, np.zeros((sizes[piece], columns))) for piece in pieces]
        blocks.append(np.vstack(rows))
    return np.hstack(blocks)


def _size(piece: Piece, spec: DesignSpec) -> int:
    size = 1
    for text in piece:
        known = spec.factors[text]
        size *= len(known.labels) - 1 if known.kind == "categorical" else known.width
    return size
