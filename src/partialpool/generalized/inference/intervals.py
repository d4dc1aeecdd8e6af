"""Confidence intervals of a generalized model by the method that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partialpool.generalized.inference.profiling import profile
from partialpool.inference import ConfintMethod
from partialpool.inference import confint as wald_or_error

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["confint"]


def confint(
    fit: GlmmFit,
    level: float = 0.95,
    method: ConfintMethod = "wald",
    n: int = 1000,
    seed: int | None = None,
) -> Any:
    """Compute confidence intervals; see :func:`partialpool.inference.confint`.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    level
        Confidence level.
    method
        ``"wald"``: of the mean's fixed effects, estimate plus and minus a normal quantile times the
        standard error. ``"profile"``: of all parameters, see :func:`profile`. ``"bootstrap"``: of
        all parameters, percentiles of parametric draws.
    n, seed
        Draws of the bootstrap, and the seed of NumPy's generator.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> confint(fit, method="profile").iloc[-1][["conf_low", "conf_high"]].round(2).tolist()
    [0.35, 1.1]
    """
    if method == "bootstrap":
        return fit.bootstrap(n, seed=seed).confint(level)
    if method == "profile":
        return profile(fit, level=level).confint(level)
    return wald_or_error(fit.predictor(), level, method)
