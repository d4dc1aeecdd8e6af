"""How much variance the fixed and the random effects explain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from partialpool.inference.fitted import linear_part
from partialpool.inference.protocol import Fit, GaussianFit

__all__ = [
    "ExplainedVariance",
    "VarianceShares",
    "explained_variance",
    "shares_of",
    "variance_shares",
]


@dataclass(frozen=True, slots=True)
class VarianceShares:
    """Variances on the scale of the linear predictor.

    Attributes
    ----------
    fixed
        Of the fixed part over the rows, but for those of weight zero.
    random
        Of the random part, averaged over the same rows.
    """

    fixed: float
    random: float


@dataclass(frozen=True, slots=True)
class ExplainedVariance:
    """R squared and intraclass correlation of a mixed model.

    Attributes
    ----------
    r2_marginal
        Share of the variance that the fixed effects explain.
    r2_conditional
        Share that fixed and random effects explain together.
    icc_adjusted
        Share of the random effects in what the fixed effects leave.
    icc
        Share of the random effects in the whole variance.
    fixed, random, residual
        The variances, on the scale of the linear predictor. With prior weights the residual
        variance is that of a row of weight 1.
    """

    r2_marginal: float
    r2_conditional: float
    icc_adjusted: float
    icc: float
    fixed: float
    random: float
    residual: float


def variance_shares(fit: Fit) -> VarianceShares:
    """Compute the variances of the fixed and of the random part of a linear predictor.

    References
    ----------
    Johnson (2014), Methods in Ecology and Evolution 5(9), 944-946, equation 10: the mean over
    rows of z'Cov z, for random slopes.
    """
    design, solution = fit.design, fit.solution
    # lme4 leaves offsets out of this, and so do we: they are known, not explained.
    weights = design.row_weights
    used = weights > 0
    fixed = float(np.var(linear_part(design.X[used], fit.fixef.values, None), ddof=1))
    random = 0.0
    for i, effects in enumerate(design.random):
        scaled = effects.basis[used] @ (solution.sigma * solution.factor(i))
        random += float(np.einsum("ij,ij->", scaled, scaled) / len(scaled))
    return VarianceShares(fixed, random)


def explained_variance(fit: GaussianFit) -> ExplainedVariance:
    """Compute Nakagawa's R squared and the intraclass correlation of a linear mixed model.

    Parameters
    ----------
    fit
        A fitted linear mixed model.

    Notes
    -----
    With prior weights the residual variance is that of a row of weight 1, so that the shares
    depend on the scale of the weights. Rows of weight zero don't count.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> found = explained_variance(fit)
    >>> round(found.r2_marginal, 3), round(found.r2_conditional, 3)
    (0.279, 0.799)

    References
    ----------
    Nakagawa & Schielzeth (2013), Methods in Ecology and Evolution 4(2), 133-142.
    """
    return shares_of(variance_shares(fit), fit.solution.sigma**2)


def shares_of(variances: VarianceShares, residual: float) -> ExplainedVariance:
    """Put the variances of the two parts and of the residual into ratios."""
    fixed, random = variances.fixed, variances.random
    total = fixed + random + residual
    left = random + residual
    return ExplainedVariance(
        r2_marginal=fixed / total,
        r2_conditional=(fixed + random) / total,
        icc_adjusted=random / left if left > 0 else np.nan,
        icc=random / total,
        fixed=fixed,
        random=random,
        residual=residual,
    )
