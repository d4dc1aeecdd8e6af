"""The profile likelihood of every parameter of a generalized linear mixed model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.core import STRUCTURE_CODES
from partialpool.errors import NotAvailableError
from partialpool.formula.structures import BY_DISTANCE, BY_LAG
from partialpool.generalized.inference.held import PlaneHeld, coefficient, correlation, deviation
from partialpool.generalized.inference.parameters import Estimated, by_likelihood, estimated
from partialpool.generalized.solving import solve_designs
from partialpool.inference import warn_unless_converged
from partialpool.inference.parameters import Parameter
from partialpool.inference.profile import Curve, Profile
from partialpool.inference.profile.charts import Layout, turn_term
from partialpool.inference.profile.ranges import at_lag, bounds_of, choose, lag_of, neighbours_of
from partialpool.inference.profile.tracing import trace
from partialpool.inference.wald import check_level
from partialpool.progress import counting
from partialpool.solve.generalized import GeneralizedSolution, core_terms, term_of

if TYPE_CHECKING:
    from partialpool.generalized.fit import GlmmFit

__all__ = ["hold", "profile"]

Array = NDArray[np.float64]
_LIMIT = 25.0


def profile(fit: GlmmFit, which: str | Sequence[str] | None = None, level: float = 0.99) -> Profile:
    """Compute the profile likelihood of the parameters.

    Each parameter is held at values around its estimate while all others are at their best; the
    root of the deviance's rise, ``zeta``, says how far the data object. The likelihood is the one
    that was maximised, by Laplace's approximation or by quadrature, with the prior of
    ``penalty=``; of a fit with ``reml=True`` it is the ordinary one, as for linear models.

    Parameters
    ----------
    fit
        A fitted generalized linear mixed model.
    which
        Names of parameters, as in :meth:`Profile.confint`: ``"period[T.2]"``,
        ``"sd(herd.Intercept)"``, ``"dispersion.Intercept"``; ``"fixed"`` or ``"random"`` for all
        of a kind. None takes all. Everything is on the scale of its linear predictor: a
        dispersion is a logarithm.
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
        By penalised quasi-likelihood and with ``method="joint"``, which maximise no likelihood of
        all parameters; of the covariances of vectors of effects by quadrature.

    Warns
    -----
    ConvergenceWarning
        If the fit is no optimum.

    Examples
    --------
    >>> import partialpool as pp
    >>> fit = pp.glmm("cbind(incidence, size - incidence) ~ period + (1 | herd)",
    ...               pp.load_dataset("cbpp"), family="binomial")
    >>> profile(fit, "random")
    Profile likelihood, 95% intervals
                          estimate         low        high
    sd(herd.Intercept)     0.64226     0.34609         1.1

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015), Journal of Statistical Software 67(1), section 5.1.
    """
    check_level(level)
    warn_unless_converged(fit, "profiles")
    from scipy.special import ndtri  # a tenth of a second, only here

    solution = _unrestricted(fit)
    warn_unless_converged(fit, "profiles")
    found = {e.parameter.label: e for e in estimated(fit, solution)}
    chosen = choose(tuple(e.parameter for e in found.values()), which)
    cutoff = float(ndtri(0.5 + 0.5 * level))
    curves = []
    with counting("profile", len(chosen)) as show:
        for parameter in chosen:
            curves.append(_curve(fit, solution, found[parameter.label], cutoff))
            show(len(curves))
    return Profile(tuple(curves), level, fit.kind)


def _unrestricted(fit: GlmmFit) -> GeneralizedSolution:
    """The optimum of the likelihood in all parameters."""
    if not fit.reml or fit.approximation.method != "laplace":
        return by_likelihood(fit, "profiles")
    asked = dataclasses.replace(fit.approximation, reml=False)
    found = solve_designs(fit.designs, fit.response, fit.family, fit.solution.zero, asked)
    assert isinstance(found, GeneralizedSolution)
    return found


def _curve(fit: GlmmFit, solution: GeneralizedSolution, own: Estimated, cutoff: float) -> Curve:
    parameter = own.parameter
    design = fit.designs.get(parameter.component, fit.design)
    bounds = (-np.inf, np.inf) if parameter.kind == "fixed" else bounds_of(design, parameter)
    if np.isnan(own.value):
        # A coefficient left out, or a correlation beside a standard deviation of zero.
        nothing = np.empty(0)
        return Curve(parameter, own.value, *bounds, nothing, nothing, nothing)
    lag = 1 if parameter.kind == "fixed" else lag_of(design, parameter)
    if lag > 1:
        near = dataclasses.replace(parameter, effects=(1, 0))
        factor = solution.factor(parameter.component, parameter.position)
        neighbours = Estimated(near, neighbours_of(factor), np.full_like(own.slope, np.nan))
        return at_lag(_curve(fit, solution, neighbours, cutoff), parameter, lag)
    held, step = hold(fit, solution, own)
    least = solution.estimate.objective
    first = step * cutoff / 6.0
    return trace(held, parameter, own.value, least, first, bounds, cutoff, _far(parameter))


def _far(parameter: Parameter) -> float:
    """Logarithms and logits are followed to where their limit can't be told any more."""
    logarithmic = parameter.component in ("dispersion", "shape", "zero_inflation")
    return _LIMIT if logarithmic and parameter.term == "Intercept" else np.inf


def hold(fit: GlmmFit, solution: GeneralizedSolution, own: Estimated) -> tuple[PlaneHeld, float]:
    """What holds a parameter, and about its standard error."""
    error = float(np.nan_to_num(own.error(solution.mapped_covariance)))
    parameter = own.parameter
    if parameter.kind == "fixed":
        error = min(error or 0.1 * max(abs(own.value), 1.0), _far(parameter) / 10.0)
        return coefficient(solution, own.slope), error
    _refuse_nodes(solution, fit, parameter)
    _refuse_lags(fit, parameter)
    layout = _lay_out(solution, parameter)
    if parameter.kind == "decay":
        without = _without_one(fit, solution, parameter)
        return correlation(solution, layout, without, parameter.decay), 0.3 * own.value
    if parameter.kind == "cor":
        return correlation(solution, layout, _without_one(fit, solution, parameter)), 0.2
    effects = fit.designs[parameter.component].random[parameter.position]
    spread = float(np.sqrt(np.mean(effects.basis[:, parameter.effects[0]] ** 2)))
    return deviation(solution, layout, parameter.effects[0]), error or 0.2 / max(spread, 1e-300)


def _lay_out(solution: GeneralizedSolution, parameter: Parameter) -> Layout:
    terms = core_terms(solution.layout)
    own = term_of(solution.layout, parameter.component, parameter.position)
    return turn_term(
        [(t.code, t.k, t.first) for t in terms],
        own.position,
        parameter,
        np.array(solution.psi),
        solution.problem.term_matrix(own.position),
        solution.factor(own.part, own.term),
    )


def _refuse_nodes(solution: GeneralizedSolution, fit: GlmmFit, parameter: Parameter) -> None:
    own = term_of(solution.layout, parameter.component, parameter.position)
    full = own.code == STRUCTURE_CODES["unstructured"] and own.k > 1
    nodes = solution.objective.quadrature
    if nodes > 1 and full:
        source = fit.designs[own.part].random[own.term].term.source
        raise NotAvailableError(
            f"with quadrature={nodes} the nodes of {source} lie along its factor, which turns as "
            f"{parameter.label!r} is held. Profile 'fixed' only, fit the model with quadrature=1, "
            "or take bootstrap()."
        )


def _refuse_lags(fit: GlmmFit, parameter: Parameter) -> None:
    """A correlation at a lag beyond the first is no plane in the space of the search."""
    effects = fit.designs[parameter.component].random[parameter.position]
    beyond = parameter.kind == "cor" and parameter.effects[0] > 1
    if beyond and effects.term.structure in BY_LAG:
        raise NotAvailableError(
            f"of {effects.term.source} a generalized model profiles the correlation at lag 1 only, "
            f"found {parameter.label!r}. Name the parameters to profile, or take bootstrap()."
        )


def _without_one(fit: GlmmFit, solution: GeneralizedSolution, parameter: Parameter) -> float:
    """Least deviance with one of a correlation's two effects gone."""
    effects = fit.designs[parameter.component].random[parameter.position]
    if effects.term.structure not in {"unstructured", "homcs", "ar1", "homtoep"} | BY_DISTANCE:
        return np.inf  # the correlation is that of other effects too
    found = []
    for effect in parameter.effects:
        sd = dataclasses.replace(parameter, kind="sd", effects=(effect,))
        held = deviation(solution, _lay_out(solution, sd), effect)
        found.append(held.at(0.0, held.start).deviance)
    return min(found)
