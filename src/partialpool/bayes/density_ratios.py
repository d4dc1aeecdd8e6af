"""How much the data speak for a value: densities of posterior and prior there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.comparisons import Comparison
from partialpool.bayes.densities import conditional_density, kernel_density, tail_bound
from partialpool.bayes.prior_density import has_flat
from partialpool.bayes.prior_draws import draw_parameters
from partialpool.bayes.prior_exact import coefficients_of, exact_prior_density, refuse_flat
from partialpool.bayes.roots import Root, find_roots
from partialpool.errors import ModelError

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["density_ratio"]

Array = NDArray[np.float64]
# Draws of the priors, and how many are made at once.
_PRIOR_DRAWS = 400_000
_AT_ONCE = 40_000


def density_ratio(fit: BayesFit, asked: Comparison, posterior: Array) -> tuple[float, bool]:
    """Posterior over prior density at the value, and whether that is only an upper limit.

    Parameters
    ----------
    fit
        A Bayesian fit.
    asked
        An equation.
    posterior
        Draws of its left side less its right.

    Raises
    ------
    ModelError
        If a prior is flat, or the equation is at the end of what is possible or beyond.
    """
    line = _line(asked, fit.parameters)
    if line is not None:
        constant, weights = line
        if len(weights) == 1:
            # One parameter: look at it itself, which may have zero for a limit.
            ((name, weight),) = weights.items()
            return _at_roots(fit, asked, name, (Root(-constant / weight, 1.0),))
        return _of_combination(fit, asked, weights, -constant, posterior)
    if len(asked.names) == 1:
        (name,) = asked.names
        roots = find_roots(lambda x: asked.difference({name: x}), _range(fit, name))
        return _at_roots(fit, asked, name, roots)
    before = _drawn_density(fit, asked)
    after, limit = _kernel(posterior, 0.0, False)
    return after / before, limit


def _at_roots(
    fit: BayesFit, asked: Comparison, name: str, roots: tuple[Root, ...]
) -> tuple[float, bool]:
    """Ratio of densities of one parameter where an equation of it holds.

    What is a function of a parameter has its density over the function's slope.
    """
    slopes = [abs(root.slope) for root in roots] if len(roots) > 1 else [1.0]
    if min(slopes) == 0.0:
        raise ModelError(
            f"{asked.text!r} holds at several values of {name!r}, at one of which the sides only "
            f"touch. Ask for the values one by one: '{name} = {roots[0].at:.6g}'."
        )
    before = after = 0.0
    limit = False
    for root, slope in zip(roots, slopes, strict=False):
        density, bounded = _posterior_density(fit, name, root.at)
        before += _prior_density(fit, name, root.at) / slope
        after += density / slope
        limit = limit or bounded
    if before <= 0:
        where = f"the value {roots[0].at:.6g}" if roots else f"{asked.text!r}"
        raise ModelError(
            f"the prior of {name!r} rules {where} out, so that the data can't speak for or against "
            "it."
        )
    return after / before, limit


def _posterior_density(fit: BayesFit, name: str, x: float) -> tuple[float, bool]:
    combination = coefficients_of(fit, {name: 1.0})
    if fit.engine == "marginal" and combination is not None:
        return conditional_density(fit, combination.weights, x), False
    return _kernel(fit.parameters[name].ravel(), x, _is_positive(fit, name))


def _prior_density(fit: BayesFit, name: str, x: float) -> float:
    exact = exact_prior_density(fit, {name: 1.0}, x)
    if exact is not None:
        return exact
    drawn = _prior_draws(fit, lambda values: values[name])
    return kernel_density(drawn, x, _is_positive(fit, name))


def _of_combination(
    fit: BayesFit, asked: Comparison, weights: Mapping[str, float], x: float, posterior: Array
) -> tuple[float, bool]:
    """Ratio of densities of a sum of several parameters."""
    before = exact_prior_density(fit, weights, x)
    if before is None:
        before = _drawn_density(fit, asked)
    combination = coefficients_of(fit, weights)
    if fit.engine == "marginal" and combination is not None:
        return conditional_density(fit, combination.weights, x) / before, False
    after, limit = _kernel(posterior, 0.0, False)
    return after / before, limit


def _drawn_density(fit: BayesFit, asked: Comparison) -> float:
    """Prior density of left side less right at zero, by draws; where it isn't defined, none."""
    values = _prior_draws(fit, asked.difference)
    share = float(np.isfinite(values).mean())
    values = values[np.isfinite(values)]
    if not len(values) or (values >= 0).all() or (values <= 0).all():
        side = "below" if len(values) and (values >= 0).all() else "above"
        raise ModelError(
            f"by the priors the left side of {asked.text!r} is never {side} the right one, and at "
            "the end of what is possible draws don't tell densities. Ask about single parameters, "
            f"such as '{asked.names[0]} = 0', or about a value within."
        )
    return share * kernel_density(values, 0.0)


def _kernel(draws: Array, x: float, positive: bool) -> tuple[float, bool]:
    """Density by the draws, or an upper limit of it."""
    bound = tail_bound(draws, x, positive)
    return (kernel_density(draws, x, positive), False) if bound is None else (bound, True)


def _prior_draws(fit: BayesFit, of: Callable[[Mapping[str, Array]], Array]) -> Array:
    """Draws from the prior of a function of the parameters."""
    refuse_flat(fit.statement.priors.everything())
    rng = np.random.default_rng(0)
    parts = range(_PRIOR_DRAWS // _AT_ONCE)
    return np.concatenate([of(draw_parameters(fit.statement, _AT_ONCE, rng))[0] for _ in parts])


def _range(fit: BayesFit, name: str) -> Array:
    """Values of a parameter that posterior or prior think possible."""
    values = [fit.parameters[name].ravel()]
    if not has_flat(fit.statement):
        drawn = draw_parameters(fit.statement, _AT_ONCE, np.random.default_rng(0))
        values.append(drawn[name].ravel())
    if _is_positive(fit, name):
        values.append(np.zeros(1))
    return np.concatenate(values)


def _is_positive(fit: BayesFit, name: str) -> bool:
    return name.startswith("sd(") or name in fit.draws.scales


def _line(
    asked: Comparison, values: Mapping[str, Array]
) -> tuple[float, Mapping[str, float]] | None:
    """Constant and weights of a difference that is linear in its parameters; None if it isn't."""
    zero = {name: np.asarray(0.0) for name in asked.names}
    constant = float(asked.difference(zero))
    weights = {
        name: float(asked.difference({**zero, name: np.asarray(1.0)})) - constant
        for name in asked.names
    }
    whole = asked.difference(values)
    with np.errstate(all="ignore"):
        linear = constant + sum(w * values[name] for name, w in weights.items())
    size = abs(constant) + float(np.abs(whole).max())
    if not np.isfinite(size) or not np.allclose(linear, whole, rtol=1e-9, atol=1e-9 * size):
        return None
    present = {name: weight for name, weight in weights.items() if weight != 0.0}
    return (constant, present) if present else None
