"""Standard errors of the variance components of a generalized model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.errors import NotAvailableError
from partialpool.frames import make_frame
from partialpool.generalized.inference.parameters import estimated
from partialpool.generalized.inference.robust import ScoreRobust
from partialpool.inference import warn_unless_converged
from partialpool.inference.parameters import parameter_columns
from partialpool.solve.generalized import GeneralizedSolution

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["variance_parameters"]


def variance_parameters(fit: GlmmFit, robust: ScoreRobust | None = None) -> Any:
    """Tabulate standard deviations and correlations of the random effects with standard errors.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    robust
        From :func:`cluster_robust`, in the place of the model's own covariance.

    Returns
    -------
    native frame
        ``effect``, ``component`` (the linear predictor), ``group``, ``term`` (``sd__Days``,
        ``cor__Intercept.Days``), ``estimate`` and ``std_error``, which is NaN for a standard
        deviation of zero and a correlation of one, where the likelihood has no normal
        approximation.

    Raises
    ------
    NotAvailableError
        For fits by penalised quasi-likelihood.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Notes
    -----
    From the inverse of the exact Hessian of the log-likelihood in all parameters, by the delta
    method. Few groups make variances skew: intervals are better profiled.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> variance_parameters(fit)["std_error"].round(3).tolist()
    [0.179]
    """
    solution = fit.solution
    if not isinstance(solution, GeneralizedSolution):
        raise NotAvailableError(
            "standard errors of variances need a likelihood, and method='pql' has none. Fit the "
            "model with method='laplace'."
        )
    warn_unless_converged(fit, "standard errors")
    covariance = solution.mapped_covariance if robust is None else robust.whole
    found = [e for e in estimated(fit, solution) if e.parameter.kind != "fixed"]
    columns = parameter_columns(tuple(e.parameter for e in found))
    values = {
        "estimate": np.array([e.value for e in found]),
        "std_error": np.array([e.error(covariance) for e in found]),
    }
    return make_frame(columns | values, fit.kind)
