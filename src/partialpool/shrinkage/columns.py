"""From columns and groups to rows of a penalised model, and back to coefficients as given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from partialpool.errors import DataError
from partialpool.shrinkage.labels import Grouping
from partialpool.shrinkage.layout import Layout
from partialpool.shrinkage.rows import Rows, Term, is_sparse, make_term
from partialpool.shrinkage.settings import Settings, level_weights

__all__ = ["Assembled", "Coefficients", "assemble", "independent_columns", "linear_predictor"]

Vector = NDArray[np.float64]

# Squared length that must be left of a column when those before it are taken away.
_DEPENDENT = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Coefficients in the units of the columns as given, for m outputs.

    Attributes
    ----------
    intercept : (m,) array
        Shared intercepts.
    coef : (m, p) array
        Shared coefficients.
    columns : (k,) array of int
        Columns whose coefficients deviate.
    intercepts
        Deviations of the intercept (q, m) by factor.
    deviations
        Deviations of the columns' coefficients (q, k, m) by factor.
    """

    intercept: Vector
    coef: Vector
    columns: NDArray[np.intp]
    intercepts: tuple[Vector, ...]
    deviations: tuple[Vector, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Assembled:
    """Rows of a penalised model and the way back.

    Attributes
    ----------
    rows
        Rows in the columns that are penalised.
    main : (p',) array of bool
        Which shared columns ``main_l2`` penalises.
    settings
        What was asked for.
    features
        Number of columns given.
    kept : (p',) array of int
        Position of each shared column among the intercept (-1) and the columns given.
    inner : (k',) array of int
        The same of the columns that deviate.
    centre, scale : (p,) arrays
        What was taken from the columns, and what they were divided by.
    """

    rows: Rows
    main: NDArray[np.bool_]
    settings: Settings
    features: int
    kept: NDArray[np.intp]
    inner: NDArray[np.intp]
    centre: Vector
    scale: Vector

    def coefficients(self, layout: Layout, theta: Vector, outputs: int) -> Coefficients:
        """Take a solution back to the columns as given."""
        w = theta[: layout.p].reshape(len(self.kept), outputs)
        coef, intercept = self._unscaled(w, self.kept)
        own = self.inner[self.inner >= 0]
        intercepts, deviations = [], []
        for term, u in zip(self.rows.terms, layout.deviations(theta), strict=True):
            v = u.reshape(term.levels, len(self.inner), outputs) / term.omega[:, None, None]
            slopes = v[:, self.inner >= 0] / self.scale[own][:, None]
            shift = v[:, self.inner < 0].sum(axis=1)
            intercepts.append(shift - np.einsum("qkm,k->qm", slopes, self.centre[own]))
            deviations.append(slopes)
        return Coefficients(intercept, coef.T, own, tuple(intercepts), tuple(deviations))

    def _unscaled(self, w: Vector, where: NDArray[np.intp]) -> tuple[Vector, Vector]:
        coef = np.zeros((self.features, w.shape[1]))
        own = where >= 0
        coef[where[own]] = w[own] / self.scale[where[own]][:, None]
        return coef, w[~own].sum(axis=0) - self.centre @ coef


def assemble(
    X: Any,
    groups: Sequence[Grouping],
    settings: Settings,
    weights: Vector,
    main_l2: float = 0.0,
) -> Assembled:
    """Put columns, intercept and groups together.

    Parameters
    ----------
    X : (n, p) array or sparse matrix
        Columns as given.
    groups
        Grouping factors.
    settings
        Form of the model.
    weights : (n,) array
        Weights of the rows.
    main_l2
        Penalty of the shared coefficients; without one, dependent columns are left out.
    """
    features = X.shape[1]
    centre, scale = _scaling(X, settings, weights)
    columns = _with_intercept(X, settings, centre, scale)
    first = -1 if settings.fit_intercept else 0
    names = np.arange(first, features)
    main = (names >= 0) | settings.penalize_intercept
    kept = np.arange(len(names))
    if not main_l2 or not main.all():
        free = np.zeros(len(names)) if not main_l2 else np.where(main, main_l2, 0.0)
        kept = independent_columns(columns, weights, free)
    inner = _inner(settings, names)
    where = np.searchsorted(names, inner)
    basis = columns if len(where) == len(names) else columns[:, where]
    shared = columns if len(kept) == len(names) else columns[:, kept]
    position = {int(c): i for i, c in enumerate(kept)}
    of_x = [position.get(int(i)) for i in where]
    omegas = level_weights(settings.weights, groups, len(inner), weights)
    terms: list[Term] = []
    for group, omega in zip(groups, omegas, strict=True) if len(inner) else ():
        own = None if any(i is None for i in of_x) else of_x
        terms.append(make_term(group.codes, len(group.levels), basis, own, omega))
    if not is_sparse(shared):
        shared = np.ascontiguousarray(shared)
    rows = Rows(shared, tuple(terms))
    return Assembled(rows, main[kept], settings, features, names[kept], inner, centre, scale)


def _inner(settings: Settings, names: NDArray[np.intp]) -> NDArray[np.intp]:
    if isinstance(settings.deviations, str) and settings.deviations == "all":
        return names
    wanted = [] if isinstance(settings.deviations, str) else settings.deviations
    if not settings.fit_intercept and not len(wanted):
        raise DataError(
            f"deviations={settings.deviations!r} with fit_intercept=False leaves nothing that "
            "could deviate by group. Fit the intercept, or name columns in deviations."
        )
    own = np.array(sorted({int(i) for i in wanted}), dtype=np.intp)
    return np.concatenate([names[names < 0], own])


def _scaling(X: Any, settings: Settings, weights: Vector) -> tuple[Vector, Vector]:
    p = X.shape[1]
    if not settings.standardize:
        return np.zeros(p), np.ones(p)
    share = weights / weights.sum()
    mean = np.asarray(X.T @ share).ravel()
    if is_sparse(X):
        square = np.asarray(X.multiply(X).T @ share).ravel()
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
        # Centring would fill the zeros in.
        mean = np.zeros(p)
    else:
        spread = np.sqrt(share @ (X - mean) ** 2)
    centre = mean if settings.fit_intercept else np.zeros(p)
    return centre, np.where(spread > 0, spread, 1.0)


def _with_intercept(X: Any, settings: Settings, centre: Vector, scale: Vector) -> Any:
    if is_sparse(X):
        scaled = X @ sparse.diags(1.0 / scale)
        if not settings.fit_intercept:
            return sparse.csr_matrix(scaled)
        ones: Any = np.ones((X.shape[0], 1))
        return sparse.csr_matrix(sparse.hstack([ones, scaled]))
    first = int(settings.fit_intercept)
    out = np.empty((X.shape[0], X.shape[1] + first))
    out[:, :first] = 1.0
    out[:, first:] = X
    if settings.standardize:
        out[:, first:] -= centre
        out[:, first:] /= scale
    return out


def independent_columns(X: Any, weights: Vector, penalty: Vector) -> NDArray[np.intp]:
    """Find the columns that those before them don't determine.

    Parameters
    ----------
    X : (n, p) array or sparse matrix
        Columns.
    weights : (n,) array
        Weights of the rows.
    penalty : (p,) array
        Multiplier of each coefficient's square; one that has any is kept.

    Examples
    --------
    >>> X = np.array([[1.0, 2.0, 2.0], [1.0, 3.0, 3.0], [1.0, 5.0, 5.0]])
    >>> independent_columns(X, np.ones(3), np.zeros(3))
    array([0, 1])
    """
    C = Rows(X, ()).gram(weights / weights.sum()).C + np.diag(penalty)
    size = np.sqrt(np.diagonal(C))
    C = C / np.outer(np.where(size > 0, size, 1.0), np.where(size > 0, size, 1.0))
    kept: list[int] = []
    L = np.zeros_like(C)
    for i in range(len(C)):
        row = C[i, kept].copy()
        for at, j in enumerate(kept):
            row[at] = (row[at] - row[:at] @ L[j, :at]) / L[j, at]
        left = C[i, i] - float(row @ row)
        if size[i] > 0 and left > _DEPENDENT:
            L[i, : len(kept)] = row
            L[i, len(kept)] = np.sqrt(left)
            kept.append(i)
    return np.array(kept, dtype=np.intp)


def linear_predictor(
    X: Any, found: Sequence[NDArray[np.int32]], coefficients: Coefficients
) -> Vector:
    """Linear predictors (n, m) of rows, known levels adding their deviations.

    Parameters
    ----------
    X : (n, p) array or sparse matrix
        Columns as given.
    found
        Level of each row by factor, -1 for none; empty to use no deviations.
    coefficients
        Of the fit.
    """
    c = coefficients
    out = np.asarray(X @ c.coef.T) + c.intercept
    basis = X if len(c.columns) == X.shape[1] else X[:, c.columns]
    for codes, shift, slopes in zip(found, c.intercepts, c.deviations, strict=False):
        known = codes >= 0
        out[known] += shift[codes[known]]
        if slopes.shape[1]:
            term = make_term(codes, len(shift), basis)
            for m in range(out.shape[1]):
                out[:, m] += term.values(np.ascontiguousarray(slopes[:, :, m]))
    return out
