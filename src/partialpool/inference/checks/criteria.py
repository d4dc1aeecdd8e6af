"""Akaike's criterion for predicting the groups that were seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partialpool.inference.fitted import hat_values, residuals
from partialpool.inference.protocol import GaussianFit

__all__ = ["ConditionalAic", "conditional_aic"]


@dataclass(frozen=True, slots=True)
class ConditionalAic:
    """The conditional criterion and what it is made of.

    Attributes
    ----------
    aic
        Minus twice the conditional log-likelihood plus twice the degrees of freedom.
    loglik
        Log-likelihood of the response given the predicted random effects.
    df
        Effective degrees of freedom: the trace of the hat matrix, and one for sigma.
    """

    aic: float
    loglik: float
    df: float

    def __repr__(self) -> str:
        return f"conditional AIC {self.aic:.2f} (logLik {self.loglik:.2f}, df {self.df:.2f})"


def conditional_aic(fit: GaussianFit) -> ConditionalAic:
    """Compute the conditional Akaike criterion.

    The ordinary criterion is about new groups; this one is about new rows of the same groups.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Notes
    -----
    The trace of the hat matrix takes the variances as known, which favours models with more
    random effects a little (Greven & Kneib 2010).

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> found = conditional_aic(fit)
    >>> round(found.df, 1), round(found.aic, 1)
    (30.0, 1709.1)

    References
    ----------
    Vaida & Blanchard (2005), Biometrika 92, 351-370, equation 14; Greven & Kneib (2010),
    Biometrika 97, 773-789.
    """
    design, solution = fit.design, fit.solution
    w = design.row_weights
    used = w > 0
    scaled = residuals(fit, "scaled")[used]
    constant = np.sum(np.log(w[used])) - used.sum() * np.log(2.0 * np.pi * solution.sigma**2)
    loglik = 0.5 * float(constant - scaled @ scaled)
    df = float(hat_values(fit)[used].sum()) + (solution.likelihood.sigma is None)
    return ConditionalAic(-2.0 * loglik + 2.0 * df, loglik, df)
