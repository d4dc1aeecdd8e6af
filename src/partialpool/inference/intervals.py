"""Confidence intervals by the method that is asked for."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

from partialpool.errors import DataError
from partialpool.inference.bootstrap import bootstrap
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF
from partialpool.inference.protocol import LinearFit, SearchedFit
from partialpool.inference.rows import refuse_pooled
from partialpool.inference.seeds import Seed, check_seed
from partialpool.inference.wald import check_level, wald_intervals

__all__ = ["ConfintMethod", "confint"]

ConfintMethod: TypeAlias = Literal["wald", "profile", "bootstrap"]


def confint(
    fit: SearchedFit,
    level: float = 0.95,
    method: ConfintMethod = "wald",
    ddf: DDF | None = None,
    n: int = 1000,
    seed: Seed = None,
) -> Any:
    """Compute confidence intervals.

    Parameters
    ----------
    fit
        A fitted model.
    level
        Confidence level.
    method
        ``"wald"``: of the fixed effects, estimate plus and minus a quantile of t times the
        standard error. ``"profile"``: of all parameters, where the likelihood says so.
        ``"bootstrap"``: of all parameters, percentiles of parametric draws.
    ddf
        Of Wald intervals: whose quantile, as for :func:`partialpool.inference.calibrate`.
    n, seed
        Draws of the bootstrap, and the seed of NumPy's generator.

    Returns
    -------
    native frame
        ``effect``, ``group``, ``term``, ``estimate``, ``conf_low``, ``conf_high``, and what
        else the method says (``df``, ``std_error``, ``component``): see
        :class:`partialpool.inference.Profile` and :class:`partialpool.inference.Bootstrap`.

    Raises
    ------
    DataError
        If the level or the method is none.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.confint().round(2)
      effect group       term  estimate    df  conf_low  conf_high
    0  fixed        Intercept    251.41  17.0    237.01     265.80
    1  fixed             Days     10.47  17.0      7.21      13.73
    >>> fit.confint(method="profile").iloc[2:, 2:].round(2)
                          term  estimate  conf_low  conf_high
    2            sd__Intercept     23.78     14.38      37.72
    3      cor__Intercept.Days      0.08     -0.48       0.69
    4                 sd__Days      5.72      3.80       8.75
    5          sd__Observation     25.59     22.90      28.86
    """
    check_level(level)
    check_seed(seed)
    if method not in ("wald", "profile", "bootstrap"):
        raise DataError(f"method must be 'wald', 'profile' or 'bootstrap', found {method!r}.")
    if ddf is not None and method != "wald":
        raise DataError(
            f"ddf={ddf!r} is for Wald intervals; {method} intervals have no degrees of freedom. "
            "Leave it out, or take method='wald'."
        )
    if method == "profile":
        refuse_pooled(fit.design)
        # Every kind of fit has its own, which warns of no optimum itself.
        return cast(Any, fit).profile(level=level).confint(level)
    warn_unless_converged(fit, "intervals")
    if method == "wald":
        return wald_intervals(fit, level, ddf)
    refuse_pooled(fit.design)
    return bootstrap(cast(LinearFit, fit), n, seed=seed, acceleration=False).confint(level)
