"""What the estimates would be without one group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError, did_you_mean
from partialpool.frames import make_frame
from partialpool.generalized.inference.parameters import by_likelihood, estimated
from partialpool.inference import warn_unless_converged
from partialpool.progress import counting
from partialpool.solve.generalized import GeneralizedSolution, solve_without

if TYPE_CHECKING:
    from partialpool.design import GroupingFactor
    from partialpool.generalized.fit import GlmmFit

__all__ = ["group_influence"]

Array = NDArray[np.float64]


def group_influence(fit: GlmmFit, group: str | None = None) -> Any:
    """Tabulate the influence of every level of a grouping factor.

    The model is fitted again without each level in turn, from the estimates with it; all
    parameters move.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    group
        Grouping factor; by default the one with the fewest levels.

    Returns
    -------
    native frame
        The group's levels, ``cooks`` (Cook's distance: squared change of the mean's fixed effects
        over their covariance, divided by their number), ``dfbetas_...``: by how many of the fit's
        standard errors each coefficient would be higher without the level, and
        ``change_sd(...)``, ``change_corr(...)``: by how much each standard deviation and
        correlation would be.

    Raises
    ------
    DataError
        If there is no such factor.
    ModelError
        If the model has no random terms or no fixed effects, or can't be estimated without a
        level.
    NotAvailableError
        For fits by penalised quasi-likelihood, ``method="joint"`` or ``reml=True``.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> table = group_influence(fit)
    >>> str(table["herd"][table["cooks"].argmax()])
    '11'

    References
    ----------
    Cook (1977), Technometrics 19(1), 15-18; Demidenko & Stukel (2005), Statistics in Medicine 24,
    893-909, for deletion of groups.
    """
    solution = by_likelihood(fit, "deletions of groups")
    factor = _factor(fit, group)
    kept = np.flatnonzero(np.isfinite(fit.fixef.values))
    if not len(kept):
        raise ModelError(
            "influence is how far the fixed effects move, and the model has none. See "
            "fit.quantile_residuals() for outliers."
        )
    warn_unless_converged(fit, "measures of influence")
    whole = _values(fit, solution)
    change = np.array([_values(fit, s) - whole for s in _deleted(fit, solution, factor)])
    names = [e.parameter for e in estimated(fit, solution)]
    beta = change[:, kept]
    vcov = fit.vcov[np.ix_(kept, kept)]
    columns: dict[str, NDArray[Any]] = {
        factor.name: factor.levels,
        "cooks": np.einsum("jr,rj->j", beta, np.linalg.solve(vcov, beta.T)) / len(kept),
    }
    error = np.sqrt(np.diag(vcov))
    for c, i in enumerate(kept):
        columns[f"dfbetas_{fit.fixef.names[i]}"] = beta[:, c] / error[c]
    for place, parameter in enumerate(names):
        if parameter.kind != "fixed":
            columns[f"change_{parameter.label}"] = change[:, place]
    return make_frame(columns, fit.kind)


def _values(fit: GlmmFit, solution: GeneralizedSolution) -> Array:
    return np.array([e.value for e in estimated(fit, solution)])


def _deleted(
    fit: GlmmFit, solution: GeneralizedSolution, factor: GroupingFactor
) -> Iterator[GeneralizedSolution]:
    with counting("influence", len(factor.levels)) as show:
        for level in range(len(factor.levels)):
            name, gone = factor.levels[level], factor.codes == level
            if not fit.response.counted[gone].any():
                yield solution
                continue
            try:
                yield solve_without(solution, fit.response, gone)
            except ModelError as error:
                raise ModelError(
                    f"without the group {str(name)!r} the model can't be estimated: {error} Leave "
                    "out what lives in this group alone to see the influence of its groups."
                ) from error
            show(level + 1)


def _factor(fit: GlmmFit, group: str | None) -> GroupingFactor:
    factors = {e.factor.name: e.factor for d in fit.designs.values() for e in d.random}
    if not factors:
        raise ModelError("the model has no grouping factor whose levels could be left out.")
    if group is None:
        return min(factors.values(), key=lambda f: len(f.levels))
    if group not in factors:
        raise DataError(
            f"{group!r} is no grouping factor of the model, which has "
            f"{', '.join(map(repr, factors))}.{did_you_mean(str(group), factors)}"
        )
    return factors[group]
