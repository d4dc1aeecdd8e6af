"""A model laid out for the sampler: fixed effects in coordinates in which they are uncorrelated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.general.centring import Rows, knowledge, weights
from partialpool.bayes.general.nesting import Place, places
from partialpool.bayes.general.sites import Law, law_of
from partialpool.bayes.statement import Statement
from partialpool.design import Design
from partialpool.families import Ordinal

__all__ = ["PartLayout", "TermLayout", "lay_out", "start_thresholds"]

Array = NDArray[np.float64]


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["codes", "basis", "scales", "correlation", "centred", "turn", "place"],
    meta_fields=["levels", "k", "structure"],
)
@dataclass(frozen=True, slots=True, eq=False)
class TermLayout:
    """One random term.

    Attributes
    ----------
    codes, basis
        Level and columns of every row.
    levels, k
        Numbers of levels and of effects.
    structure
        Form of the covariance.
    scales, correlation
        Priors of the free standard deviations, and of the correlations, if there are any.
    centred : (J,) array
        How far the effects of each level are sampled as themselves (1), and not as standard
        normal variables (0).
    turn : (k, k) array
        Centred vectors of effects are this times the sampler's numbers, in which they are about
        uncorrelated given the rows: an intercept far from them and its slope hang together.
    place
        What else of the linear predictor is constant in each level: centred effects are sampled
        with it added, since the data know the sum, and not its parts.
    """

    codes: NDArray[np.int32]
    basis: Array
    levels: int
    k: int
    structure: str
    scales: tuple[Law, ...]
    correlation: Law | None
    centred: Array
    turn: Array
    place: Place


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["start", "Q", "origin", "map", "means", "fixed", "terms"],
    meta_fields=["centred"],
)
@dataclass(frozen=True, slots=True, eq=False)
class PartLayout:
    """One linear predictor: eta = start + Q gamma + Z b, with beta = origin + map gamma.

    Attributes
    ----------
    start : (n,) array
        X origin + offset.
    Q : (n, p) array
        Uncorrelated columns of about unit size.
    origin, map
        Where gamma = 0 lies, and how gamma becomes coefficients.
    means : (p,) array
        Of the kept columns, for the prior of a centred intercept, and of thresholds.
    fixed
        Priors of the coefficients.
    centred
        Whether the first is of the linear predictor at the means.
    terms
        Random terms.
    """

    start: Array
    Q: Array
    origin: Array
    map: Array
    means: Array
    fixed: tuple[Law, ...]
    centred: bool
    terms: tuple[TermLayout, ...]


def lay_out(statement: Statement) -> dict[str, PartLayout]:
    """Lay out every linear predictor."""
    response = statement.response
    used = response.counted
    found = statement.family.start(
        response.values[used],
        None if response.trials is None else response.trials[used],
        None,
        statement.zero,
    )
    n = len(response.values)
    start = {
        part: np.full(n, found.get(part, 0.0)) for part in statement.family.parts(statement.zero)
    }
    if "thresholds" in start:
        start["thresholds"] = start_thresholds(statement)
    offset = statement.design.offset
    if offset is not None:
        start["mean"] = start["mean"] - offset[used].mean() + offset
    rows = Rows(statement, start)
    # What a user's function does wrong is said here, and not from inside the sampler.
    rows.information(start["mean"])
    return {
        name: _part(design, statement, name, found.get(name, 0.0), rows)
        for name, design in statement.designs.items()
    }


def start_thresholds(statement: Statement) -> Array:
    """Thresholds of the shares of the categories, one row added to each."""
    used = statement.response.counted
    K = len(statement.priors.thresholds) + 1
    seen = np.concatenate([statement.response.values[used], np.arange(K)])
    family = statement.family
    assert isinstance(family, Ordinal)
    return family.start_thresholds(seen, K)


def _part(
    design: Design,
    statement: Statement,
    name: str,
    level: float,
    rows: Rows,
) -> PartLayout:
    kept, priors = statement.kept[name], statement.priors.parts[name]
    X = design.X[:, kept]
    means = X.mean(axis=0)
    ordered = name == "mean" and bool(statement.priors.thresholds)
    if ordered:
        # Thresholds stand in the intercept's place: columns about their means leave them alone.
        X = X - means
    offset = np.zeros(len(X)) if design.offset is None else design.offset
    # Coefficients that put every row near the start: least squares of a constant.
    origin = np.asarray(np.linalg.lstsq(X, level - offset, rcond=None)[0])
    if ordered:
        origin = np.zeros(len(kept))
    transform = _whitening(X)
    ratios = [np.zeros((len(e.factor.levels), 1)) for e in design.random]
    if name == "mean" and design.random:
        ratios = knowledge(rows, X, design.random)
    terms = [
        TermLayout(
            e.factor.codes,
            e.basis,
            len(e.factor.levels),
            len(e.columns),
            e.term.structure if len(e.columns) > 1 else "diagonal",
            tuple(law_of(a.prior) for a in own.scales),
            None if own.correlation is None else law_of(own.correlation.prior),
            weights(ratio),
            _whitening(e.basis) if len(e.columns) > 1 else np.eye(1),
            place,
        )
        for e, own, ratio, place in zip(
            design.random, priors.terms, ratios, places(X, design.random), strict=True
        )
    ]
    return PartLayout(
        X @ origin + offset,
        X @ transform,
        origin,
        transform,
        means,
        tuple(law_of(a.prior) for a in priors.fixed),
        priors.centred,
        tuple(terms),
    )


def _whitening(X: Array) -> Array:
    """T with X T orthogonal and of root mean square one; centring comes with the intercept."""
    if not X.shape[1]:
        return np.zeros((0, 0))
    r = np.linalg.qr(X, mode="r")
    size = np.linalg.norm(r, axis=0)
    size = np.where(size > 0, size, 1.0)
    if len(r) < X.shape[1] or np.linalg.matrix_rank(r / size) < X.shape[1]:
        # Rows that don't tell columns apart: each is brought to its size alone.
        return np.asarray(np.sqrt(len(X)) * np.diag(1.0 / size))
    return np.asarray(np.sqrt(len(X)) * np.linalg.inv(r))
