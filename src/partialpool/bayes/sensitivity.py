"""How far conclusions hang on the priors, without another fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from partialpool.bayes.loglik import row_loglik
from partialpool.bayes.prior_density import log_priors
from partialpool.errors import NotAvailableError
from partialpool.extras import require
from partialpool.frames import make_frame

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["prior_sensitivity"]

# The authors' threshold: about a shift of the mean by a twentieth of a standard deviation when
# prior or likelihood is doubled.
_SENSITIVE = 0.05


def prior_sensitivity(fit: BayesFit) -> Any:
    """Say of every parameter how much its posterior moves with the priors and with the data.

    All priors together, then the likelihood, are raised to a power near one by weighting the
    draws, and each posterior's change measured. The distribution of the random effects, whose
    standard deviations are estimated, belongs to neither: data that groups can explain by
    themselves move a common coefficient little.

    Parameters
    ----------
    fit
        A Bayesian fit.

    Returns
    -------
    native frame
        ``parameter``, ``by_prior`` and ``by_likelihood``: change (cumulative Jensen-Shannon
        distance) for each doubling; ``diagnosis``: "prior and data disagree" where both move
        it, "the prior is strong" where the prior alone does, else "".

    Raises
    ------
    NotAvailableError
        If the extra ``bayes`` isn't installed, the draws are of the priors, or all priors are
        flat.

    Examples
    --------
    >>> import partialpool as pp
    >>> sleep = pp.load_dataset("sleepstudy")
    >>> fit = pp.bmm("Reaction ~ Days + (Days | Subject)", sleep,
    ...              priors={"Days": "normal(0, 1)"}, seed=1)
    >>> prior_sensitivity(fit).set_index("parameter").loc["Days", "diagnosis"]
    'the prior is strong'

    References
    ----------
    Kallioinen, Paananen, Buerkner & Vehtari (2024), Statistics and Computing 34, 57.
    """
    require("arviz_stats", extra="bayes")
    prior = sum(log_priors(fit).values(), np.zeros((fit.draws.chains, fit.draws.draws)))
    if fit.engine == "prior" or not prior.any():
        what = "these draws come from the priors" if fit.engine == "prior" else "all are flat"
        raise NotAvailableError(
            f"how far a posterior hangs on its priors can't be said: {what}. Ask a fit with "
            "proper priors."
        )
    likelihood = row_loglik(fit).sum(axis=1).reshape(prior.shape)
    names = [name for name, x in fit.parameters.items() if np.ptp(x) > 0]
    draws = np.stack([fit.parameters[name] for name in names])
    by_prior, by_likelihood = _sensitivity(draws, prior), _sensitivity(draws, likelihood)
    columns = {
        "parameter": np.array(names, dtype=object),
        "by_prior": by_prior,
        "by_likelihood": by_likelihood,
        "diagnosis": np.array(list(map(_diagnose, by_prior, by_likelihood)), dtype=object),
    }
    return make_frame(columns, fit.design.spec.kind)


def _sensitivity(draws: Any, component: Any) -> Any:
    """Change of every parameter's distribution (P,) for each doubling of a component."""
    from arviz_stats.base import array_stats  # late: a second

    low, high = 0.99, 1.01
    weights = [
        np.exp(array_stats.power_scale_lw(component, alpha=alpha, axis=[-2, -1]))
        for alpha in (low, high)
    ]
    lower, upper = (np.broadcast_to(w, draws.shape) for w in weights)
    found = array_stats.power_scale_sense(draws, lower, upper, low, high, -2, -1)
    return np.asarray(found, dtype=np.float64)


def _diagnose(prior: float, likelihood: float) -> str:
    if prior < _SENSITIVE:
        return ""
    return "prior and data disagree" if likelihood >= _SENSITIVE else "the prior is strong"
