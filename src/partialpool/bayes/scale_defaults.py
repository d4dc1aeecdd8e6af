"""Default priors of residual standard deviations, dispersions and shapes."""

from __future__ import annotations

import numpy as np

from partialpool.bayes.priors import Exponential, Gamma, HalfStudentT, InverseGamma, Prior, Uniform
from partialpool.families import Family, Response, ResponseFamily, Tweedie, Zero
from partialpool.families.scales import scale_of

__all__ = ["scale_defaults"]


def scale_defaults(
    response: Response, family: ResponseFamily, zero: Zero, formulas: tuple[str, ...]
) -> dict[str, tuple[str, Prior]]:
    """Return symbol and default prior of every linear predictor that is one number.

    Parameters
    ----------
    response, family, zero
        What is modelled.
    formulas
        Linear predictors that have a formula.
    """
    out: dict[str, tuple[str, Prior]] = {}
    for part in family.parts(zero):
        if part in formulas or part == "thresholds":
            continue
        symbol = scale_of(part, family.name).symbol
        out[part] = (symbol, _default(part, response, family, zero))
    return out


def _default(part: str, response: Response, family: ResponseFamily, zero: Zero) -> Prior:
    if isinstance(family, Family):
        # Nobody but the user knows what its numbers are: wide about one.
        return HalfStudentT(3.0, 2.5)
    if part == "shape" and isinstance(family, Tweedie):
        return Uniform(1.0, 2.0)
    if part == "shape":
        # Juarez & Steel (2010), Journal of Business & Economic Statistics 28: degrees of freedom.
        return Gamma(2.0, 0.1)
    used = response.counted
    y = response.values[used]
    if family.name in ("gaussian", "student_t"):
        return Exponential(1.0 / (float(y.std()) or 1.0))
    if family.name in ("nbinom2", "truncated_nbinom2"):
        # Large phi is Poisson: a prior with a light left tail and no upper end.
        return InverseGamma(0.4, 0.3)
    trials = None if response.trials is None else response.trials[used]
    size = float(np.exp(family.start(y, trials, None, zero)["dispersion"]))
    return HalfStudentT(3.0, 2.5 * size)
