"""What the estimates would be without a row, or without a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design, GroupingFactor
from partialpool.errors import DataError, ModelError, did_you_mean
from partialpool.frames import make_frame
from partialpool.inference.fitted import hat_values, residuals
from partialpool.inference.protocol import GaussianFit
from partialpool.inference.robust.clusters import cluster_codes, clusters
from partialpool.solve import solve
from partialpool.solve.problem import core_blocks

__all__ = ["group_influence", "row_influence"]

Matrix = NDArray[np.float64]


def row_influence(fit: GaussianFit) -> Any:
    """Tabulate leverage, studentised residual and influence of every row.

    Deletion is exact given the covariance parameters, and needs no refit.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Returns
    -------
    native frame
        ``row`` (position in the data as given), ``leverage`` (derivative of the fitted value in
        the response), ``studentized`` (residual over its own standard deviation), ``cooks``
        (Cook's distance of the fitted values, random effects included, as in lme4),
        ``cooks_fixed`` (of the fixed effects when the row is deleted, over their covariance),
        and ``dfbetas_...``: by how many standard errors each coefficient would be higher
        without the row. NaN for rows of weight zero.

    Raises
    ------
    ModelError
        If the model has no fixed effects.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> table = fit.row_influence()
    >>> int(table["row"][table["cooks"].argmax()])
    59

    References
    ----------
    Haslett & Dillane (2004), JRSS B 66, 131-143: deletion formulas for correlated data.
    """
    design, solution = fit.design, fit.solution
    kept = _kept(fit)
    weights = design.row_weights
    leverage = hat_values(fit)
    rest = np.where(weights > 0, 1.0 - leverage, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        studentized = residuals(fit, "scaled") / np.sqrt(rest)
        cooks = studentized**2 * leverage / rest / len(kept)
        # (Py)_i over P_ii: what the rest of the data didn't expect of the row.
        deleted = -residuals(fit, "response") / rest
    change = _slopes(fit, kept) * deleted[:, None]
    root = np.linalg.solve(solution.root, change.T) / solution.sigma
    error = solution.sigma * np.linalg.norm(solution.root, axis=1)
    columns: dict[str, NDArray[Any]] = {
        "row": _positions(design),
        "leverage": leverage,
        "studentized": studentized,
        "cooks": cooks,
        "cooks_fixed": np.einsum("ri,ri->i", root, root) / len(kept),
    }
    for c, i in enumerate(kept):
        columns[f"dfbetas_{design.columns[i]}"] = change[:, c] / error[c]
    return make_frame(columns, design.spec.kind)


def _kept(fit: GaussianFit) -> NDArray[np.intp]:
    kept = np.flatnonzero(np.isfinite(fit.fixef.values))
    if not len(kept):
        raise ModelError(
            "influence is how far the fixed effects move, and the model has none. See "
            "fit.hatvalues() for the leverage of rows, and fit.residuals() for outliers."
        )
    return kept


def _positions(design: Design) -> NDArray[np.int64]:
    return np.arange(design.rows.n_given) if design.rows.kept is None else design.rows.kept


def _slopes(fit: GaussianFit, kept: NDArray[np.intp]) -> Matrix:
    """Derivative of every coefficient in every response, (n, r).

    Of the joint precision matrix J of fixed and random effects this is e_k'J^-1 (x_i, z_i) w_i,
    a bilinear form, which is a difference of two quadratic ones.
    """
    design, solution = fit.design, fit.solution
    blocks = core_blocks(solution.reduced.blocks, design.random)
    size = np.sqrt(np.maximum(solution.quadratic_forms(design.X, blocks), 1e-300))
    out = np.empty((len(design.y), len(kept)))
    for c, i in enumerate(kept):
        # A step about as large as the row, so that the difference keeps its digits.
        step = size / max(float(np.linalg.norm(solution.root[c])), 1e-300)
        above, below = (_moved(design.X, int(i), sign * step) for sign in (1.0, -1.0))
        difference = solution.quadratic_forms(above, blocks) - solution.quadratic_forms(
            below, blocks
        )
        out[:, c] = difference / (4.0 * step)
    return out if design.weights is None else out * design.weights[:, None]


def _moved(X: Matrix, column: int, step: Matrix) -> Matrix:
    moved = X.copy()
    moved[:, column] += step
    return moved


@dataclass(frozen=True, slots=True, eq=False)
class _Deleted:
    """Estimates without one group."""

    beta: Matrix
    vcov: Matrix


def group_influence(fit: GaussianFit, group: str | None = None, *, refit: bool = False) -> Any:
    """Tabulate the influence of every level of a grouping factor.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    group
        Grouping factor; by default the one within whose levels all others lie.
    refit
        Estimate the covariance parameters again without each group, as lme4's ``influence``
        does: one fit for every level. Otherwise they are held, and the deletion is exact given
        them, without a fit.

    Returns
    -------
    native frame
        The group's levels, ``leverage`` (sum of its rows'), ``cooks`` (Cook's distance: squared
        change of the fixed effects over their covariance, divided by their number; lme4
        multiplies it by (J - p) / J for J levels), and ``dfbetas_...``: by how many standard
        errors, those without the group, each coefficient would be higher without it.

    Raises
    ------
    DataError
        If there is no such factor.
    ModelError
        If the model has no fixed effects, the factor is crossed with others, or the
        model can't be estimated without a group.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> table = fit.group_influence()
    >>> table["Subject"][table["cooks"].argmax()]
    '309'

    References
    ----------
    Demidenko & Stukel (2005), Statistics in Medicine 24, 893-909.
    """
    factor = _factor(fit.design, group)
    kept = _kept(fit)
    deletions = _refitted(fit, factor) if refit else _downdated(fit, factor)
    beta = fit.fixef.values[kept]
    solution = fit.solution
    cooks, dfbetas = [], []
    for found in deletions:
        change = found.beta - beta
        size = np.linalg.solve(solution.root, change) / solution.sigma
        cooks.append(float(size @ size) / len(kept))
        dfbetas.append(change / np.sqrt(np.diag(found.vcov)))
    scaled = np.array(dfbetas)
    leverage = np.bincount(factor.codes, hat_values(fit), len(factor.levels))
    columns: dict[str, NDArray[Any]] = {
        factor.name: factor.levels,
        "leverage": leverage,
        "cooks": np.array(cooks),
    }
    for c, i in enumerate(kept):
        columns[f"dfbetas_{fit.design.columns[i]}"] = scaled[:, c]
    return make_frame(columns, fit.design.spec.kind)


def _factor(design: Design, group: str | None) -> GroupingFactor:
    factors = {e.factor.name: e.factor for e in design.random}
    if not factors:
        raise ModelError("the model has no grouping factor whose levels could be left out.")
    if group is None:
        return min(factors.values(), key=lambda f: len(f.levels))
    if not isinstance(group, str):
        raise DataError(
            f"group must be the name of one grouping factor ({', '.join(map(repr, factors))}), "
            f"found {group!r}."
        )
    if group not in factors:
        raise DataError(
            f"{group!r} is no grouping factor of the model, which has "
            f"{', '.join(map(repr, factors))}.{did_you_mean(group, factors)}"
        )
    return factors[group]


def _downdated(fit: GaussianFit, factor: GroupingFactor) -> Iterator[_Deleted]:
    """Leave each group's share out of the normal equations."""
    solution = fit.solution
    kept = np.isfinite(fit.fixef.values)
    beta = fit.fixef.values[kept]
    inverse = np.linalg.inv(solution.root)
    whole = inverse.T @ inverse  # X'V^-1 X
    used = _levels_used(fit.design, factor)
    found = dict(zip(used, clusters(fit, cluster_codes(fit.design, factor.name)), strict=True))
    for level in range(len(factor.levels)):
        if level not in found:
            yield _Deleted(beta, solution.sigma**2 * np.linalg.inv(whole))
            continue
        part = found[level]
        weighted = np.linalg.solve(part.V, part.X)
        left = whole - part.X.T @ weighted
        covariance = _inverse(left, whole, str(factor.levels[level]))
        change = -covariance @ (weighted.T @ part.residual)
        yield _Deleted(beta + change, solution.sigma**2 * covariance)


def _levels_used(design: Design, factor: GroupingFactor) -> list[int]:
    codes = factor.codes if design.weights is None else factor.codes[design.weights > 0]
    return [int(code) for code in np.unique(codes)]


def _inverse(left: Matrix, whole: Matrix, level: str) -> Matrix:
    scale = 1.0 / np.sqrt(np.diag(whole))
    values = np.linalg.eigvalsh(left * np.outer(scale, scale))
    if values[0] < 1e-10:
        raise ModelError(
            f"without the group {level!r} the fixed effects aren't all determined: a column lives "
            "in this group alone. Leave the column out to see the influence of its groups."
        )
    return np.asarray(np.linalg.inv(left))


def _refitted(fit: GaussianFit, factor: GroupingFactor) -> Iterator[_Deleted]:
    design = fit.design
    kept = list(np.flatnonzero(np.isfinite(fit.fixef.values)))
    weights = design.row_weights
    for level in range(len(factor.levels)):
        without = replace(design, weights=np.where(factor.codes == level, 0.0, weights))
        found = solve(without, fit.solution.likelihood)
        if found.reduced.problem.kept != kept:
            raise ModelError(
                f"without the group {factor.levels[level]!r} the fixed effects aren't all "
                "determined: a column lives in this group alone."
            )
        yield _Deleted(found.beta, found.sigma**2 * (found.root @ found.root.T))
