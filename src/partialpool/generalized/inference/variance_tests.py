"""Tests that a variance of a generalized model is zero."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import DataError, ModelError, NotAvailableError, PartialPoolError
from partialpool.frames import make_frame
from partialpool.generalized.approximation import PQL
from partialpool.generalized.solving import solve_designs
from partialpool.inference import warn_unless_converged
from partialpool.inference.counts import check_count
from partialpool.inference.seeds import Seed, generators
from partialpool.inference.variances.tests import gain, mixture, reductions
from partialpool.progress import counting

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["variance_tests"]


def variance_tests(
    fit: GlmmFit,
    method: Literal["mixture", "simulate"] = "mixture",
    nsim: int = 1000,
    seed: Seed = None,
) -> Any:
    """Test every variance of the random parts against zero.

    Each column of an unstructured or diagonal term is left out in turn, and each other term as a
    whole; the maximised likelihoods, approximated alike, are compared.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    method
        ``"mixture"``: the statistic is, half of the time each, a chi-square with as many degrees of
        freedom as covariances that go, and one with one more. ``"simulate"``: the model without the
        variance draws responses as well, and both models are fitted to each.
    nsim, seed
        Number of draws, and the seed of NumPy's generator.

    Returns
    -------
    native frame
        ``component`` (the linear predictor), ``term`` (left out), ``statistic`` (twice the gain of
        log-likelihood), ``df_low`` and ``df_high`` of the mixture, ``p_value``; with
        ``"simulate"`` ``p_simulated``.

    Raises
    ------
    DataError
        If the method is unknown, or the number of draws or the seed is none.
    ModelError
        If the model has no random terms.
    NotAvailableError
        By penalised quasi-likelihood.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Notes
    -----
    The mixture holds for many groups; with few it is conservative. The simulated p-value is that
    of a parametric bootstrap, (1 + draws at least as large) / (1 + draws), exact but for the
    estimates of the other parameters. Of terms with a structured correlation the p-value of the
    mixture is that of the larger chi-square, which is too large.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> variance_tests(fit)[["term", "statistic", "df_low", "df_high"]].round(2)
             term  statistic  df_low  df_high
    0  (1 | herd)      14.01       0        1

    References
    ----------
    Self & Liang (1987), JASA 82, 605-610; Stram & Lee (1994), Biometrics 50, 1171-1177; Davison &
    Hinkley (1997), Bootstrap Methods and their Application, section 4.4.
    """
    _check(fit, method, nsim)
    warn_unless_converged(fit, "tests")
    found = [
        (part, reduction)
        for part, design in fit.designs.items()
        for i in range(len(design.random))
        for reduction in reductions(design, i)
    ]
    if not found:
        raise ModelError(
            "the model has no random terms, so no variance to test. Add one to the formula."
        )
    smaller = [_without(fit, part, r.design) for part, r in found]
    statistics = [gain(less.objective, fit.objective) for less in smaller]
    columns: dict[str, NDArray[Any]] = {
        "component": np.array([part for part, _ in found], dtype=object),
        "term": np.array([r.label for _, r in found], dtype=object),
        "statistic": np.array(statistics),
        "df_low": np.array([r.df[0] for _, r in found]),
        "df_high": np.array([r.df[1] for _, r in found]),
        "p_value": np.array(
            [mixture(x, *r.df) for x, (_, r) in zip(statistics, found, strict=True)]
        ),
    }
    if method == "simulate":
        drawn = [
            _simulated(fit, less, x, nsim, seed)
            for x, less in zip(statistics, smaller, strict=True)
        ]
        columns["p_simulated"] = np.array(drawn)
    return make_frame(columns, fit.kind)


def _check(fit: GlmmFit, method: str, nsim: int) -> None:
    if method not in ("mixture", "simulate"):
        raise DataError(f"method must be 'mixture' or 'simulate', found {method!r}.")
    check_count("nsim", nsim)
    if fit.approximation.method == "pql":
        raise NotAvailableError(
            f"the fit is by {PQL}, which has no likelihood to compare. Fit the model with "
            "method='laplace'."
        )


def _without(fit: GlmmFit, part: str, design: Design) -> GlmmFit:
    """The fit with another random part."""
    designs = {**fit.designs, part: design}
    asked = fit.approximation
    if not any(d.random for d in designs.values()):
        # Nothing is left to integrate: the likelihood is exact.
        asked = dataclasses.replace(asked, quadrature=1, information="observed")
    solution = solve_designs(designs, fit.response, fit.family, fit.solution.zero, asked)
    return dataclasses.replace(fit, designs=designs, approximation=asked, solution=solution)


def _simulated(fit: GlmmFit, less: GlmmFit, statistic: float, nsim: int, seed: Seed) -> float:
    reached = made = 0
    with counting("simulated test", nsim) as show:
        for rng, _ in generators(nsim, 1, seed):
            y = less.simulate(1, seed=int(rng.integers(2**63)))[:, 0]
            show(made + 1)
            try:
                drawn = gain(less.refit(y).objective, fit.refit(y).objective)
            except PartialPoolError:
                continue  # a response without a maximum says nothing
            made += 1
            reached += drawn >= statistic
    return (1 + reached) / (1 + made)
