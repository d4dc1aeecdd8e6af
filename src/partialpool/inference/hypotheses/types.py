"""What each type of anova tests of a term: rows L of hypotheses L beta = 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partialpool.inference.hypotheses.fixed_terms import FixedTerm, treatment_effects
from partialpool.inference.hypotheses.overparametrized import general_form
from partialpool.inference.protocol import WaldFit

__all__ = ["marginal", "principled", "sequential"]

Matrix = NDArray[np.float64]
Integers = NDArray[np.int64]


def sequential(fit: WaldFit, terms: Sequence[FixedTerm]) -> list[Matrix]:
    """Type I: each term after those written before it."""
    kept = _kept(fit)
    R = _triangle(fit.design.X[:, kept])
    return [R[_among(term.columns, kept)] for term in terms]


def _triangle(X: Matrix) -> Matrix:
    """R of the QR factorisation, with ones on its diagonal.

    The scale of the rows matters to Satterthwaite's joint degrees of freedom; this is lmerTest's.
    """
    R = np.linalg.qr(X, mode="r")
    return np.asarray(R / np.diag(R)[:, None])


def principled(fit: WaldFit, terms: Sequence[FixedTerm], *, generalized: bool) -> list[Matrix]:
    """Type II: each term after all but those that contain it.

    Parameters
    ----------
    fit, terms
        The model and its terms.
    generalized
        Weigh the coefficients by their covariance, as R's car does, and not by the columns'
        cross-products, as lmerTest and SAS do. In balanced data the two are the same.
    """
    if generalized:
        return [_conjugate(fit, term, terms) for term in terms]
    if len(terms) == 1:
        return sequential(fit, terms)
    return [_reordered(fit, term, terms) for term in terms]


def _reordered(fit: WaldFit, term: FixedTerm, terms: Sequence[FixedTerm]) -> Matrix:
    """Type I with the term behind what doesn't contain it, and before what does."""
    kept = _kept(fit)
    own = _among(term.columns, kept)
    above = [_among(other.columns, kept) for other in terms if other.contains(term)]
    if not above:
        return np.eye(len(kept))[own]
    last = np.concatenate([own, *above]).astype(np.int64)
    order = np.concatenate([np.setdiff1d(np.arange(len(kept)), last), last])
    R = _triangle(fit.design.X[:, kept[order]])
    L = np.empty((len(own), len(kept)))
    start = len(kept) - len(last)
    L[:, order] = R[start : start + len(own)]
    return L


def _conjugate(fit: WaldFit, term: FixedTerm, terms: Sequence[FixedTerm]) -> Matrix:
    """What the term and its relatives hold beyond the relatives, in the metric of vcov."""
    kept = _kept(fit)
    unit = np.eye(len(kept))
    relatives = [_among(o.columns, kept) for o in terms if o.is_relative_of(term)]
    own = unit[_among(term.columns, kept)]
    if not relatives:
        return own
    above = unit[np.concatenate(relatives)]
    vcov = fit.vcov[np.ix_(kept, kept)]
    across = above @ vcov @ own.T
    return own - np.linalg.solve(above @ vcov @ above.T, across).T @ above


def marginal(fit: WaldFit, terms: Sequence[FixedTerm]) -> list[Matrix]:
    """Type III: each term averaged over the levels of what contains it, as in SAS.

    References
    ----------
    Kuznetsova, Brockhoff & Christensen (2017), Journal of Statistical Software 82(13),
    section 4.1; Goodnight (1980), Communications in Statistics A 9(2), 167-180.
    """
    if len(terms) == 1:
        return sequential(fit, terms)
    spec = fit.design.spec
    kept = _kept(fit)
    form = general_form(spec)
    if spec.fixed.kept is not None:
        form = form[list(spec.fixed.kept)]
    form = _without_aliased(fit, form)
    rows: list[Matrix] = []
    for term in terms:
        own = _among(term.columns, kept)
        above = [_among(other.columns, kept) for other in terms if other.contains(term)]
        L = np.eye(len(kept))[own]
        if above:
            higher = np.concatenate(above)
            shares = np.linalg.lstsq(form[higher].T, form[own].T, rcond=None)[0]
            L[:, higher] = -shares.T
        effects = treatment_effects(term, spec)
        # The same hypotheses, of which lmerTest takes differences from the first level.
        rows.append(effects @ L if len(effects) == len(L) else L)
    return rows


def _without_aliased(fit: WaldFit, form: Matrix) -> Matrix:
    """Let the estimated coefficients carry what those left out would have said."""
    gone = np.isnan(fit.fixef.values)
    if not gone.any():
        return form
    X = fit.design.X
    solved = np.linalg.lstsq(X[:, ~gone], X[:, gone], rcond=None)[0]
    solved[np.abs(solved) < 1e-9] = 0.0
    return form[~gone] + solved @ form[gone]


def _kept(fit: WaldFit) -> Integers:
    return np.flatnonzero(np.isfinite(fit.fixef.values))


def _among(columns: Integers, kept: Integers) -> Integers:
    """Positions of a term's estimated columns among all estimated ones."""
    return np.flatnonzero(np.isin(kept, columns))
