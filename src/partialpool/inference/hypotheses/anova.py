"""Tests of whole terms."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.errors import DataError, ModelError
from partialpool.frames import make_frame
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.ddf import DDF, calibrate, joint_test
from partialpool.inference.hypotheses.fixed_terms import FixedTerm, fixed_terms
from partialpool.inference.hypotheses.types import marginal, principled, sequential
from partialpool.inference.protocol import SearchedFit, WaldFit
from partialpool.solve import Solution

__all__ = ["AnovaType", "anova"]

AnovaType = Literal[1, 2, 3, "I", "II", "III"]
_TYPES = {1: 1, 2: 2, 3: 3, "I": 1, "II": 2, "III": 3}


def anova(fit: SearchedFit, type: AnovaType = 3, ddf: DDF | None = None) -> Any:  # noqa: A002 - R
    """Test every term of the fixed part.

    Parameters
    ----------
    fit
        A fitted model.
    type
        1: each term after those before it; 2: each after all that don't contain it; 3: each
        averaged over the levels of what contains it, whatever the contrasts. Linear models
        follow R's lmerTest (and SAS) in this, generalized models car's ``Anova`` in type 2.
    ddf
        Degrees of freedom of the denominators: as for
        :func:`partialpool.inference.calibrate`.

    Returns
    -------
    native frame
        ``term``, then for linear models ``sum_sq`` and ``mean_sq`` (F times the residual
        variance, before any scaling), ``num_df``, ``den_df``, ``statistic`` (F) and
        ``p_value``; for generalized models and ``ddf="z"`` a chi-square: ``statistic``, ``df``
        and ``p_value``.

    Raises
    ------
    DataError
        If there is no such type.
    ModelError
        If the model has no terms to test.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("score ~ Machine + (1 | Worker)", pp.load_dataset("Machines"))
    >>> fit.anova()[["term", "num_df", "den_df", "statistic"]].round(2)
          term  num_df  den_df  statistic
    0  Machine       2    46.0       87.8
    """
    if hasattr(type, "loglik"):
        raise DataError(
            "anova tests the terms of one fit, found a second fit. Compare fits with "
            "partialpool.compare(fit, other)."
        )
    number = _TYPES.get(type) if isinstance(type, (int, str)) else None
    if number is None:
        raise DataError(f"type must be 1, 2 or 3, found {type!r}.")
    terms = fixed_terms(fit.design.spec)
    if not terms:
        besides = " besides the intercept" if fit.fixef.names else ""
        raise ModelError(f"the model has no fixed terms{besides}, so none to test.")
    warn_unless_converged(fit, "tests")
    calibration = calibrate(fit, ddf)
    beta = fit.fixef.values[np.isfinite(fit.fixef.values)]
    tests = [joint_test(calibration, beta, L) for L in _hypotheses(fit, terms, number)]
    f = np.array([t.statistic for t in tests])
    q = np.array([t.num_df for t in tests])
    den = np.array([t.den_df for t in tests])
    columns: dict[str, NDArray[Any]] = {"term": np.array([t.name for t in terms], dtype=object)}
    if isinstance(fit.solution, Solution) and ddf != "z":
        mean = np.array([t.unscaled for t in tests]) * fit.solution.sigma**2
        columns |= {"sum_sq": q * mean, "mean_sq": mean, "num_df": q, "den_df": den}
        columns |= {"statistic": f}
    else:
        columns |= {"statistic": q * f, "df": q}
    columns["p_value"] = np.array([t.p_value for t in tests])
    return make_frame(columns, fit.design.spec.kind)


def _hypotheses(
    fit: WaldFit, terms: tuple[FixedTerm, ...], number: int
) -> list[NDArray[np.float64]]:
    if number == 1:
        return sequential(fit, terms)
    if number == 2:
        return principled(fit, terms, generalized=not isinstance(fit.solution, Solution))
    return marginal(fit, terms)
