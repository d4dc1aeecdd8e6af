"""How much the data speak for a value: densities of posterior and prior there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from partialpool.bayes.densities import (
    conditional_density,
    kernel_density,
    prior_density,
    tail_bound,
)
from partialpool.bayes.expressions import evaluate_expression
from partialpool.bayes.prior_draws import draw_parameters
from partialpool.bayes.priors import LKJ, Flat
from partialpool.errors import ModelError

if TYPE_CHECKING:
    from partialpool.bayes.fit import BayesFit

__all__ = ["density_ratio", "difference"]

Array = NDArray[np.float64]
_PRIOR_DRAWS = 40_000


def difference(left: str, right: str, values: Mapping[str, Array]) -> Array:
    """Evaluate the left side less the right."""
    return np.asarray(evaluate_expression(left, values) - evaluate_expression(right, values))


def density_ratio(
    fit: BayesFit, left: str, right: str, used: list[str], posterior: Array
) -> tuple[float, bool]:
    """Posterior over prior density at the value, and whether that is only an upper limit."""
    line = _line(left, right, used, fit.parameters)
    positive = False
    draws, at, scale = posterior, 0.0, 1.0
    if line is not None and len(used) == 1 and line[1][0] != 0:
        # One parameter: look at it itself, which may have zero for a limit.
        (scale,), at = line[1], float(-line[0] / line[1][0])
        draws = fit.parameters[used[0]].ravel()
        positive = used[0].startswith("sd(") or used[0] in fit.draws.scales
    before = _before(fit, left, right, used, at, positive)
    if before <= 0:
        raise ModelError(
            f"the prior of {used[0]!r} rules the value {at:.6g} out, so that the data can't speak "
            "for or against it."
        )
    means = dict(zip(fit.design.columns, range(len(fit.design.columns)), strict=True))
    if fit.engine == "marginal" and line is not None and all(name in means for name in used):
        kept = fit.statement.kept["mean"]
        weights = np.zeros(len(kept))
        for name, weight in zip(used, line[1], strict=True):
            weights[kept.index(means[name])] = weight
        if weights.any():
            after = conditional_density(fit, weights, -line[0])
            return after * abs(scale) / before, False
    bound = tail_bound(draws, at, positive)
    if bound is not None:
        return bound / before, True
    return kernel_density(draws, at, positive) / before, False


def _before(
    fit: BayesFit, left: str, right: str, used: list[str], at: float, positive: bool
) -> float:
    """Prior density: exact where a parameter has a prior of its own, else from draws."""
    line = _line(left, right, used, fit.parameters)
    single = line is not None and len(used) == 1 and line[1][0] != 0
    own = {a.parameter: a.prior for a in fit.statement.priors.everything()}
    if single and used[0] in own and not _is_centred(fit, used[0]):
        prior = own[used[0]]
        if not isinstance(prior, (Flat, LKJ)):
            return prior_density(prior, at)
    drawn = draw_parameters(fit.statement, _PRIOR_DRAWS, np.random.default_rng(0))
    values = drawn[used[0]] if single else difference(left, right, drawn)
    return kernel_density(values.ravel(), at, positive)


def _is_centred(fit: BayesFit, name: str) -> bool:
    """Whether a name's prior isn't its own density: an intercept's or threshold's at the means."""
    return name in fit.draws.thresholds or any(
        priors.centred and priors.fixed[0].parameter == name
        for priors in fit.statement.priors.parts.values()
    )


def _line(
    left: str, right: str, used: list[str], values: Mapping[str, Array]
) -> tuple[float, list[float]] | None:
    """Constant and slopes of a difference that is linear in its parameters; None if it isn't."""

    def at(point: Mapping[str, Array]) -> float:
        return float(difference(left, right, {**values, **point}))

    zero = {name: np.asarray(0.0) for name in used}
    with np.errstate(all="ignore"):
        constant = at(zero)
        slopes = [at({**zero, name: np.asarray(1.0)}) - constant for name in used]
        whole = difference(left, right, values)
        linear = constant + sum(w * values[name] for w, name in zip(slopes, used, strict=True))
    size = abs(constant) + float(np.abs(whole).max())
    return (constant, slopes) if np.allclose(linear, whole, rtol=1e-9, atol=1e-9 * size) else None
