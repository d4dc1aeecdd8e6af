"""Which degrees of freedom a fit is judged by."""

from __future__ import annotations

from typing import Literal, TypeAlias, cast

import numpy as np

from partialpool.errors import DataError, NotAvailableError, did_you_mean
from partialpool.inference.ddf.calibration import Calibration, Fixed
from partialpool.inference.ddf.kenward_roger import kenward_roger
from partialpool.inference.ddf.satterthwaite import satterthwaite
from partialpool.inference.protocol import GaussianFit, WaldFit
from partialpool.solve import Solution

__all__ = ["DDF", "calibrate", "is_quick"]

DDF: TypeAlias = Literal["satterthwaite", "kenward-roger", "residual", "z"] | Calibration
# Random effects outside the largest factor: their dense algebra takes a second or two.
_QUICK = 1500
_NAMES = ("satterthwaite", "kenward-roger", "residual", "z")


def calibrate(fit: WaldFit, ddf: DDF | None = None) -> Calibration:
    """Choose covariance and degrees of freedom for tests of the fixed effects.

    Parameters
    ----------
    fit
        A fitted model.
    ddf
        ``"satterthwaite"``, ``"kenward-roger"`` (which adjusts the covariance too),
        ``"residual"`` (rows less coefficients) or ``"z"`` (the normal distribution). None takes
        Satterthwaite for linear mixed models, residual degrees of freedom for least squares and
        the normal distribution for generalized models. What ``fit.cluster_robust()`` returns
        stands for itself.

    Raises
    ------
    DataError
        If there is no method of this name.
    ModelError
        For Kenward-Roger of a fit by maximum likelihood.
    NotAvailableError
        For small-sample methods of generalized models.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> calibrate(fit, "kenward-roger").df(np.eye(2)).round(3)
    array([17., 17.])
    """
    kept = np.isfinite(fit.fixef.values)
    if hasattr(ddf, "vcov") and hasattr(ddf, "scaled"):
        return _given(cast(Calibration, ddf), int(kept.sum()))
    if ddf is not None and ddf not in _NAMES:
        near = did_you_mean(str(ddf), _NAMES)
        raise DataError(
            f"ddf must be one of {', '.join(map(repr, _NAMES))} or what fit.cluster_robust() "
            f"returns, found {ddf!r}.{near}"
        )
    vcov = fit.vcov[np.ix_(kept, kept)]
    if not isinstance(fit.solution, Solution):
        if ddf not in (None, "z"):
            raise NotAvailableError(
                f"ddf={ddf!r} exists for linear models only; a generalized model has no residual "
                "variance that these degrees of freedom could be of. Take ddf='z'."
            )
        return Fixed("normal", vcov, np.inf)
    linear = cast(GaussianFit, fit)
    mixed, known = bool(fit.design.random), linear.solution.likelihood.sigma is not None
    if ddf == "z" or (known and (ddf == "residual" or not mixed)):
        return Fixed("normal", vcov, np.inf)
    if not mixed or ddf == "residual":
        return Fixed("residual", vcov, linear.solution.reduced.problem.n - int(kept.sum()))
    return kenward_roger(linear) if ddf == "kenward-roger" else satterthwaite(linear)


def _given(calibration: Calibration, rank: int) -> Calibration:
    if calibration.vcov.shape == (rank, rank):
        return calibration
    raise DataError(
        f"ddf= holds the covariance of {len(calibration.vcov)} coefficients, and the model has "
        f"{rank}. Call cluster_robust() of the same fit."
    )


def is_quick(fit: WaldFit) -> bool:
    """Whether Satterthwaite's degrees of freedom take a second or two at most."""
    if not isinstance(fit.solution, Solution):
        return True
    reduced = fit.solution.reduced
    return reduced.rest <= _QUICK or reduced.problem.sparse
