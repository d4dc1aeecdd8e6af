"""Confidence intervals of a generalized model by the method that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from partialpool.generalized.inference.profiling import profile
from partialpool.inference import DDF, ConfintMethod
from partialpool.inference import confint as wald_or_error

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["confint"]


def confint(
    fit: GlmmFit,
    level: float = 0.95,
    method: ConfintMethod = "wald",
    ddf: DDF | None = None,
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
    ddf
        Of Wald intervals: None for the normal distribution, or what ``fit.cluster_robust()``
        returns.
    n, seed
        Draws of the bootstrap, and the seed of NumPy's generator.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> confint(fit, method="profile")["conf_high"].round(2).tolist()[-1]
    1.1
    """
    if ddf is not None or method not in ("bootstrap", "profile"):
        return wald_or_error(fit.predictor(), level, method, ddf)
    if method == "bootstrap":
        return fit.bootstrap(n, seed=seed).confint(level)
    return profile(fit, level=level).confint(level)
