"""The profile likelihood of every parameter of a linear mixed model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from partialpool.design import Design
from partialpool.errors import NotAvailableError
from partialpool.formula.structures import BY_DISTANCE, BY_LAG
from partialpool.inference.convergence import warn_unless_converged
from partialpool.inference.parameters import Parameter, list_parameters, values_of
from partialpool.inference.profile.charts import lay_out
from partialpool.inference.profile.held import (
    Correlation,
    Deviation,
    FixedEffect,
    Held,
    Residual,
)
from partialpool.inference.profile.lags import LagCorrelation
from partialpool.inference.profile.ranges import at_lag, bounds_of, choose, lag_of, neighbours_of
from partialpool.inference.profile.result import Curve, Profile
from partialpool.inference.profile.tracing import trace
from partialpool.inference.protocol import GaussianFit, SearchedFit
from partialpool.inference.wald import check_level
from partialpool.progress import counting
from partialpool.solve import Likelihood, Solution, reduce, solve

__all__ = ["hold", "profile"]

Array = NDArray[np.float64]


def profile(
    fit: SearchedFit, which: str | Sequence[str] | None = None, level: float = 0.99
) -> Profile:
    """Compute the profile likelihood of the parameters.

    Each parameter is held at values around its estimate while all others are at their best; the
    root of the deviance's rise, ``zeta``, says how far the data object. It is the ordinary
    likelihood that is profiled, also for a fit by REML, as in lme4: restricted likelihoods with
    different fixed effects don't compare.

    Parameters
    ----------
    fit
        A fitted linear mixed model.
    which
        Names of parameters, as in :meth:`Profile.confint`: ``"Days"``, ``"sd(Subject.Days)"``,
        ``"corr(Subject.Intercept,Subject.Days)"``, ``"sigma"``; ``"fixed"`` or ``"random"`` for
        all of a kind. None takes all.
    level
        Confidence level up to which intervals can be read off.

    Returns
    -------
    Profile

    Raises
    ------
    DataError
        If the level is none.
    UnknownNameError
        If a parameter has not such a name.
    NotAvailableError
        For generalized models, whose :meth:`GlmmFit.profile` it is.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.lmm("Reaction ~ Days + (Days | Subject)", pp.load_dataset("sleepstudy"))
    >>> fit.profile("Days")
    Profile likelihood, 95% intervals
            estimate         low        high
    Days      10.467      7.3587      13.576

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 5.1.
    """
    if not isinstance(fit.solution, Solution):
        raise NotAvailableError(
            "this profiles linear mixed models; for a generalized one call fit.profile()."
        )
    check_level(level)
    warn_unless_converged(fit, "profiles")
    from scipy.special import ndtri  # a tenth of a second, only here

    linear = cast(GaussianFit, fit)
    design, solution = linear.design, _by_likelihood(linear)
    parameters = list_parameters(design, solution.likelihood.sigma is None)
    estimates = _estimates(design, solution, parameters)
    chosen = choose(parameters, which)
    cutoff = float(ndtri(0.5 + 0.5 * level))
    curves = []
    with counting("profile", len(chosen)) as show:
        for parameter in chosen:
            estimate = estimates[parameter.label]
            curves.append(_curve(design, solution, parameter, estimate, cutoff))
            show(len(curves))
    return Profile(tuple(curves), level, design.spec.kind)


def _by_likelihood(fit: GaussianFit) -> Solution:
    """The fit by maximum likelihood."""
    if not fit.solution.likelihood.reml:
        return fit.solution
    return solve(fit.design, Likelihood(False, fit.solution.likelihood.sigma))


def _estimates(
    design: Design, solution: Solution, parameters: tuple[Parameter, ...]
) -> dict[str, float]:
    beta = np.full((1, len(design.columns)), np.nan)
    beta[0, solution.reduced.problem.kept] = solution.beta
    sigma = np.array([_ml_sigma(solution)])
    factors = tuple(solution.factor(i)[None] for i in range(len(design.random)))
    values = values_of(parameters, beta, sigma, factors)[0]
    return {p.label: float(v) for p, v in zip(parameters, values, strict=True)}


def _ml_sigma(solution: Solution) -> float:
    """Residual standard deviation where the likelihood has its maximum, least squares too."""
    known = solution.likelihood.sigma
    return known or solution.reduced.problem.sigma(solution.optimum, False)


def _curve(
    design: Design, solution: Solution, parameter: Parameter, estimate: float, cutoff: float
) -> Curve:
    bounds = bounds_of(design, parameter)
    if np.isnan(estimate):
        # An aliased coefficient, or a correlation beside a standard deviation of zero.
        nothing = np.empty(0)
        return Curve(parameter, estimate, *bounds, nothing, nothing, nothing)
    lag = lag_of(design, parameter)
    if lag > 1:
        near = dataclasses.replace(parameter, effects=(1, 0))
        neighbours = neighbours_of(solution.factor(parameter.position))
        return at_lag(_curve(design, solution, near, neighbours, cutoff), parameter, lag)
    held, step = hold(design, solution, parameter, estimate)
    least = solution.optimum.objective
    return trace(held, parameter, estimate, least, step * cutoff / 6.0, bounds, cutoff)


def hold(
    design: Design, solution: Solution, parameter: Parameter, estimate: float
) -> tuple[Held[Array], float]:
    """What holds a parameter, and about its standard error."""
    sigma, n = _ml_sigma(solution), solution.reduced.problem.n
    if parameter.kind == "fixed":
        position = solution.reduced.problem.kept.index(parameter.position)
        error = sigma * float(np.linalg.norm(solution.root[position]))
        return _without(design, solution, parameter.position, position), error
    if parameter.kind == "sigma":
        return Residual(solution), sigma / np.sqrt(2.0 * n)
    layout = lay_out(design, solution, parameter)
    if parameter.kind == "decay":
        without = _without_one(design, solution, parameter)
        return Correlation(solution, layout, without, parameter.decay), 0.3 * estimate
    if parameter.kind == "cor":
        without = _without_one(design, solution, parameter)
        lag = parameter.effects[0]
        if layout.structure in BY_LAG and lag > 1:
            return LagCorrelation(solution, layout, without, lag), 0.2
        return Correlation(solution, layout, without), 0.2
    effects = design.random[parameter.position]
    J = len(effects.factor.levels)
    spread = float(np.sqrt(np.mean(effects.basis[:, parameter.effects[0]] ** 2)))
    # An effect of no variance is known to about sigma / sqrt(rows) over its column's size.
    floor = sigma / (max(spread, 1e-300) * np.sqrt(n / J))
    error = max(estimate / np.sqrt(2.0 * J), 0.2 * floor)
    return Deviation(solution, layout, parameter.effects[0]), error


def _without_one(design: Design, solution: Solution, parameter: Parameter) -> float:
    """Least deviance with one of a correlation's two effects gone."""
    structure = design.random[parameter.position].term.structure
    if structure not in {"unstructured", "homcs", "ar1", "homtoep"} | BY_DISTANCE:
        return np.inf  # the correlation is that of other effects too
    found = []
    for effect in parameter.effects:
        sd = dataclasses.replace(parameter, kind="sd", effects=(effect,))
        held = Deviation(solution, lay_out(design, solution, sd), effect)
        found.append(held.at(0.0, held.start).deviance)
    return min(found)


def _without(design: Design, solution: Solution, column: int, position: int) -> FixedEffect:
    kept = [c for c in solution.reduced.problem.kept if c != column]
    others = dataclasses.replace(
        design,
        X=np.ascontiguousarray(design.X[:, kept]),
        columns=tuple(design.columns[c] for c in kept),
    )
    return FixedEffect(
        solution,
        reduce(others, solution.likelihood.sigma),
        design.X[:, column],
        design.y,
        position,
    )
