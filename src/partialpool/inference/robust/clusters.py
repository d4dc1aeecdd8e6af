"""Rows by cluster, each cluster's covariance, in few coordinates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, RandomEffects
from partialpool.errors import DataError, ModelError, did_you_mean
from partialpool.inference.fitted import linear_part
from partialpool.inference.protocol import GaussianFit

__all__ = ["Cluster", "cluster_codes", "clusters"]

Matrix = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """One cluster in d coordinates; in all others V is the identity and X is zero.

    Attributes
    ----------
    V : (d, d) array
        Covariance of its rows over sigma^2.
    X : (d, r) array
        Columns that are in the model.
    residual : (d,) array
        Response less fixed part and offset.
    """

    V: Matrix
    X: Matrix
    residual: Matrix


def cluster_codes(design: Design, cluster: Any) -> Codes:
    """Find the cluster of every row, (n,).

    Parameters
    ----------
    design
        The rows, with all random terms of the model.
    cluster
        A grouping factor of the model; an array of labels; None for the factor within whose
        levels all others lie.

    Raises
    ------
    DataError
        If it is none of these.
    ModelError
        If a random effect reaches over several clusters.
    """
    if cluster is None:
        codes = _outermost(design)
    elif isinstance(cluster, str):
        codes = _named(design, cluster)
    else:
        codes = _labels(design, cluster)
    for effects in design.random:
        if not _within(effects, codes):
            raise ModelError(
                f"the effects of {effects.term.source} reach over several clusters, so that these "
                "aren't independent. Take a cluster that holds whole levels of "
                f"{effects.factor.name!r}; crossed factors leave none."
            )
    return codes


def _within(effects: RandomEffects, codes: Codes) -> bool:
    """Whether every level lies in one cluster."""
    first = np.full(len(effects.factor.levels), -1, dtype=np.int64)
    first[effects.factor.codes] = codes
    return bool(np.array_equal(first[effects.factor.codes], codes))


def _outermost(design: Design) -> Codes:
    if not design.random:
        raise DataError("the model has no grouping factor: pass cluster= with a label per row.")
    factors = [e.factor for e in design.random]
    codes = min(factors, key=lambda f: len(f.levels)).codes
    return codes.astype(np.int64)


def _named(design: Design, name: str) -> Codes:
    factors = {e.factor.name: e.factor for e in design.random}
    if name not in factors:
        raise DataError(
            f"cluster={name!r} is no grouping factor of the model, which has "
            f"{', '.join(map(repr, factors)) or 'none'}.{did_you_mean(name, factors)} For another "
            "column pass its values."
        )
    return factors[name].codes.astype(np.int64)


def _labels(design: Design, labels: Any) -> Codes:
    values = np.asarray(labels)
    if values.ndim == 1 and design.rows.kept is not None and len(values) == design.rows.n_given:
        values = values[design.rows.kept]
    if values.shape != (len(design.y),):
        raise DataError(
            f"cluster= needs a label for each of the {len(design.y)} rows, found an array of "
            f"shape {values.shape}."
        )
    missing = [i for i, value in enumerate(values.tolist()) if _is_missing(value)]
    if missing:
        raise DataError(
            f"cluster= lacks a label in {len(missing)} row(s), first in row {missing[0]} of the "
            "rows fitted. Give every row one."
        )
    try:
        return np.unique(values, return_inverse=True)[1].astype(np.int64)
    except TypeError:
        raise DataError(
            "cluster= mixes labels of several types. Make them all text or all numbers."
        ) from None


def _is_missing(value: Any) -> bool:
    # NaN and NaT aren't equal to themselves, and pandas' NA isn't even unequal.
    return value is None or (value == value) is not True


def clusters(fit: GaussianFit, codes: Codes) -> Iterator[Cluster]:
    """Cut the rows with weight into clusters."""
    design = fit.design
    kept = np.isfinite(fit.fixef.values)
    residual = design.y - linear_part(design.X, fit.fixef.values, design.offset)
    w = design.row_weights
    factors = [fit.solution.factor(i) for i in range(len(design.random))]
    order = np.argsort(codes, kind="stable")
    order = order[w[order] > 0]
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        Z = _random_columns(design, factors, rows)
        X = design.X[np.ix_(rows, np.flatnonzero(kept))]
        if design.weights is None and Z.shape[1] + X.shape[1] < len(rows):
            yield _few_coordinates(Z, X, residual[rows])
        else:
            yield Cluster(np.diag(1.0 / w[rows]) + Z @ Z.T, X, residual[rows])


def _few_coordinates(Z: Matrix, X: Matrix, residual: Matrix) -> Cluster:
    """Turn to a basis of the columns of Z and X: the rest of the rows' space takes no part."""
    Q = np.linalg.qr(np.hstack([Z, X]))[0]
    QZ = Q.T @ Z
    return Cluster(np.eye(Q.shape[1]) + QZ @ QZ.T, Q.T @ X, Q.T @ residual)


def _random_columns(design: Design, factors: list[Matrix], rows: Codes) -> Matrix:
    """Columns of Z Lambda for one cluster's rows."""
    parts = [np.empty((len(rows), 0))]
    for effects, factor in zip(design.random, factors, strict=True):
        levels, local = np.unique(effects.factor.codes[rows], return_inverse=True)
        scaled = effects.basis[rows] @ factor
        out = np.zeros((len(rows), len(levels), scaled.shape[1]))
        out[np.arange(len(rows)), local] = scaled
        parts.append(out.reshape(len(rows), -1))
    return np.hstack(parts)
