"""Expected predictive accuracy: leave-one-out by Pareto-smoothed importance sampling, WAIC.

References
----------
Vehtari, Gelman & Gabry (2017), Statistics and Computing 27, 1413-1432.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.diagnostics import ess
from partialpool.bayes.loglik import group_loglik, row_loglik
from partialpool.errors import DataError, NotAvailableError
from partialpool.extras import require

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["Elpd", "loo", "waic"]

Array = NDArray[np.float64]
Kind = Literal["conditional", "marginal"]
# Numbers of draws times rows beyond which draws are thinned.
_MOST = 40_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Elpd:
    """Expected log predictive density for new data like these.

    Attributes
    ----------
    method
        ``"LOO"`` or ``"WAIC"``.
    unit
        What is left out: ``"row"``, or ``"group"`` by the marginal likelihood.
    elpd, se
        Sum over units, larger is better, and its standard error.
    p
        Effective number of parameters.
    pointwise : (units,) array
        What every unit adds.
    pareto_k : (units,) array, or None
        Shape of the importance weights' tail; above 0.7 the unit's number can't be trusted.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", sleep, seed=1)
    >>> fit.loo().unit
    'row'
    """

    method: str
    unit: str
    elpd: float
    se: float
    p: float
    pointwise: Array
    pareto_k: Array | None

    def difference(self, other: Elpd) -> tuple[float, float]:
        """Return how much more this one predicts than another, and the standard error.

        Raises
        ------
        DataError
            If they are of different kinds or of different data.
        """
        same = (self.method, self.unit) == (other.method, other.unit)
        if not same or len(self.pointwise) != len(other.pointwise):
            raise DataError(
                f"{self.method} of {len(self.pointwise)} {self.unit}s and {other.method} of "
                f"{len(other.pointwise)} {other.unit}s don't compare. Compute both in the same way "
                "on the same data."
            )
        d = self.pointwise - other.pointwise
        return float(d.sum()), float(np.sqrt(len(d) * d.var(ddof=1)))

    def __repr__(self) -> str:
        text = (
            f"{self.method} by {self.unit}: elpd {self.elpd:.1f} (se {self.se:.1f}), p {self.p:.1f}"
        )
        bad = 0 if self.pareto_k is None else int((self.pareto_k > 0.7).sum())
        if not bad:
            return text
        return (
            f"{text}\n{bad} of {len(self.pointwise)} {self.unit}s have a Pareto k above 0.7: each "
            "moves the posterior so much that leaving it out can't be had by weighting. "
            "Look at them, or fit the model without them."
        )


def loo(fit: BayesFit, kind: Kind = "conditional") -> Elpd:
    """Estimate leave-one-out predictive accuracy.

    Parameters
    ----------
    fit
        A Bayesian fit.
    kind
        ``"conditional"``: a row is left out, and predicted with its group's effects;
        ``"marginal"``: a whole group is left out, and predicted as a new group (Gaussian models
        with one grouping factor).

    Raises
    ------
    NotAvailableError
        If the extra ``bayes`` isn't installed, the model has no such likelihood, or the
        draws are of the priors.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> fit.loo()
    LOO by row: elpd ...
    """
    require("arviz_stats", extra="bayes")
    from arviz_stats.base import array_stats  # late: a second

    loglik, unit = _loglik(fit, kind)
    size = _relative_size(fit, loglik)
    found = array_stats.loo(np.ascontiguousarray(loglik.T), None, -1, r_eff=size)
    pointwise, pareto_k = (np.asarray(x, dtype=np.float64) for x in found[:2])
    full = _log_sum(loglik, axis=0) - np.log(len(loglik))
    return _elpd("LOO", unit, pointwise, full, pareto_k)


def waic(fit: BayesFit, kind: Kind = "conditional") -> Elpd:
    """Estimate predictive accuracy by the widely applicable information criterion.

    Parameters
    ----------
    fit
        A Bayesian fit.
    kind
        As for :func:`loo`, which is to be preferred: it says where it fails.

    Raises
    ------
    NotAvailableError
        If the model has no such likelihood, or the draws are of the priors.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.bmm("Reaction ~ Days + (1 | Subject)", pp.load_dataset("sleepstudy"), seed=1)
    >>> fit.waic("marginal")
    WAIC by group: elpd ...
    """
    loglik, unit = _loglik(fit, kind)
    full = _log_sum(loglik, axis=0) - np.log(len(loglik))
    return _elpd("WAIC", unit, full - loglik.var(axis=0, ddof=1), full, None)


def _loglik(fit: BayesFit, kind: Kind) -> tuple[Array, str]:
    if fit.engine == "prior":
        raise NotAvailableError(
            "these draws come from the priors, which haven't seen the response: nothing is left "
            "out of them. Ask the fit itself."
        )
    if kind == "marginal":
        return group_loglik(fit), "group"
    if kind != "conditional":
        raise DataError(f"kind must be 'conditional' or 'marginal', found {kind!r}.")
    size, n = fit.draws.chains * fit.draws.draws, len(fit.design.y)
    step = -(-size * n // _MOST)
    return row_loglik(fit, np.arange(0, size, step)), "row"


def _relative_size(fit: BayesFit, loglik: Array) -> float:
    """Effective draws of the likelihoods over draws, for the length of the smoothed tail."""
    C, D = fit.draws.chains, fit.draws.draws
    if len(loglik) != C * D:
        return 1.0
    likelihood = np.exp(loglik - loglik.max(axis=0)).reshape(C, D, -1)
    return float(np.clip(np.nanmean(ess(likelihood)) / (C * D), 0.01, 1.0))


def _elpd(method: str, unit: str, pointwise: Array, full: Array, k: Array | None) -> Elpd:
    se = float(np.sqrt(len(pointwise) * pointwise.var(ddof=1)))
    p = float((full - pointwise).sum())
    return Elpd(method, unit, float(pointwise.sum()), se, p, pointwise, k)


def _log_sum(x: Array, axis: int) -> Array:
    high = x.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(x - high).sum(axis=axis)) + np.squeeze(high, axis))
